// The policies that an actor has received over one stream.
#ifndef UNDERSTUDY_ACTOR_POLICY_CACHE_H_
#define UNDERSTUDY_ACTOR_POLICY_CACHE_H_

#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// Keeps the last kPoliciesPerStream policies; the sink relies on just these. A large policy reuses the memory of an
// earlier one of the same size. Thread-compatible; any thread may release a policy that it got here.
class PolicyCache {
 public:
  // Adds the next chunk of a policy.
  // Errors: SnapshotAssembler's; the stream must end then.
  absl::Status Add(const v1::PolicyChunk& chunk);

  // Returns a policy.
  // NOT_FOUND: no such policy is kept. Others: the snapshot that came is no usable policy, and why.
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
