#include "common/random/random_stream.h"

#include <cmath>
#include <numbers>

namespace understudy {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;
constexpr int kRounds = 10;

uint32_t High(uint64_t product) { return static_cast<uint32_t>(product >> 32); }
uint32_t Low(uint64_t product) { return static_cast<uint32_t>(product); }

}  // namespace

std::array<uint32_t, 4> Philox4x32(const std::array<uint32_t, 4>& counter, const std::array<uint32_t, 2>& key) {
  auto [c0, c1, c2, c3] = counter;
  auto [k0, k1] = key;
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * c0;
    const uint64_t product1 = uint64_t{kMultiplier1} * c2;
    c0 = High(product1) ^ c1 ^ k0;
    c2 = High(product0) ^ c3 ^ k1;
    c1 = Low(product1);
    c3 = Low(product0);
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
  return {c0, c1, c2, c3};
}

RandomStream::RandomStream(uint64_t seed, RandomPurpose purpose, uint64_t stream, uint64_t index)
    : key_{Low(seed), High(seed)},
      counter_{0, Low(index), Low(stream), uint32_t{static_cast<uint8_t>(purpose)} << 24 | (High(stream) & 0xFFFFFF)} {}

RandomStream::result_type RandomStream::operator()() {
  if (used_ == 4) {
    block_ = Philox4x32(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

double RandomStream::Uniform() {
  const uint64_t high = (*this)() >> 5;  // 27 bits
  const uint64_t low = (*this)() >> 6;   // 26 bits
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

double RandomStream::Uniform(double low, double high) {
  const double value = low + (high - low) * Uniform();
  // Rounding can reach the bound that the contract excludes.
  return value < high ? value : std::nextafter(high, low);
}

double RandomStream::Normal() {
  const double radius = std::sqrt(-2.0 * std::log1p(-Uniform()));  // of 1 - u, which is never 0
  return radius * std::cos(2.0 * std::numbers::pi * Uniform());
}

uint32_t RandomStream::Below(uint32_t n) {
  // Lemire 2019, "Fast random integer generation in an interval": the high word of a product is uniform once the few
  // low words that some results would get too often are rejected.
  uint64_t product = uint64_t{(*this)()} * n;
  if (Low(product) < n) {
    const uint32_t surplus = -n % n;  // 2^32 mod n
    while (Low(product) < surplus) product = uint64_t{(*this)()} * n;
  }
  return High(product);
}

}  // namespace understudy
