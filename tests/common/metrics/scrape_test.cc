#include "common/metrics/scrape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace understudy {
namespace {

using ::testing::HasSubstr;

std::string Text(Scrape& scrape) {
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, scrape.Take());
  return text.str();
}

TEST(Scrape, GivesEachMetricOnceWithAllItsLabels) {
  Scrape scrape;
  scrape.Add(kWorkers, {{"kind", "actor"}}, 3);
  scrape.Add(kSteps, 12);
  scrape.Add(kWorkers, {{"kind", "learner"}}, 1);
  EXPECT_EQ(Text(scrape),
            "# HELP understudy_environment_steps_total Environment steps taken (actor)\n"
            "# TYPE understudy_environment_steps_total counter\n"
            "understudy_environment_steps_total 12\n"
            "# HELP understudy_workers Attached workers, each with a lease. Labels: kind\n"
            "# TYPE understudy_workers gauge\n"
            "understudy_workers{kind=\"actor\"} 3\n"
            "understudy_workers{kind=\"learner\"} 1\n");
}

TEST(Scrape, TellsWhatBecameOfTrajectoriesByHopAndReason) {
  v1::TrajectoryAccounting accounting;
  accounting.set_produced(10);
  accounting.set_accepted(6);
  (*accounting.mutable_rejected())["surplus"] = 3;
  accounting.set_in_flight(1);
  Scrape scrape;
  scrape.Add("actor", accounting);
  const std::string text = Text(scrape);
  EXPECT_THAT(text, HasSubstr("understudy_trajectories_produced_total{hop=\"actor\"} 10\n"));
  EXPECT_THAT(text, HasSubstr("understudy_trajectories_rejected_total{hop=\"actor\",reason=\"surplus\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("understudy_trajectories_rejected_total{hop=\"actor\",reason=\"stale\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("understudy_trajectories_in_flight{hop=\"actor\"} 1\n"));
}

}  // namespace
}  // namespace understudy
