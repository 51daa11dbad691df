#include "common/rpc/grpc_log.h"

#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(10);

struct Complaints {
  Mutex mutex;
  absl::Time last ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
  int unlogged ABSL_GUARDED_BY(mutex) = 0;
};

void Take(gpr_log_func_args* message) {
  if (message->severity != GPR_LOG_SEVERITY_ERROR) {
    spdlog::debug("grpc: {}", message->message);
    return;
  }
  static Complaints& complaints = *new Complaints;  // gRPC's threads may outlive main
  MutexLock lock(complaints.mutex);
  if (absl::Now() - complaints.last < kInterval) {
    ++complaints.unlogged;
    return;
  }
  if (complaints.unlogged == 0) {
    spdlog::warn("grpc: {}", message->message);
  } else {
    spdlog::warn("grpc: {} (and {} complaints more since the last one)", message->message, complaints.unlogged);
  }
  complaints.last = absl::Now();
  complaints.unlogged = 0;
}

}  // namespace

void TakeGrpcLog() { gpr_set_log_function(Take); }

}  // namespace understudy
