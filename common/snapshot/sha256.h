// SHA-256, by OpenSSL.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_SHA256_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_SHA256_H_

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace understudy {

// A running hash. Thread-compatible.
class Sha256Hash {
 public:
  Sha256Hash();
  void Add(std::string_view bytes);
  // 32 bytes: the hash of all that was added so far. More may be added afterwards.
  std::string Finish() const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// SHA-256 (32 bytes).
std::string Sha256(std::string_view bytes);

// Lower-case hexadecimal.
std::string ToHex(std::string_view bytes);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_SHA256_H_
