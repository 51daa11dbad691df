// The digest of a policy's content, found while the content travels.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_CONTENT_DIGEST_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_CONTENT_DIGEST_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "common/snapshot/sha256.h"

namespace understudy {

// SHA-256 over a fingerprint and parameters, as far as anybody needed it: whoever sends the content to many has it
// hashed once. All calls are about the same content. Thread-safe; a call waits for another's hashing.
class ContentDigest {
 public:
  ContentDigest() = default;
  // The content of a copy may change before it is shared: nothing has been found of it.
  ContentDigest(const ContentDigest&) : ContentDigest() {}
  ContentDigest& operator=(const ContentDigest&) = delete;

  // Hashes on, where less than the first `end` bytes of the parameters have been.
  void Advance(std::string_view fingerprint, std::string_view parameters, size_t end);
  // All of it: 32 bytes.
  std::string Finish(std::string_view fingerprint, std::string_view parameters);

 private:
  Mutex mutex_;
  Sha256Hash hash_ ABSL_GUARDED_BY(mutex_);
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  size_t hashed_ ABSL_GUARDED_BY(mutex_) = 0;  // of the parameters
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_CONTENT_DIGEST_H_
