// Computes SHA-256 hashes, by OpenSSL. They name content that people compare: episodes, datasets, policies.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_SHA256_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_SHA256_H_

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace understudy {

// Computes a SHA-256 hash piece by piece. Thread-compatible.
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

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_SHA256_H_
