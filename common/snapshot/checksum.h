// Whether bytes are still what they were: against damage, on the way or on disk, not against forgery. What content is
// named by is its SHA-256, which costs five times as much.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace understudy {

// A running XXH3 (64 bits, seed 0), by xxHash. Thread-compatible.
class RunningChecksum {
 public:
  RunningChecksum();
  ~RunningChecksum();
  void Add(std::string_view bytes);
  // Of all that was added so far. More may be added afterwards.
  uint64_t Value() const;
  // As if nothing had been added.
  void Reset();

 private:
  struct State;  // xxHash's
  const std::unique_ptr<State> state_;
};

// XXH3 (64 bits, seed 0).
uint64_t Checksum(std::string_view bytes);

// A checksum in messages: 16 hexadecimal digits.
std::string ChecksumText(uint64_t checksum);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_
