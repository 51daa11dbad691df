#include "actor/actor.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <random>
#include <utility>

#include "absl/time/clock.h"
#include "actor/sink_session.h"
#include "common/process/reminder.h"
#include "common/rpc/backoff.h"
#include "common/rpc/channel.h"
#include "common/rpc/stage_key.h"

namespace understudy {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(20);

v1::WorkerHello MakeWorkerHello(const std::string& worker_id) {
  v1::WorkerHello hello;
  hello.set_worker_id(worker_id);
  hello.set_kind(v1::WORKER_KIND_ACTOR);
  char host[256] = "";
  if (gethostname(host, sizeof(host) - 1) == 0) hello.set_host(host);
  hello.set_pid(getpid());
  return hello;
}

void LogAway(const std::string& address, const std::string& lasting, const absl::Status& why) {
  // A stage that is just beginning, or over, is refused like this, and ends like this: the next assignment is on its
  // way.
  const bool expected = why.ok() || absl::IsFailedPrecondition(why);
  spdlog::log(expected ? spdlog::level::info : spdlog::level::warn, "no stream to the sink at {}{}: {}; trying again",
              address, lasting, why.ok() ? "it ended the stream" : std::string(why.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Actor>> Actor::Start(const ActorOptions& options) {
  if (absl::Status status = ValidateAddress(options.coordinator); !status.ok()) return status;
  std::unique_ptr<Actor> actor(new Actor(options));
  Actor* const self = actor.get();
  actor->thread_ = std::thread([self] { self->Run(); });
  actor->session_ = std::make_unique<WorkerSession>(
      WorkerSessionOptions{.coordinator = options.coordinator,
                           .hello = MakeWorkerHello(self->worker_id_),
                           .on_assignment = [self](const v1::Assignment& a) { self->OnAssignment(a); },
                           .heartbeat = [self] { return self->counters_.Totals(); }});
  return actor;
}

Actor::Actor(const ActorOptions& options) : coordinator_(options.coordinator) {}

Actor::~Actor() {
  stopping_.Cancel("the actor is stopping");
  std::shared_ptr<Job> current;
  {
    MutexLock lock(mutex_);
    current = desired_;
    changed_.NotifyAll();
  }
  if (current != nullptr) current->leaving.Cancel("the actor is stopping");
  thread_.join();
  // Last: its last heartbeat has the totals of all that was done.
  session_.reset();
}

void Actor::Drain(std::function<void()> drained) {
  std::shared_ptr<Job> current;
  {
    MutexLock lock(mutex_);
    draining_ = true;
    drained_ = std::move(drained);
    current = desired_;
    changed_.NotifyAll();
  }
  if (current != nullptr) current->leaving.Cancel("the actor is draining");
}

void Actor::OnAssignment(const v1::Assignment& assignment) {
  std::shared_ptr<Job> next;
  if (assignment.has_actor()) {
    next = std::make_shared<Job>();
    next->work = assignment.actor();
    if (next->work.rollouts_address().empty()) next->work.set_rollouts_address(coordinator_);
  }
  std::shared_ptr<Job> earlier;
  {
    MutexLock lock(mutex_);
    earlier = std::exchange(desired_, std::move(next));
    begun_ = false;
    changed_.NotifyAll();
  }
  if (earlier != nullptr) earlier->leaving.Cancel("there is another assignment");
}

void Actor::Run() {
  while (const std::shared_ptr<Job> job = NextJob()) Work(*job);
  std::function<void()> drained;
  {
    MutexLock lock(mutex_);
    drained = std::exchange(drained_, nullptr);
  }
  if (drained) drained();
}

std::shared_ptr<Actor::Job> Actor::NextJob() {
  MutexLock lock(mutex_);
  while (stopping_.Check().ok() && !draining_ && (desired_ == nullptr || begun_)) changed_.Wait(mutex_);
  if (!stopping_.Check().ok() || draining_) return nullptr;
  begun_ = true;
  return desired_;
}

void Actor::Work(Job& job) {
  const std::string& address = job.work.rollouts_address();
  if (absl::Status status = ValidateAddress(address); !status.ok()) {
    spdlog::error("{}: {}", StageText(job.work.stage()), std::string(status.message()));
    return;
  }
  v1::ActorHello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_worker_id(worker_id_);
  *hello.mutable_stage() = job.work.stage();
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(address);
  Backoff backoff(kFirstBackoff, kLongestReconnectPause, std::random_device()());
  spdlog::info("rolling out for {} at {}", StageText(job.work.stage()), address);
  Reminder away(absl::ZeroDuration(), kReminderInterval);
  while (job.leaving.Check().ok()) {
    SinkSession session(channel, hello, counters_);
    const absl::Status status = session.Run(job.leaving, stopping_);
    if (session.greeted()) {
      backoff.Reset();
      away.End();
    }
    if (!job.leaving.Check().ok() || !stopping_.Check().ok()) return;
    away.Begin(absl::Now());
    if (away.Due(absl::Now())) LogAway(address, away.LastingText(absl::Now()), status);
    job.leaving.WaitFor(backoff.Next());
  }
}

}  // namespace understudy
