#include "common/process/log_fields.h"

#include <gtest/gtest.h>

#include <thread>

namespace understudy {
namespace {

TEST(LogFields, AreThoseOfTheInnermostScopeAndOfWhatIsAroundIt) {
  EXPECT_EQ(CurrentLogFields().experiment, "");
  {
    const LogScope outer({.experiment = "one", .epoch = 3});
    {
      const LogScope inner({.epoch = 4, .worker = "a"});
      EXPECT_EQ(CurrentLogFields().experiment, "one");
      EXPECT_EQ(CurrentLogFields().epoch, 4);
      EXPECT_EQ(CurrentLogFields().worker, "a");
    }
    EXPECT_EQ(CurrentLogFields().epoch, 3);
    EXPECT_EQ(CurrentLogFields().worker, "");
  }
  EXPECT_EQ(CurrentLogFields().epoch, 0);
}

TEST(LogFields, AreAThreadsOwnButForTheProcesssWorker) {
  const LogScope scope({.experiment = "one"});
  SetLogWorker("me");
  LogFields elsewhere;
  std::thread([&] { elsewhere = CurrentLogFields(); }).join();
  EXPECT_EQ(elsewhere.experiment, "");
  EXPECT_EQ(elsewhere.worker, "me");
  EXPECT_EQ(CurrentLogFields().worker, "me");
  const LogScope other({.worker = "another"});
  EXPECT_EQ(CurrentLogFields().worker, "another");
  SetLogWorker("");
}

}  // namespace
}  // namespace understudy
