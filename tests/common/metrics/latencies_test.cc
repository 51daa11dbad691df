#include "common/metrics/latencies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace understudy {
namespace {

using ::testing::HasSubstr;

TEST(Latencies, AreCountedInBucketsOfWhatWasDone) {
  Latencies latencies(kStoreDuration, kStoreErrors, "operation");
  latencies.Observe("PutMetrics", absl::Microseconds(200));
  latencies.Observe("PutMetrics", absl::Milliseconds(2));
  latencies.Observe("GetDataset", absl::Seconds(40));
  latencies.Count("PutMetrics", absl::StatusCode::kResourceExhausted);
  Scrape scrape;
  latencies.AddTo(scrape);
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, scrape.Take());
  const std::string name = "understudy_store_duration_seconds";
  EXPECT_THAT(out.str(), HasSubstr(name + "_count{operation=\"PutMetrics\"} 2\n"));
  EXPECT_THAT(out.str(), HasSubstr(name + "_bucket{operation=\"PutMetrics\",le=\"0.0001\"} 0\n"));
  EXPECT_THAT(out.str(), HasSubstr(name + "_bucket{operation=\"PutMetrics\",le=\"0.001\"} 1\n"));
  EXPECT_THAT(out.str(), HasSubstr(name + "_bucket{operation=\"PutMetrics\",le=\"0.003\"} 2\n"));
  EXPECT_THAT(out.str(), HasSubstr(name + "_bucket{operation=\"GetDataset\",le=\"30\"} 0\n"));
  EXPECT_THAT(out.str(), HasSubstr(name + "_bucket{operation=\"GetDataset\",le=\"+Inf\"} 1\n"));
  EXPECT_THAT(out.str(),
              HasSubstr("understudy_store_errors_total{code=\"RESOURCE_EXHAUSTED\",operation=\"PutMetrics\"} 1"));
}

}  // namespace
}  // namespace understudy
