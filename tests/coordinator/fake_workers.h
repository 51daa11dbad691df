// Workers that a workforce is tested with, what they are told, and stages for them.
#ifndef UNDERSTUDY_TESTS_COORDINATOR_FAKE_WORKERS_H_
#define UNDERSTUDY_TESTS_COORDINATOR_FAKE_WORKERS_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/workforce.h"

namespace understudy::testing {

inline const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

inline absl::Time After(double seconds) { return kStart + absl::Seconds(seconds); }

inline StageId Stage(const std::string& experiment) { return {.experiment = experiment, .stage = 2}; }

// Remembers what a worker was told.
class FakeLink final : public WorkerLink {
 public:
  void Send(v1::Assignment assignment) override { sent.push_back(std::move(assignment)); }
  void ReadNext() override {}
  void Close(absl::Status status) override { closed.push_back(std::move(status)); }

  std::vector<v1::Assignment> sent;
  std::vector<absl::Status> closed;
};

inline std::string AddressOf(const std::string& learner) { return learner + ":7"; }

// A learner has an address of its own.
inline std::shared_ptr<FakeLink> Attach(Workforce& workforce, const std::string& id, v1::WorkerKind kind,
                                        absl::Time now) {
  v1::WorkerHello hello;
  hello.set_worker_id(id);
  hello.set_kind(kind);
  if (kind == v1::WORKER_KIND_LEARNER) hello.set_rollouts_address(AddressOf(id));
  auto link = std::make_shared<FakeLink>();
  EXPECT_TRUE(workforce.Attach(hello, link, now).ok());
  return link;
}

inline v1::LearnerWork WorkFor(int learners) {
  v1::LearnerWork work;
  work.mutable_train()->set_learners(learners);
  return work;
}

inline void Settle(Workforce& workforce, absl::Time now) {
  workforce.Plan(now);
  workforce.Tell();
}

inline v1::WorkerHeartbeat HeartbeatOf(int64_t epoch) {
  v1::WorkerHeartbeat heartbeat;
  heartbeat.set_epoch(epoch);
  return heartbeat;
}

// Learners by rank.
inline v1::StageGrant GrantTo(const std::vector<std::string>& learners, int64_t epoch) {
  v1::StageGrant grant;
  grant.set_epoch(epoch);
  for (const std::string& id : learners) {
    v1::GrantedLearner& learner = *grant.add_learners();
    learner.set_worker_id(id);
    learner.set_rollouts_address(AddressOf(id));
  }
  return grant;
}

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COORDINATOR_FAKE_WORKERS_H_
