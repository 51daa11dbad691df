#include "common/snapshot/content_digest.h"

#include <utility>

namespace understudy {

void ContentDigest::Advance(std::string_view fingerprint, std::string_view parameters, size_t end) {
  MutexLock lock(mutex_);
  if (!std::exchange(begun_, true)) hash_.Add(fingerprint);
  if (hashed_ >= end) return;
  hash_.Add(parameters.substr(hashed_, end - hashed_));
  hashed_ = end;
}

std::string ContentDigest::Finish(std::string_view fingerprint, std::string_view parameters) {
  Advance(fingerprint, parameters, parameters.size());
  MutexLock lock(mutex_);
  return hash_.Finish();
}

}  // namespace understudy
