#include "learner/group/ranks_service.h"

#include <spdlog/spdlog.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/reminder.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

constexpr size_t kMaxAddressBytes = 1 << 16;
constexpr size_t kMaxHostBytes = 256;

}  // namespace

// Keeps itself alive until OnDone.
class RanksService::Stream final : public grpc::ServerWriteReactor<v1::Roster>,
                                   public std::enable_shared_from_this<Stream> {
 public:
  Stream(RanksService& service, const v1::JoinRequest& request) : service_(service), request_(request) {}

  const v1::JoinRequest& request() const { return request_; }
  void KeepAlive() { self_ = shared_from_this(); }

  void Send(const v1::Roster& roster) {
    MutexLock lock(mutex_);
    if (finished_) return;
    roster_ = roster;
    StartWrite(&roster_);
  }

  void Close(const absl::Status& status) {
    MutexLock lock(mutex_);
    if (!std::exchange(finished_, true)) Finish(ToGrpc(status));
  }

  void OnCancel() override { Close(absl::CancelledError("the rank has gone")); }
  void OnWriteDone(bool ok) override {
    if (!ok) Close(absl::CancelledError("the rank has gone"));
  }
  void OnDone() override {
    const std::shared_ptr<Stream> last_reference = std::move(self_);
    service_.OnGone(*this);
  }

 private:
  RanksService& service_;
  const v1::JoinRequest request_;
  std::shared_ptr<Stream> self_;
  Mutex mutex_;
  v1::Roster roster_ ABSL_GUARDED_BY(mutex_);
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

absl::StatusOr<v1::Roster> RanksService::Meet(const v1::JoinRequest& mine, int size, const Cancellation& cancellation,
                                              std::function<void(const std::string&)> broken) {
  Reminder missing(absl::Seconds(2), kReminderInterval);
  missing.Begin(absl::Now());
  MutexLock lock(mutex_);
  CloseLocked(absl::AbortedError("the learners of the stage meet anew"));
  stage_ = mine.stage();
  size_ = size;
  while (!CompleteLocked() && cancellation.Check().ok()) {
    if (missing.Due(absl::Now())) {
      spdlog::warn("{}: waiting for learners, {} of {} are there{}", StageText(stage_), streams_.size() + 1, size_,
                   missing.LastingText(absl::Now()));
    }
    changed_.WaitFor(mutex_, absl::Milliseconds(100));
  }
  if (absl::Status status = cancellation.Check(); !status.ok()) {
    CloseLocked(status);
    return status;
  }
  v1::Roster roster;
  roster.add_hosts(mine.host());
  roster.add_addresses(mine.addresses());
  for (const auto& [rank, stream] : streams_) {
    roster.add_hosts(stream->request().host());
    roster.add_addresses(stream->request().addresses());
  }
  met_ = true;
  broken_ = std::move(broken);
  for (const auto& [rank, stream] : streams_) stream->Send(roster);
  return roster;
}

void RanksService::Close() {
  MutexLock lock(mutex_);
  CloseLocked(absl::AbortedError("the meeting is over"));
}

void RanksService::CloseLocked(const absl::Status& status) {
  for (const auto& [rank, stream] : std::exchange(streams_, {})) stream->Close(status);
  stage_.Clear();
  size_ = 0;
  met_ = false;
  broken_ = nullptr;
}

bool RanksService::CompleteLocked() const { return static_cast<int>(streams_.size()) + 1 == size_; }

absl::Status RanksService::CheckLocked(const v1::JoinRequest& request) const {
  if (request.protocol_version() != kProtocolVersion) {
    return absl::FailedPreconditionError(absl::StrCat("rank ", request.rank(), " speaks protocol version ",
                                                      request.protocol_version(), ", this learner ", kProtocolVersion,
                                                      ": run programs of one release"));
  }
  if (size_ == 0 || !SameStage(request.stage(), stage_)) {
    return absl::FailedPreconditionError(absl::StrCat("this learner is not rank 0 of ", StageText(request.stage()),
                                                      size_ == 0 ? "" : ", but of ",
                                                      size_ == 0 ? "" : StageText(stage_)));
  }
  if (request.rank() < 1 || request.rank() >= size_) {
    return absl::InvalidArgumentError(absl::StrCat("rank: found ", request.rank(), ", expected 1 to ", size_ - 1));
  }
  if (request.addresses().size() > kMaxAddressBytes || request.host().size() > kMaxHostBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("addresses of ", request.addresses().size(), " bytes and a host name of ", request.host().size(),
                     " bytes, expected at most ", kMaxAddressBytes, " and ", kMaxHostBytes));
  }
  return absl::OkStatus();
}

void RanksService::BreakLocked(const std::string& why) {
  if (!std::exchange(met_, false)) return;
  for (const auto& [rank, stream] : std::exchange(streams_, {})) stream->Close(absl::AbortedError(why));
  if (const auto broken = std::exchange(broken_, nullptr)) broken(why);
}

grpc::ServerWriteReactor<v1::Roster>* RanksService::Join(grpc::CallbackServerContext*, const v1::JoinRequest* request) {
  const auto stream = std::make_shared<Stream>(*this, *request);
  stream->KeepAlive();
  MutexLock lock(mutex_);
  if (const absl::Status status = CheckLocked(*request); !status.ok()) {
    stream->Close(status);
    return stream.get();
  }
  // Who comes after all have met has left the others.
  BreakLocked(absl::StrCat("rank ", request->rank(), " has come again"));
  if (const auto earlier = std::exchange(streams_[request->rank()], stream)) {
    earlier->Close(absl::AbortedError(absl::StrCat("rank ", request->rank(), " has joined again")));
  }
  changed_.NotifyAll();
  return stream.get();
}

void RanksService::OnGone(const Stream& stream) {
  MutexLock lock(mutex_);
  const auto found = streams_.find(stream.request().rank());
  if (found == streams_.end() || found->second.get() != &stream) return;
  streams_.erase(found);
  BreakLocked(absl::StrCat("rank ", stream.request().rank(), " has gone"));
}

}  // namespace understudy
