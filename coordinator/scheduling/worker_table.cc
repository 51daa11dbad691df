#include "coordinator/scheduling/worker_table.h"

#include <algorithm>
#include <utility>

namespace understudy {
namespace {

constexpr size_t kHeartbeatsPerSecond = 2'000;
constexpr int64_t kLongestInterval = 5;  // seconds

v1::Assignment Idle(int64_t heartbeat_ms) {
  v1::Assignment assignment;
  assignment.set_lease_ms(absl::ToInt64Milliseconds(kLease));
  assignment.set_heartbeat_ms(heartbeat_ms);
  return assignment;
}

bool SameProcess(const v1::WorkerHello& a, const v1::WorkerHello& b) {
  return a.kind() == b.kind() && a.rollouts_address() == b.rollouts_address() && a.pid() == b.pid() &&
         a.host() == b.host();
}

}  // namespace

absl::Duration HeartbeatInterval(size_t workers) {
  const auto seconds = static_cast<int64_t>((workers + kHeartbeatsPerSecond - 1) / kHeartbeatsPerSecond);
  return absl::Seconds(std::clamp<int64_t>(seconds, 1, kLongestInterval));
}

bool WorkerTable::Attach(const v1::WorkerHello& hello, absl::Time now) {
  const auto known = by_id_.find(hello.worker_id());
  if (known != by_id_.end() && SameProcess(known->second->hello, hello)) {
    known->second->last_seen = now;
    workers_.splice(workers_.end(), workers_, known->second);
    return false;
  }
  Remove(hello.worker_id());
  workers_.push_back({.hello = hello, .heartbeat = {}, .assignment = Idle(heartbeat_ms()), .last_seen = now});
  by_id_[hello.worker_id()] = std::prev(workers_.end());
  return true;
}

bool WorkerTable::Renew(const std::string& id, const v1::WorkerHeartbeat& heartbeat, absl::Time now) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
  found->second->heartbeat = heartbeat;
  found->second->last_seen = now;
  workers_.splice(workers_.end(), workers_, found->second);
  return true;
}

void WorkerTable::Remove(const std::string& id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  workers_.erase(found->second);
  by_id_.erase(found);
}

std::vector<std::string> WorkerTable::RemoveExpired(absl::Time now) {
  std::vector<std::string> expired;
  while (next_expiry() <= now) {
    expired.push_back(workers_.front().hello.worker_id());
    Remove(expired.back());
  }
  return expired;
}

absl::Time WorkerTable::next_expiry() const {
  return workers_.empty() ? absl::InfiniteFuture() : workers_.front().last_seen + kLease;
}

AttachedWorker* WorkerTable::Find(const std::string& id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found->second;
}

}  // namespace understudy
