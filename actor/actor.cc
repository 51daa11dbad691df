#include "actor/actor.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "actor/sink_session.h"
#include "common/rpc/backoff.h"
#include "common/rpc/channel.h"

namespace understudy {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(20);
constexpr absl::Duration kLongestBackoff = absl::Seconds(1);

v1::WorkerHello MakeWorkerHello(const std::string& worker_id) {
  v1::WorkerHello hello;
  hello.set_worker_id(worker_id);
  hello.set_kind(v1::WORKER_KIND_ACTOR);
  char host[256] = "";
  if (gethostname(host, sizeof(host) - 1) == 0) hello.set_host(host);
  hello.set_pid(getpid());
  return hello;
}

std::string StageText(const v1::StageKey& stage) {
  return absl::StrCat("experiment '", stage.experiment_id(), "' stage ", stage.stage(), " epoch ", stage.epoch());
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
  session_.reset();
  stopping_.Cancel("the actor is stopping");
  std::shared_ptr<Job> current;
  {
    MutexLock lock(mutex_);
    current = desired_;
    changed_.NotifyAll();
  }
  if (current != nullptr) current->leaving.Cancel("the actor is stopping");
  thread_.join();
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
}

std::shared_ptr<Actor::Job> Actor::NextJob() {
  MutexLock lock(mutex_);
  while (stopping_.Check().ok() && (desired_ == nullptr || begun_)) changed_.Wait(mutex_);
  if (!stopping_.Check().ok()) return nullptr;
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
  Backoff backoff(kFirstBackoff, kLongestBackoff, std::random_device()());
  spdlog::info("rolling out for {} at {}", StageText(job.work.stage()), address);
  bool warned = false;
  while (job.leaving.Check().ok()) {
    SinkSession session(channel, hello, counters_);
    const absl::Status status = session.Run(job.leaving, stopping_);
    if (session.greeted()) {
      backoff.Reset();
      warned = false;
    }
    if (!status.ok() && !absl::IsCancelled(status) && !std::exchange(warned, true)) {
      // A stage that is just beginning, or over, is refused like this: the next assignment is on its way.
      const auto level = absl::IsFailedPrecondition(status) ? spdlog::level::info : spdlog::level::warn;
      spdlog::log(level, "no stream to the sink at {}: {}; trying again", address, std::string(status.message()));
    }
    job.leaving.WaitFor(backoff.Next());
  }
}

}  // namespace understudy
