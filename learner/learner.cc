#include "learner/learner.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/environment/registry.h"
#include "common/process/logging.h"
#include "common/process/reminder.h"
#include "common/process/text.h"
#include "common/process/usable_cores.h"
#include "common/rollouts/accounting.h"
#include "common/rpc/address.h"
#include "common/rpc/channel.h"
#include "learner/algorithms/algorithm.h"
#include "learner/backpropagation/numerical_fault.h"
#include "learner/checkpoint.h"
#include "learner/group/join_group.h"
#include "learner/group/learner_group.h"
#include "learner/learner_stage.h"
#include "learner/rollouts_address.h"

namespace understudy {
namespace {

struct Listening {
  std::unique_ptr<RpcServer> server;
  std::string advertised;  // the address that actors and other learners are told
};

absl::StatusOr<Listening> Listen(const LearnerOptions& options, const Coordinators& coordinators,
                                 const std::vector<grpc::Service*>& services) {
  RolloutsAddressOptions wanted{.listen = options.server.listen,
                                .advertise = options.advertise,
                                .beyond_loopback = options.server.access != nullptr || options.server.insecure};
  for (const Coordinators::Peer& peer : coordinators.peers()) wanted.coordinators.push_back(peer.address);
  const auto address = ChooseRolloutsAddress(wanted);
  if (!address.ok()) return address.status();
  const auto advertised = ParseAddress(address->advertise);
  if (!advertised.ok()) return advertised.status();
  if (options.server.access != nullptr) {
    const absl::Status status = options.server.access->CheckCertificateHost(advertised->host);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          status.message(), "; actors are told to call it by that: make a certificate for it, as deploy/tls/",
          "make-certificates --host learner=", advertised->host, " does, or give --advertise HOST:PORT"));
    }
  }
  ServerOptions server_options = options.server;
  server_options.listen = address->listen;
  auto server = RpcServer::Start(server_options, services);
  if (!server.ok()) return server.status();
  const auto real = ParseAddress((*server)->address());
  if (!real.ok()) return real.status();
  const int port = advertised->port > 0 ? advertised->port : real->port;
  return Listening{.server = *std::move(server), .advertised = FormatAddress(advertised->host, port)};
}

// Whether other learners can connect for gradients.
absl::Status CheckGradientsHost(const std::string& host) {
  const auto resolved = ResolveHost(host);
  if (!resolved.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--insecure_gradients: ", resolved.status().message()));
  }
  if (!resolved->wildcard) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--insecure_gradients: other learners cannot connect to ", host,
                                                 ": give an address by which they reach this host"));
}

v1::WorkerHello MakeHello(const std::string& rollouts_address) {
  v1::WorkerHello hello;
  hello.set_worker_id(MakeWorkerId());
  hello.set_kind(v1::WORKER_KIND_LEARNER);
  std::string host(256, '\0');
  if (gethostname(host.data(), host.size() - 1) == 0) hello.set_host(host.c_str());
  hello.set_pid(getpid());
  hello.set_rollouts_address(rollouts_address);
  return hello;
}

// Between attempts to deliver a stage's outcome.
constexpr absl::Duration kLongestOutcomePause = absl::Seconds(10);

// The stage is no longer this learner's, or the learner is stopping.
bool IsSettled(const absl::Status& outcome) {
  return outcome.ok() || absl::IsAborted(outcome) || absl::IsCancelled(outcome);
}

std::string StageText(const StageJob& job) {
  return absl::StrCat(job.work.stage().experiment_id(), " stage ", job.work.stage().stage() + 1);
}

// Nothing where it trains alone.
std::string RankText(const v1::LearnerWork& work) {
  const int ranks = work.train().learners();
  return ranks > 1 ? absl::StrCat(", as rank ", work.rank(), " of ", ranks, " learners") : "";
}

// Ranks of one host share the cores that they may use, where the stage does not say how many threads to use.
int ThreadsOf(const v1::TrainStage& stage, int ranks_here) {
  if (stage.threads() > 0 || ranks_here == 1) return stage.threads();
  return std::clamp(UsableCores() / ranks_here, 1, 4);
}

}  // namespace

Learner::Learner(const LearnerOptions& options, std::shared_ptr<Coordinators> coordinators)
    : credentials_(options.credentials), gradients_host_(options.gradients_host), client_(std::move(coordinators)) {}

absl::StatusOr<std::unique_ptr<Learner>> Learner::Start(const LearnerOptions& options) {
  const auto coordinators = Coordinators::Make(options.coordinators, options.credentials);
  if (!coordinators.ok()) return coordinators.status();
  std::unique_ptr<Learner> learner(new Learner(options, *coordinators));
  if (absl::Status status = CheckGradientsHost(options.gradients_host); !status.ok()) return status;
  auto listening = Listen(options, **coordinators, {&learner->rollouts_, &learner->ranks_});
  if (!listening.ok()) return listening.status();
  learner->server_ = std::move(listening->server);
  learner->server_->AnnounceServices({v1::Rollouts::service_full_name(), v1::Ranks::service_full_name()});
  const v1::WorkerHello hello = MakeHello(listening->advertised);
  SetLogWorker(hello.worker_id());
  spdlog::info("listening for actors on {}, advertised as {}", learner->server_->address(), listening->advertised);
  Learner* self = learner.get();
  learner->session_ = std::make_unique<WorkerSession>(
      WorkerSessionOptions{.coordinators = *coordinators,
                           .hello = hello,
                           .on_assignment = [self](const v1::Assignment& a) { self->OnAssignment(a); },
                           .heartbeat = [self] { return self->Heartbeat(); }});
  return learner;
}

Learner::~Learner() { session_.reset(); }

v1::WorkerHeartbeat Learner::Heartbeat() {
  const LearnerSink::ActorStatus actors = sink_.actor_status();
  v1::WorkerHeartbeat heartbeat;
  heartbeat.set_connected_actors(actors.connected);
  heartbeat.set_without_actors_ms(absl::ToInt64Milliseconds(actors.without_actors));
  MutexLock lock(mutex_);
  const int64_t since = desired_ == nullptr ? 0 : desired_->joining_since_ms.load();
  if (since > 0) heartbeat.set_without_ranks_ms(std::max<int64_t>(absl::ToUnixMillis(absl::Now()) - since, 0));
  return heartbeat;
}

void Learner::Drain() {
  server_->AnnounceEnd();
  MutexLock lock(mutex_);
  stopped_ = true;
  if (desired_ != nullptr) desired_->draining = true;
  changed_.NotifyAll();
}

void Learner::GiveUpIteration() {
  std::shared_ptr<StageJob> current;
  {
    MutexLock lock(mutex_);
    current = desired_;
  }
  if (current != nullptr && !current->saving) {
    current->cancellation.Cancel("the learner is stopping; the iteration in hand takes too long");
  }
}

void Learner::Stop() {
  std::shared_ptr<StageJob> current;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    current = desired_;
    changed_.NotifyAll();
  }
  stopping_.Cancel("the learner is stopping");
  if (current != nullptr) current->cancellation.Cancel("the learner is stopping");
}

void Learner::OnAssignment(const v1::Assignment& assignment) {
  std::shared_ptr<StageJob> old;
  {
    MutexLock lock(mutex_);
    old = std::exchange(desired_, nullptr);
    if (assignment.has_learner()) {
      desired_ = std::make_shared<StageJob>();
      desired_->work = assignment.learner();
    }
    taken_ = false;
    changed_.NotifyAll();
  }
  if (old == nullptr) return;
  old->cancellation.Cancel(
      absl::StrCat("fenced: the coordinator took the stage away, epoch ", old->work.stage().epoch(), " is over"));
}

std::shared_ptr<StageJob> Learner::NextJob() {
  MutexLock lock(mutex_);
  while (!stopped_ && (desired_ == nullptr || taken_)) changed_.Wait(mutex_);
  if (stopped_) return nullptr;
  taken_ = true;
  return desired_;
}

void Learner::Run() {
  while (const std::shared_ptr<StageJob> job = NextJob()) RunJob(*job);
}

void Learner::RunJob(StageJob& job) {
  const std::string name = StageText(job);
  const LogScope scope({.experiment = job.work.stage().experiment_id(), .epoch = job.work.stage().epoch()});
  spdlog::info("{}: training policy '{}' with {}{}", name, job.work.train().policy(), job.work.train().algorithm(),
               RankText(job.work));
  sink_.Forget();
  const absl::StatusOr<v1::TrainResult> result = Train(job);
  sink_.End();
  if (const absl::Status cancelled = job.cancellation.Check(); !cancelled.ok()) {
    spdlog::info("{}: given up: {}", name, std::string(cancelled.message()));
  } else if (absl::IsAborted(result.status())) {
    spdlog::warn("{}: given up: fenced: {}", name, std::string(result.status().message()));
  } else if (result.ok() && job.work.rank() > 0) {
    spdlog::info("{}: rank {} is done", name, job.work.rank());
  } else {
    Finish(job, result);
  }
}

void Learner::Finish(const StageJob& job, const absl::StatusOr<v1::TrainResult>& result) {
  const std::string name = StageText(job);
  v1::FinishStageRequest request;
  *request.mutable_stage() = job.work.stage();
  v1::TrajectoryAccounting& trajectories = *request.mutable_trajectories();
  {
    MutexLock lock(mutex_);
    superseded_ += job.superseded_trajectories;
  }
  trajectories = Sum(Sum(job.trajectories_before, job.trajectories_elsewhere), sink_.accounting());
  if (const int64_t superseded = job.superseded_trajectories; superseded > 0) {
    trajectories.set_accepted(trajectories.accepted() - superseded);
    (*trajectories.mutable_rejected())[std::string(kRejectedSurplus)] += superseded;
  }
  if (result.ok()) {
    *request.mutable_result() = *result;
  } else {
    spdlog::error("{}: {}", name, result.status().ToString());
    request.set_error(ErrorText(std::string(result.status().message())));
  }
  absl::Status status = Deliver(request, name, /*insisting=*/false);
  if (!IsSettled(status)) {
    // The stage is still ours, and would run for ever. Whatever the coordinator minded is left out.
    request.clear_trajectories();
    request.set_error(ErrorText(absl::StrCat("the coordinator refused the outcome: ", status.message())));
    status = Deliver(request, name, /*insisting=*/true);
  }
  if (!status.ok()) spdlog::warn("{}: the outcome was not taken: {}", name, status.ToString());
}

absl::Status Learner::Deliver(const v1::FinishStageRequest& request, const std::string& name, bool insisting) {
  Backoff backoff(absl::Milliseconds(100), kLongestOutcomePause, std::random_device{}());
  for (;;) {
    // Not under the job's cancellation: taking the result, the coordinator gives the next assignment before it answers.
    absl::Status status = client_.FinishStage(request, stopping_);
    if (IsSettled(status) || (!insisting && !absl::IsResourceExhausted(status))) return status;
    spdlog::warn("{}: the coordinator did not take the outcome ({}), trying again", name, status.ToString());
    stopping_.WaitFor(backoff.Next());
  }
}

absl::StatusOr<v1::TrainResult> Learner::Train(StageJob& job) {
  const v1::LearnerWork& work = job.work;
  auto environment = FindEnvironmentSpec(work.environment());
  if (!environment.ok()) return environment.status();
  environment->set_step_latency_us(work.step_latency_us());
  // Actors may come while the rest is being prepared.
  sink_.Begin(work.stage(), *environment);
  const auto wake = job.cancellation.OnCancel([this] { sink_.Wake(); });

  const auto algorithm = FindAlgorithm(work.train().algorithm());
  if (!algorithm.ok()) return algorithm.status();
  TrainingInput input{.stage = work.train(), .environment = *environment, .initial = nullptr};
  if (work.has_initial()) {
    auto initial = client_.DownloadPolicy(work.initial().name(), work.initial().version(), job.cancellation);
    if (!initial.ok()) return initial.status();
    input.initial = *std::move(initial);
  }
  Backoff backoff(absl::Milliseconds(20), kLongestReconnectPause, std::random_device{}());
  Reminder broken(absl::ZeroDuration(), kReminderInterval);
  while (true) {
    absl::StatusOr<v1::TrainResult> result = TrainTogether(input, *algorithm, job);
    if (absl::Status cancelled = job.cancellation.Check(); !cancelled.ok()) return cancelled;
    if (!IsGroupBroken(result.status())) return result;
    const bool had_met = job.joining_since_ms == 0;
    if (had_met) broken.End();
    broken.Begin(absl::Now());
    if (broken.Due(absl::Now())) {
      spdlog::warn("{}: {}; meeting again{}, to go on from the last checkpoint", StageText(job),
                   std::string(result.status().message()), broken.LastingText(absl::Now()));
    }
    sink_.End();
    sink_.Forget();
    job.cancellation.WaitFor(backoff.Next());
    sink_.Begin(work.stage(), *environment);
  }
}

absl::StatusOr<v1::TrainResult> Learner::TrainTogether(TrainingInput input, const TrainingAlgorithm& algorithm,
                                                       StageJob& job) {
  const v1::LearnerWork& work = job.work;
  if (job.joining_since_ms == 0) job.joining_since_ms = absl::ToUnixMillis(absl::Now());
  job.saving = false;
  const auto joined = JoinGroup({.stage = work.stage(),
                                 .rank = work.rank(),
                                 .size = std::max(1, work.train().learners()),
                                 .first_address = work.first_address(),
                                 .credentials = credentials_,
                                 .gradients_host = gradients_host_},
                                ranks_, job.cancellation);
  if (!joined.ok()) return joined.status();
  job.joining_since_ms = 0;
  LearnerGroup& group = (*joined)->group();
  input.stage.set_threads(ThreadsOf(input.stage, (*joined)->ranks_here()));
  job.trajectories_before.Clear();
  job.trajectories_elsewhere.Clear();
  auto checkpoint = LoadCheckpoint(job, group);
  if (!checkpoint.ok()) return checkpoint.status();
  input.checkpoint = *std::move(checkpoint);

  LearnerStage context(job, client_, sink_, group);
  auto output = TrainFrom(input, algorithm, job, context);
  if (group.rank() > 0 && HasDiverged(output.status())) {
    // It has at all ranks, and what follows is rank 0's to say, which may just learn that it had converged before.
    if (absl::Status status = ShareAccounting(job, group); !status.ok()) return status;
    return v1::TrainResult();
  }
  if (!output.ok()) {
    // The metrics that led here, and the last good checkpoint, are worth having all the more.
    context.Flush().IgnoreError();
    return output.status();
  }
  if (absl::Status status = context.Flush(); !status.ok()) return status;
  if (group.rank() > 0) {
    if (absl::Status status = ShareAccounting(job, group); !status.ok()) return status;
    return v1::TrainResult();
  }
  const auto version = client_.PublishPolicy(work.stage(), *output->policy, job.cancellation);
  if (!version.ok()) return version.status();
  // The policy is there: should a rank have gone meanwhile, its last results are missing from the account, no more.
  ShareAccounting(job, group).IgnoreError();
  job.superseded_trajectories = output->superseded_trajectories;
  v1::TrainResult result = std::move(output->result);
  result.set_policy(work.train().policy());
  result.set_policy_version(*version);
  result.set_policy_digest(output->policy->Digest());
  return result;
}

absl::Status Learner::ShareAccounting(StageJob& job, LearnerGroup& group) {
  if (group.size() == 1) return absl::OkStatus();
  sink_.End();
  v1::RankReport mine;
  *mine.mutable_trajectories() = sink_.accounting();
  const auto reports = ExchangeReports(group, mine);
  if (!reports.ok()) return reports.status();
  job.trajectories_elsewhere = TrajectoriesOfOthers(*reports, group.rank());
  return absl::OkStatus();
}

absl::StatusOr<std::optional<v1::Checkpoint>> Learner::LoadCheckpoint(StageJob& job, LearnerGroup& group) {
  absl::StatusOr<std::optional<v1::Checkpoint>> checkpoint = std::nullopt;
  if (group.rank() == 0) checkpoint = client_.LoadCheckpoint(job.work.stage(), job.cancellation);
  if (absl::IsDataLoss(checkpoint.status())) {
    // What is lost is time: the same seed leads to the same policy.
    spdlog::error("{}: its checkpoint is damaged, so it begins anew: {}", StageText(job),
                  std::string(checkpoint.status().message()));
    checkpoint = std::nullopt;
  }
  if (!checkpoint.ok() || group.size() == 1) return checkpoint;
  const auto bytes = group.Gather(checkpoint->has_value() ? (*checkpoint)->SerializeAsString() : "");
  if (!bytes.ok()) return bytes.status();
  if (bytes->front().empty() || group.rank() == 0) return checkpoint;
  return ParseCheckpoint(bytes->front());
}

absl::StatusOr<TrainingOutput> Learner::TrainFrom(TrainingInput& input, const TrainingAlgorithm& algorithm,
                                                  StageJob& job, LearnerStage& context) {
  if (!input.checkpoint.has_value()) return algorithm(input, context);
  spdlog::info("{}: going on after iteration {}", StageText(job), input.checkpoint->iteration());
  job.trajectories_before = input.checkpoint->trajectories();
  absl::StatusOr<TrainingOutput> output = algorithm(input, context);
  if (!DoesNotFit(output.status())) return output;
  spdlog::error("{}: its checkpoint is not of this stage, so it begins anew: {}", StageText(job),
                std::string(output.status().message()));
  job.trajectories_before.Clear();
  input.checkpoint.reset();
  return algorithm(input, context);
}

}  // namespace understudy
