#include "cli/persistent_client.h"

#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/experiment_report.h"
#include "cli/table.h"
#include "common/rpc/channel.h"

namespace understudy {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(20);

// A coordinator that is stopped in good order cancels what is under way, if it comes to it.
bool IsAbsence(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsCancelled(status);
}

}  // namespace

PersistentClient::PersistentClient(Connection& connection, PersistentClientOptions options)
    : connection_(connection),
      options_(std::move(options)),
      backoff_(kFirstPause, kLongestReconnectPause, std::random_device()()) {}

absl::StatusOr<v1::Experiment> PersistentClient::Watch(const std::string& id,
                                                       const std::function<void(const v1::Experiment&)>& seen) {
  v1::WatchExperimentRequest request;
  request.set_id(id);
  v1::Experiment experiment;
  const absl::Status status = Persist([&](grpc::ClientContext& context) {
    const auto reader = connection_.experiments().Watch(&context, request);
    while (reader->Read(&experiment)) {
      Answered();
      seen(experiment);
    }
    return reader->Finish();
  });
  if (!status.ok()) return status;
  if (!HasEnded(experiment.status()) && experiment.status() != v1::STATUS_PAUSED) {
    return absl::InternalError(
        absl::StrCat("watching experiment ", id, " ended while it is ", StatusName(experiment.status())));
  }
  return experiment;
}

absl::Status PersistentClient::Persist(const std::function<grpc::Status(grpc::ClientContext&)>& attempt) {
  while (true) {
    const absl::Status status = connection_.Result(Attempt(attempt));
    if (!IsAbsence(status)) {
      Answered();
      return status;
    }
    if (absl::Status given_up = Endure(status); !given_up.ok()) return given_up;
  }
}

grpc::Status PersistentClient::Attempt(const std::function<grpc::Status(grpc::ClientContext&)>& attempt) {
  grpc::ClientContext context;
  {
    MutexLock lock(mutex_);
    if (cancelled_) return grpc::Status::CANCELLED;
    context_ = &context;
  }
  const grpc::Status status = attempt(context);
  MutexLock lock(mutex_);
  context_ = nullptr;
  return status;
}

absl::Status PersistentClient::Endure(const absl::Status& why) {
  if (cancelled()) return absl::CancelledError("interrupted");
  const absl::Time now = absl::Now();
  if (away_since_ == absl::InfiniteFuture()) {
    away_since_ = now;
    next_reminder_ = now + options_.reminder;
    options_.log(absl::StrCat("understudy: warning: the connection is lost: ", why.message(), "; trying again"));
  }
  const absl::Duration away = now - away_since_;
  if (away >= options_.patience) {
    return absl::UnavailableError(absl::StrCat(why.message(), "; tried again for ", DurationText(away),
                                               ": start the coordinator again, on its data directory and address, and "
                                               "this command again"));
  }
  if (now >= next_reminder_) {
    next_reminder_ = now + options_.reminder;
    options_.log(absl::StrCat("understudy: warning: no connection for ", DurationText(away), ": ", why.message(),
                              "; trying on"));
  }
  connection_.MoveOn();
  connection_.Pause(backoff_.Next());
  return cancelled() ? absl::CancelledError("interrupted") : absl::OkStatus();
}

void PersistentClient::Answered() {
  backoff_.Reset();
  if (std::exchange(away_since_, absl::InfiniteFuture()) == absl::InfiniteFuture()) return;
  options_.log("understudy: connected again");
}

bool PersistentClient::cancelled() {
  MutexLock lock(mutex_);
  return cancelled_;
}

void PersistentClient::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

}  // namespace understudy
