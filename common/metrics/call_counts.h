// Connects a server with the metrics of its calls.
#ifndef UNDERSTUDY_COMMON_METRICS_CALL_COUNTS_H_
#define UNDERSTUDY_COMMON_METRICS_CALL_COUNTS_H_

#include <string>

#include "common/metrics/latencies.h"
#include "common/rpc/server.h"

namespace understudy {

// Makes the function for ServerOptions::on_call that counts and times each call in `calls`, which must outlive the
// server.
inline OnCall CountCalls(Latencies& calls) {
  return [&calls](const std::string& method, absl::StatusCode code, absl::Duration taken) {
    calls.Observe(method, taken);
    calls.Count(method, code);
  };
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_CALL_COUNTS_H_
