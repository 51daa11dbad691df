// The table of attached workers: each with its lease, its latest heartbeat and its assignment.
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

// The length of a lease. A worker that is silent for so long is removed.
inline constexpr absl::Duration kLease = absl::Seconds(10);
// Returns how often each of `workers` workers should send a heartbeat: every second while that is at most 2,000 a
// second together; otherwise more seldom, but twice in a lease. The interval is in whole seconds, so that it seldom
// changes.
absl::Duration HeartbeatInterval(size_t workers);

struct AttachedWorker {
  v1::WorkerHello hello;
  v1::WorkerHeartbeat heartbeat;
  v1::Assignment assignment;
  absl::Time last_seen;
};

// Pure, thread-compatible; `now` never goes back. Every call costs O(1), and RemoveExpired O(1) for each worker
// removed.
class WorkerTable {
 public:
  // Adds a worker, or renews the lease of a worker that attaches again. Returns true if it is new, and has no
  // assignment. A worker of a known id is new too if it is of another kind, process or address: it replaces the known
  // one.
  bool Attach(const v1::WorkerHello& hello, absl::Time now);

  // Notes a heartbeat, and renews the lease. Returns false if the worker is unknown.
  bool Renew(const std::string& id, const v1::WorkerHeartbeat& heartbeat, absl::Time now);

  // Removes a worker, if it is known.
  void Remove(const std::string& id);

  // Removes the workers whose lease has ended, and returns their ids.
  std::vector<std::string> RemoveExpired(absl::Time now);

  // Returns when the next lease ends; InfiniteFuture: the table is empty.
  absl::Time next_expiry() const;

  // Returns a worker, valid until it is removed; nullptr: unknown.
  AttachedWorker* Find(const std::string& id);

  // Returns all workers, the longest silent first.
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
