// Computes checksums, which show whether bytes were damaged on their way or on disk. They do not protect against
// forgery. Content that people compare is named by its SHA-256 instead (sha256.h), which costs five times as much.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace understudy {

// Computes an XXH3 checksum (64 bits, seed 0) piece by piece, by xxHash. Thread-compatible.
class RunningChecksum {
 public:
  RunningChecksum();
  ~RunningChecksum();
  void Add(std::string_view bytes);
  // Returns the checksum of everything added so far. More may be added afterwards.
  uint64_t Value() const;
  // Forgets everything that was added.
  void Reset();

 private:
  struct State;  // xxHash's
  const std::unique_ptr<State> state_;
};

// Returns the XXH3 checksum (64 bits, seed 0).
uint64_t Checksum(std::string_view bytes);

// Returns a checksum as 16 hexadecimal digits, for messages.
std::string ChecksumText(uint64_t checksum);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_
