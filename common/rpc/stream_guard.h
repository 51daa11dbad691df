// Limits how many streams of a kind a server serves at a time, and how long each may take. Synchronous handlers need
// this, because each of their streams holds a thread of the server. Without it, callers who open many streams, or open
// one and do nothing, would keep all threads. (Reactors hold no thread, and bound their silence themselves.)
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

// Bounds the number of streams at a time, and the bytes that they hold together. It must outlive its guards.
// Thread-safe.
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

// Holds one call's place within a limit until it is destroyed. It must not outlive the call. Thread-compatible.
class StreamGuard {
 public:
  // The caller may take `patience` for one step, and `longest` for all of them.
  StreamGuard(StreamLimit& limit, grpc::ServerContext& context, absl::Duration patience,
              absl::Duration longest = absl::InfiniteDuration());
  ~StreamGuard();
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

  // Returns whether there was a place for this call.
  // UNAVAILABLE: there is none at the moment. Trying again helps.
  absl::Status Admission() const;

  // Adds to the bytes that this call keeps, of what it receives or sends, until the guard is destroyed.
  // UNAVAILABLE: all calls together keep too many bytes at the moment. Trying again helps.
  absl::Status Keep(int64_t bytes);

  // Returns step(), which reads or writes a message and returns whether that was possible. The call is cancelled, which
  // ends the step, if the step takes longer than the caller's patience or the call longer than `longest`.
  template <typename Step>
  bool Do(Step step) {
    if (!Begin()) return false;
    const bool possible = step();
    End();
    return possible;
  }

  // Returns whether the caller has been in time so far.
  // DEADLINE_EXCEEDED: the call was cancelled by Do. The message says why.
  absl::Status Patience() const;

 private:
  struct Call;
  // Returns false if the call's time is over.
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
