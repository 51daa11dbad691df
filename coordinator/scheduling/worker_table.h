// The attached workers and their leases.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_WORKER_TABLE_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_WORKER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// A worker that is silent for this long is gone, and its assignment with it.
inline constexpr absl::Duration kLease = absl::Seconds(10);
// How often so many workers are to send heartbeats: every second, and more seldom where that would be more than 2,000 a
// second, but at least twice in a lease. Whole seconds, so that few workers hear of each change.
absl::Duration HeartbeatInterval(size_t workers);

struct AttachedWorker {
  v1::WorkerHello hello;
  v1::WorkerHeartbeat heartbeat;
  v1::Assignment assignment;
  absl::Time last_seen;
};

// Pure, thread-compatible; `now` never goes back. Every call costs O(1), RemoveExpired O(1) for each worker that it
// removes.
class WorkerTable {
 public:
  // Adds a worker, or renews the lease of one that attaches again. True: it is new, and has no assignment: also where
  // one of that id was of another kind or served rollouts elsewhere, so was another process.
  bool Attach(const v1::WorkerHello& hello, absl::Time now);

  // Renews the lease. False: unknown.
  bool Renew(const std::string& id, const v1::WorkerHeartbeat& heartbeat, absl::Time now);

  void Remove(const std::string& id);

  // Removes the workers whose lease has ended, and returns their ids.
  std::vector<std::string> RemoveExpired(absl::Time now);

  // When the next lease ends if nobody is heard of; InfiniteFuture: there are none.
  absl::Time next_expiry() const;

  // nullptr: unknown. Valid until the worker is removed.
  AttachedWorker* Find(const std::string& id);

  // Longest silent first.
  const std::list<AttachedWorker>& workers() const { return workers_; }
  size_t size() const { return by_id_.size(); }
  int64_t heartbeat_ms() const { return absl::ToInt64Milliseconds(HeartbeatInterval(size())); }

 private:
  // All leases are equally long, so the order of renewal is the order of expiry.
  std::list<AttachedWorker> workers_;
  std::unordered_map<std::string, std::list<AttachedWorker>::iterator> by_id_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_WORKER_TABLE_H_
