// Calls a coordinator that may be away for a while.
#ifndef UNDERSTUDY_CLI_PERSISTENT_CLIENT_H_
#define UNDERSTUDY_CLI_PERSISTENT_CLIENT_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/connection.h"
#include "common/process/mutex.h"
#include "common/rpc/channel.h"

namespace understudy {

struct PersistentClientOptions {
  // Takes lines that say that the coordinator is away, for how long, and that it is back.
  std::function<void(std::string_view)> log;
  absl::Duration call_timeout = absl::Seconds(10);
  absl::Duration reminder = absl::Seconds(30);
  absl::Duration patience = absl::Minutes(5);
};

// If the connection breaks, the client makes the call again until a coordinator answers. So it may be used only for
// calls that are idempotent. It pauses for at most 300 ms between attempts, and turns to the next coordinator if there
// are several. It logs once that the connection is lost, and then again after every `reminder`.
//
// Only Cancel may be called from other threads.
// UNAVAILABLE: the coordinator has been away for as long as `patience`. The message says what to do next. Any other
// error is the coordinator's, and final.
class PersistentClient {
 public:
  // `connection` must outlive it.
  PersistentClient(Connection& connection, PersistentClientOptions options);

  // Makes a unary call. `method` is a stub's, and `stub` says whose:
  // Call(&v1::Experiments::Stub::List, &Connection::experiments, request).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                Stub& (Connection::*stub)(), const Request& request) {
    Response response;
    absl::Status status = Persist([&](grpc::ClientContext& context) {
      SetDeadline(context, options_.call_timeout);
      return ((connection_.*stub)().*method)(&context, request, &response);
    });
    if (!status.ok()) return status;
    return response;
  }

  // Watches an experiment until it has ended or is PAUSED. Calls `seen` with each state, and returns the last one.
  absl::StatusOr<v1::Experiment> Watch(const std::string& id, const std::function<void(const v1::Experiment&)>& seen);

  // Ends the call that is under way, within 300 ms, and every later one, with CANCELLED. Thread-safe.
  void Cancel();

 private:
  // Makes attempts until one is answered, with OK or a final error.
  absl::Status Persist(const std::function<grpc::Status(grpc::ClientContext&)>& attempt);
  grpc::Status Attempt(const std::function<grpc::Status(grpc::ClientContext&)>& attempt);
  // Waits after an attempt that was not answered. OK: it is time for another. Otherwise: why there will be none.
  absl::Status Endure(const absl::Status& why);
  void Answered();
  bool cancelled();

  Connection& connection_;
  const PersistentClientOptions options_;
  Backoff backoff_;
  absl::Time away_since_ = absl::InfiniteFuture();  // InfiniteFuture: the coordinator is here
  absl::Time next_reminder_;
  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the attempt under way
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_PERSISTENT_CLIENT_H_
