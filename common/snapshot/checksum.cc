#include "common/snapshot/checksum.h"

// All of it here: no library that programs would have to load.
#define XXH_INLINE_ALL
#include <openssl/evp.h>
#include <xxhash.h>

#include <cstdlib>

#include "absl/strings/str_format.h"

namespace understudy {
namespace {

// These calls fail only where memory, or OpenSSL's own provider, is missing: nothing that a caller could handle.
void Require(bool succeeded) {
  if (!succeeded) std::abort();
}

}  // namespace

struct RunningChecksum::State : XXH3_state_t {};

RunningChecksum::RunningChecksum() : state_(std::make_unique<State>()) { Reset(); }

RunningChecksum::~RunningChecksum() = default;

void RunningChecksum::Add(std::string_view bytes) { XXH3_64bits_update(state_.get(), bytes.data(), bytes.size()); }

uint64_t RunningChecksum::Value() const { return XXH3_64bits_digest(state_.get()); }

void RunningChecksum::Reset() { XXH3_64bits_reset(state_.get()); }

uint64_t Checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string ChecksumText(uint64_t checksum) { return absl::StrFormat("%016x", checksum); }

void Sha256Hash::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256Hash::Sha256Hash() : context_(EVP_MD_CTX_new()) {
  Require(context_ != nullptr);
  Require(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256Hash::Add(std::string_view bytes) {
  Require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256Hash::Finish() const {
  const Sha256Hash copy;
  Require(EVP_MD_CTX_copy_ex(copy.context_.get(), context_.get()) == 1);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(copy.context_.get(), digest, &size) == 1);
  return std::string(reinterpret_cast<const char*>(digest), size);
}

std::string Sha256(std::string_view bytes) {
  Sha256Hash hash;
  hash.Add(bytes);
  return hash.Finish();
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    text.push_back(kDigits[static_cast<unsigned char>(byte) >> 4]);
    text.push_back(kDigits[static_cast<unsigned char>(byte) & 15]);
  }
  return text;
}

}  // namespace understudy
