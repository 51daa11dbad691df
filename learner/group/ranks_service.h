// The gRPC service of rank 0, at which the learners of a stage meet.
#ifndef UNDERSTUDY_LEARNER_GROUP_RANKS_SERVICE_H_
#define UNDERSTUDY_LEARNER_GROUP_RANKS_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "understudy/v1/ranks.grpc.pb.h"

namespace understudy {

// There is one meeting at a time. Each rank has one stream; further ones are refused. Thread-safe.
class RanksService final : public v1::Ranks::CallbackService {
 public:
  // Opens a meeting of `size` ranks, ends an earlier one, and waits until all ranks are there. `mine` is rank 0's
  // request. The log says if ranks are missing. The meeting then lasts until Close. If a rank goes before that, all
  // streams end, and `broken` is called, once at most and on any thread.
  // CANCELLED: `cancellation` was cancelled.
  absl::StatusOr<v1::Roster> Meet(const v1::JoinRequest& mine, int size, const Cancellation& cancellation,
                                  std::function<void(const std::string& why)> broken);

  // Ends the meeting and all streams. `broken` is not called any more after this. Idempotent.
  void Close();

  grpc::ServerWriteReactor<v1::Roster>* Join(grpc::CallbackServerContext* context,
                                             const v1::JoinRequest* request) override;

 private:
  class Stream;

  void CloseLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckLocked(const v1::JoinRequest& request) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool CompleteLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BreakLocked(const std::string& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnGone(const Stream& stream);

  Mutex mutex_;
  CondVar changed_;
  v1::StageKey stage_ ABSL_GUARDED_BY(mutex_);  // empty: there is no meeting
  int size_ ABSL_GUARDED_BY(mutex_) = 0;
  bool met_ ABSL_GUARDED_BY(mutex_) = false;                                // all have the roster
  std::map<int, std::shared_ptr<Stream>> streams_ ABSL_GUARDED_BY(mutex_);  // of ranks that are there
  std::function<void(const std::string&)> broken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_RANKS_SERVICE_H_
