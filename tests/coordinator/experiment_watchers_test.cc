#include "coordinator/experiment_watchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class FakeWatcher final : public ExperimentWatcher {
 public:
  void Show(const v1::Experiment& experiment) override { shown.push_back(experiment.id()); }
  void Close(absl::Status status) override { closed.push_back(std::move(status)); }

  std::vector<std::string> shown;  // by id
  std::vector<absl::Status> closed;
};

v1::Experiment Named(const std::string& id) {
  v1::Experiment experiment;
  experiment.set_id(id);
  return experiment;
}

TEST(ExperimentWatchers, SeeWhatIsShownUntilTheyGo) {
  ExperimentWatchers watchers;
  const auto stays = std::make_shared<FakeWatcher>();
  const auto goes = std::make_shared<FakeWatcher>();
  EXPECT_TRUE(watchers.Add(stays));
  EXPECT_TRUE(watchers.Add(goes));
  watchers.Show(Named("c"));
  watchers.Remove(*goes);
  watchers.Show(Named("d"));
  watchers.CloseAll(absl::UnavailableError("stopping"));
  EXPECT_THAT(stays->shown, ElementsAre("c", "d"));
  EXPECT_THAT(goes->shown, ElementsAre("c"));
  EXPECT_THAT(stays->closed, ElementsAre(absl::UnavailableError("stopping")));
  EXPECT_THAT(goes->closed, SizeIs(0));
}

TEST(ExperimentWatchers, AreShownAChangeOnce) {
  ExperimentWatchers watchers;
  watchers.Add(std::make_shared<FakeWatcher>());
  EXPECT_FALSE(watchers.TakeUnseen());
  watchers.NoteChange();
  EXPECT_TRUE(watchers.TakeUnseen());
  EXPECT_FALSE(watchers.TakeUnseen());
  watchers.NoteStage(2, "");
  EXPECT_TRUE(watchers.TakeUnseen());
  watchers.NoteStage(2, "");
  EXPECT_FALSE(watchers.TakeUnseen());
  watchers.NoteStage(2, "a learner");
  EXPECT_TRUE(watchers.TakeUnseen());
}

TEST(ExperimentWatchers, WhatNobodySawWhoeverComesLaterHasSeen) {
  ExperimentWatchers watchers;
  watchers.NoteChange();
  EXPECT_FALSE(watchers.TakeUnseen());
  watchers.Add(std::make_shared<FakeWatcher>());
  EXPECT_FALSE(watchers.TakeUnseen());
}

TEST(ExperimentWatchers, RefusesMoreThanItsBound) {
  ExperimentWatchers watchers;
  const auto watcher = std::make_shared<FakeWatcher>();
  for (size_t i = 0; i < kMaxWatchers; ++i) ASSERT_TRUE(watchers.Add(watcher));
  EXPECT_FALSE(watchers.Add(watcher));
  watchers.Show(Named("a"));
  EXPECT_THAT(watcher->shown, SizeIs(kMaxWatchers));
}

}  // namespace
}  // namespace understudy
