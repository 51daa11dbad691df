#include "coordinator/coordinator_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Text(const CoordinatorStatus& status) {
  Scrape scrape;
  AddMetrics(status, scrape);
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, scrape.Take());
  return text.str();
}

v1::Experiment Running(const std::string& id) {
  v1::Experiment experiment;
  experiment.set_id(id);
  experiment.set_status(v1::STATUS_RUNNING);
  experiment.add_stages()->set_status(v1::STATUS_SUCCEEDED);
  v1::StageState& stage = *experiment.add_stages();
  stage.set_status(v1::STATUS_RUNNING);
  stage.set_kind("train");
  stage.set_workers(4);
  stage.set_waiting_for("a learner");
  stage.mutable_progress()->set_iteration(7);
  stage.mutable_progress()->set_done(30);
  stage.mutable_progress()->set_total(40);
  (*stage.mutable_progress()->mutable_metrics())["mean_return"] = 120.5;
  return experiment;
}

TEST(CoordinatorMetrics, ShowWhatRunsAndNothingThatDoesNot) {
  v1::Experiment pending;
  pending.set_id("later");
  pending.set_status(v1::STATUS_PENDING);
  CoordinatorStatus status;
  status.unfinished = {Running("cartpole-1"), pending};
  status.paused = 3;
  status.finished = {{v1::STATUS_FAILED, 2}};
  const std::string text = Text(status);
  EXPECT_THAT(text, HasSubstr("understudy_experiment_stage{experiment=\"cartpole-1\",kind=\"train\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiment_iteration{experiment=\"cartpole-1\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiment_mean_return{experiment=\"cartpole-1\"} 120.5\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiment_progress_ratio{experiment=\"cartpole-1\"} 0.75\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiment_actors{experiment=\"cartpole-1\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiment_waiting{experiment=\"cartpole-1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiments{status=\"pending\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiments{status=\"running\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiments{status=\"paused\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiments_finished_total{status=\"failed\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("understudy_experiments_finished_total{status=\"succeeded\"} 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("later")));
}

TEST(CoordinatorMetrics, CountWorkersByKindAndLeases) {
  CoordinatorStatus status;
  status.workers[v1::WORKER_KIND_ACTOR] = {.attached = 5, .assigned = 3};
  status.leased_requests = 6;
  status.control_events = 2;
  const std::string text = Text(status);
  EXPECT_THAT(text, HasSubstr("understudy_workers{kind=\"actor\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("understudy_workers{kind=\"learner\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("understudy_assigned_workers{kind=\"actor\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("understudy_requests_leased 6\n"));
  EXPECT_THAT(text, HasSubstr("understudy_control_queue_events 2\n"));
}

}  // namespace
}  // namespace understudy
