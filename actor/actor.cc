#include "actor/actor.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "actor/sink_session.h"
#include "common/process/logging.h"
#include "common/process/reminder.h"
#include "common/process/text.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(20);
// The coordinator is told of a sink that has not been reached for this long.
constexpr absl::Duration kUnreachableAfter = absl::Seconds(2);

v1::WorkerHello MakeWorkerHello(const std::string& worker_id) {
  v1::WorkerHello hello;
  hello.set_worker_id(worker_id);
  hello.set_kind(v1::WORKER_KIND_ACTOR);
  char host[256] = "";
  if (gethostname(host, sizeof(host) - 1) == 0) hello.set_host(host);
  hello.set_pid(getpid());
  return hello;
}

// A stage that is just beginning, or over, is refused like this, and ends like this: the next assignment is on its way.
bool IsExpected(const absl::Status& end) { return end.ok() || absl::IsFailedPrecondition(end); }

void LogAway(const std::string& id, const std::string& address, const std::string& lasting, const absl::Status& why) {
  spdlog::log(IsExpected(why) ? spdlog::level::info : spdlog::level::warn,
              "{}: no stream to the sink at {}{}: {}; trying again", id, address, lasting,
              why.ok() ? "it ended the stream" : std::string(why.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Actor>> Actor::Start(const ActorOptions& options) {
  auto coordinators = Coordinators::Make(options.coordinators, options.credentials);
  if (!coordinators.ok()) return coordinators.status();
  if (options.threads < 1 || options.threads > kMaxRolloutThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("threads: found ", options.threads, ", expected 1 to ", kMaxRolloutThreads));
  }
  std::unique_ptr<Actor> actor(new Actor(options));
  Actor* const self = actor.get();
  SetLogWorker(self->worker_id_);
  for (int i = 1; i <= options.threads; ++i) {
    const std::string id = options.threads == 1 ? self->worker_id_ : absl::StrCat(self->worker_id_, ".", i);
    actor->threads_.emplace_back([self, id] { self->Run(id); });
  }
  actor->session_ = std::make_unique<WorkerSession>(
      WorkerSessionOptions{.coordinators = *std::move(coordinators),
                           .hello = MakeWorkerHello(self->worker_id_),
                           .on_assignment = [self](const v1::Assignment& a) { self->OnAssignment(a); },
                           .heartbeat = [self] { return self->Heartbeat(); }});
  return actor;
}

Actor::Actor(const ActorOptions& options) : options_(options), running_(options.threads) {}

Actor::~Actor() {
  stopping_.Cancel("the actor is stopping");
  std::shared_ptr<Job> current;
  {
    MutexLock lock(mutex_);
    current = desired_;
    changed_.NotifyAll();
  }
  if (current != nullptr) current->leaving.Cancel("the actor is stopping");
  for (std::thread& thread : threads_) thread.join();
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

void Actor::AddMetrics(Scrape& scrape) const {
  const v1::WorkerHeartbeat totals = counters_.Totals();
  scrape.Add("actor", totals.trajectories());
  scrape.Add(kSteps, static_cast<double>(totals.steps_produced()));
  scrape.Add(kRequestsQueued, static_cast<double>(counters_.queued()));
  scrape.Add(kPolicyVersion, static_cast<double>(counters_.policy_version()));
}

v1::WorkerHeartbeat Actor::Heartbeat() {
  v1::WorkerHeartbeat heartbeat = counters_.Totals();
  MutexLock lock(mutex_);
  if (!unreachable_.empty()) heartbeat.set_unreachable(unreachable_.begin()->second);
  return heartbeat;
}

void Actor::NoteReach(const std::string& id, const std::string& address, const absl::Status& status) {
  MutexLock lock(mutex_);
  if (status.ok()) {
    unreachable_.erase({address, id});
    return;
  }
  // A reason may begin with an address already: with this one, or with the one that its host name stands for.
  const std::string begin = absl::StrCat(address, ": ");
  std::string why(status.message());
  if (!absl::StartsWith(why, begin)) why = absl::StrCat(begin, why);
  why = ErrorText(why);
  // The coordinator shows it on terminals, and takes nothing else.
  std::replace_if(why.begin(), why.end(), [](unsigned char c) { return !absl::ascii_isprint(c); }, '?');
  unreachable_[{address, id}] = std::move(why);
}

void Actor::OnAssignment(const v1::Assignment& assignment) {
  std::shared_ptr<Job> next;
  if (assignment.has_actor()) {
    next = std::make_shared<Job>();
    next->work = assignment.actor();
    const v1::StageKey& stage = next->work.stage();
    const LogScope scope({.experiment = stage.experiment_id(), .epoch = stage.epoch()});
    spdlog::info("rolling out for {} at {}", StageText(next->work.stage()),
                 absl::StrJoin(next->work.rollouts_addresses(), ", "));
  }
  std::shared_ptr<Job> earlier;
  {
    MutexLock lock(mutex_);
    earlier = std::exchange(desired_, std::move(next));
    changed_.NotifyAll();
  }
  if (earlier != nullptr) earlier->leaving.Cancel("there is another assignment");
}

void Actor::Run(const std::string& id) {
  std::shared_ptr<Job> job;
  while ((job = NextJob(job)) != nullptr) Work(id, *job);
  std::function<void()> drained;
  {
    MutexLock lock(mutex_);
    if (--running_ == 0) drained = std::exchange(drained_, nullptr);
  }
  if (drained) drained();
}

std::shared_ptr<Actor::Job> Actor::NextJob(const std::shared_ptr<Job>& done) {
  MutexLock lock(mutex_);
  while (stopping_.Check().ok() && !draining_ && (desired_ == nullptr || desired_ == done)) changed_.Wait(mutex_);
  return stopping_.Check().ok() && !draining_ ? desired_ : nullptr;
}

void Actor::Work(const std::string& id, Job& job) {
  std::vector<std::thread> others;
  for (int i = 1; i < job.work.rollouts_addresses_size(); ++i) {
    others.emplace_back([this, &id, &job, i] { Serve(id, job, job.work.rollouts_addresses(i)); });
  }
  Serve(id, job, job.work.rollouts_addresses(0));
  for (std::thread& other : others) other.join();
}

void Actor::Serve(const std::string& id, Job& job, const std::string& address) {
  const v1::StageKey& stage = job.work.stage();
  const LogScope scope({.experiment = stage.experiment_id(), .epoch = stage.epoch(), .worker = id});
  if (absl::Status status = ValidateAddress(address); !status.ok()) {
    spdlog::error("{}: {}", StageText(job.work.stage()), std::string(status.message()));
    return;
  }
  v1::ActorHello hello;
  hello.set_protocol_version(kProtocolVersion);
  hello.set_worker_id(id);
  *hello.mutable_stage() = job.work.stage();
  // Several would wait for each other on one connection.
  const std::shared_ptr<grpc::Channel> channel =
      options_.threads > 1 ? MakeOwnChannel(address, options_.credentials) : MakeChannel(address, options_.credentials);
  Backoff backoff(kFirstBackoff, kLongestReconnectPause, std::random_device()());
  Reminder away(absl::ZeroDuration(), kReminderInterval);
  const auto reached = [&] { NoteReach(id, address, absl::OkStatus()); };
  while (job.leaving.Check().ok() && stopping_.Check().ok()) {
    SinkSession session(channel, hello, counters_, reached);
    const absl::Status status = ExplainConnecting(session.Run(job.leaving, stopping_), options_.credentials != nullptr);
    if (session.greeted()) {
      backoff.Reset();
      away.End();
    }
    if (!job.leaving.Check().ok() || !stopping_.Check().ok()) break;
    away.Begin(absl::Now());
    if (away.Due(absl::Now())) LogAway(id, address, away.LastingText(absl::Now()), status);
    // A sink that restarts is no news.
    if (IsExpected(status)) {
      reached();
    } else if (away.lasting(absl::Now()) >= kUnreachableAfter) {
      NoteReach(id, address, status);
    }
    job.leaving.WaitFor(backoff.Next());
  }
  reached();
}

}  // namespace understudy
