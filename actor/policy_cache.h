// The policies that came over one stream.
#ifndef UNDERSTUDY_ACTOR_POLICY_CACHE_H_
#define UNDERSTUDY_ACTOR_POLICY_CACHE_H_

#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "common/snapshot/policy_snapshot.h"
#include "common/snapshot/spare_memory.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// Keeps the last kPoliciesPerStream that came: the sink counts on just those. The next one comes into the memory of one
// that is gone, where they are large and of one size. Thread-compatible; policies may be let go of by any thread.
class PolicyCache {
 public:
  // Takes the next chunk. Errors are SnapshotAssembler's: the stream cannot be trusted any more.
  absl::Status Add(const v1::PolicyChunk& chunk);

  // The policy; or why no policy can be made of the snapshot that came under this name; NOT_FOUND: none came.
  absl::StatusOr<std::shared_ptr<const Policy>> Find(const std::string& name, int64_t version) const;

 private:
  struct Entry {
    std::string name;
    int64_t version = 0;
    absl::StatusOr<std::shared_ptr<const Policy>> policy;
  };
  const std::shared_ptr<SpareMemory> spare_ = std::make_shared<SpareMemory>();
  SnapshotAssembler assembler_{spare_};
  std::deque<Entry> entries_;  // the newest last
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_POLICY_CACHE_H_
