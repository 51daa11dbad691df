// What Prometheus's libraries tell of every process.
#ifndef UNDERSTUDY_COMMON_METRICS_PROCESS_METRICS_H_
#define UNDERSTUDY_COMMON_METRICS_PROCESS_METRICS_H_

#include "common/metrics/scrape.h"

namespace understudy {

// CPU time, memory and open files of this process, as Linux has them. Thread-safe.
void AddProcessMetrics(Scrape& scrape);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_PROCESS_METRICS_H_
