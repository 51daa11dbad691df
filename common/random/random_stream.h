// Counter-based random numbers. Every draw is a pure function of seed, purpose, stream and index. So any process can
// make any draw, at any time and in any order, and gets the same numbers.
//
// The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
#ifndef UNDERSTUDY_COMMON_RANDOM_RANDOM_STREAM_H_
#define UNDERSTUDY_COMMON_RANDOM_RANDOM_STREAM_H_

#include <array>
#include <cstdint>
#include <limits>

namespace understudy {

// Computes one block of Philox4x32-10: four independent 32-bit words from a 128-bit counter and a 64-bit key.
std::array<uint32_t, 4> Philox4x32(const std::array<uint32_t, 4>& counter, const std::array<uint32_t, 2>& key);

// What numbers are drawn for. Draws for different purposes never share a counter, so that equal seeds do no harm: the
// episodes that evaluate a policy are not those that it was trained on. The values are part of every recorded result;
// they must not change.
enum class RandomPurpose : uint8_t {
  kCollectionReset = 1,    // stream: episode number; index: 0
  kCollectionAction = 2,   // stream: episode number; index: step
  kTrainingReset = 3,      // stream: slot number; index: episode within the slot
  kTrainingAction = 4,     // stream: slot number; index: transition within the slot
  kInitialisation = 5,     // stream: parameter tensor; index: 0
  kMinibatchShuffle = 6,   // stream: iteration; index: epoch
  kValidationSplit = 7,    // stream: 0; index: 0
  kStopRuleSeed = 8,       // derives the seed of a version's evaluation; stream: policy version; index: 0
  kStopRuleReset = 9,      // stream: episode number; index: 0
  kStopRuleAction = 10,    // stream: episode number; index: step
  kEvaluationReset = 11,   // stream: episode number; index: 0
  kEvaluationAction = 12,  // stream: episode number; index: step
};

// A sequence of random numbers, which repeats after 2^34 words. It is cheap to copy, and cheap to make for a single
// draw. Thread-compatible.
//
// Each block gives four words. The key of a block is the seed. Word 0 of its counter is the number of the block, word 1
// the index, and word 2 the low 32 bits of the stream. Word 3 is the purpose in the top byte, then the next 24 bits of
// the stream. The class is a C++ UniformRandomBitGenerator, too. But use the members below: the standard library's
// distributions differ from one library to another.
class RandomStream {
 public:
  using result_type = uint32_t;

  // `stream` must be below 2^56, `index` below 2^32.
  RandomStream(uint64_t seed, RandomPurpose purpose, uint64_t stream, uint64_t index);

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

  // Draws uniformly from [0, 1), with 53 random bits.
  double Uniform();
  // Draws uniformly from [low, high).
  double Uniform(double low, double high);
  // Draws from the standard normal distribution (Box–Muller).
  double Normal();
  // Draws an integer uniformly from [0, n), without bias. `n` must be positive.
  uint32_t Below(uint32_t n);

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RANDOM_RANDOM_STREAM_H_
