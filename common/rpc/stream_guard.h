// For streams that synchronous handlers serve: each holds a thread of the server, so callers who open many, or open one
// and do nothing, must not keep them all. (Reactors hold none, and bound their silence themselves.)
#ifndef UNDERSTUDY_COMMON_RPC_STREAM_GUARD_H_
#define UNDERSTUDY_COMMON_RPC_STREAM_GUARD_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy {

// How many streams there may be at a time, and how much they may hold together. Thread-safe; must outlive its guards.
class StreamLimit {
 public:
  explicit StreamLimit(int most, int64_t most_bytes = 0) : most_(most), most_bytes_(most_bytes) {}

 private:
  friend class StreamGuard;
  const int most_;
  const int64_t most_bytes_;
  std::atomic<int> streams_ = 0;
  std::atomic<int64_t> bytes_ = 0;
};

// One call's place within a limit, until it is destroyed; it must not outlive the call. Thread-compatible.
class StreamGuard {
 public:
  // `patience`: how long the caller may take for one step; `longest`: for all of them.
  StreamGuard(StreamLimit& limit, grpc::ServerContext& context, absl::Duration patience,
              absl::Duration longest = absl::InfiniteDuration());
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

  // UNAVAILABLE: there is no place at the moment; trying again helps.
  absl::Status Admission() const;

  // The call keeps so many more bytes of what it receives or sends, until the guard is destroyed. UNAVAILABLE: all
  // calls together keep too many at the moment; trying again helps.
  absl::Status Keep(int64_t bytes);

  // Returns step(), which reads or writes a message and returns whether that was possible. Where it takes longer than
  // the caller's patience, or the call longer than the longest that it may, the call is cancelled, which ends the step.
  template <typename Step>
  bool Do(Step step) {
    if (!Begin()) return false;
    const bool possible = step();
    End();
    return possible;
  }

  // DEADLINE_EXCEEDED: a step was cancelled, and why.
  absl::Status Patience() const;

 private:
  struct Call;
  // False where the call's time is over.
  bool Begin();
  void End();

  StreamLimit& limit_;
  const bool admitted_;
  const absl::Duration patience_;
  const absl::Duration longest_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  int64_t bytes_ = 0;
  const std::shared_ptr<Call> call_;  // alarms may outlive the guard
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_STREAM_GUARD_H_
