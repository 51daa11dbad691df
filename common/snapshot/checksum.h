// Computes checksums of bytes, of two kinds. XXH3 shows whether bytes were damaged on their way or on disk; it does not
// protect against forgery. SHA-256 names content that people compare: episodes, datasets, policies. It costs five times
// as much.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

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

// Computes a SHA-256 hash piece by piece, by OpenSSL. Thread-compatible.
class Sha256Hash {
 public:
  Sha256Hash();
  void Add(std::string_view bytes);
  // Returns the hash (32 bytes) of everything added so far. More may be added afterwards.
  std::string Finish() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Returns the SHA-256 hash (32 bytes).
std::string Sha256(std::string_view bytes);

// Returns the bytes in lower-case hexadecimal.
std::string ToHex(std::string_view bytes);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_CHECKSUM_H_
