#include "learner/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "tests/testing/checkpoints.h"

namespace understudy {
namespace {

using testing::BcCheckpoint;
using ::testing::HasSubstr;
using testing::PpoCheckpoint;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The message with which a checkpoint is refused that `damage` made invalid.
std::string Refusal(v1::Checkpoint checkpoint, const std::function<void(v1::Checkpoint&)>& damage) {
  damage(checkpoint);
  const absl::Status status = ParseCheckpoint(checkpoint.SerializeAsString()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

std::string PpoRefusal(const std::function<void(v1::Checkpoint&)>& damage) { return Refusal(PpoCheckpoint(3), damage); }
std::string BcRefusal(const std::function<void(v1::Checkpoint&)>& damage) { return Refusal(BcCheckpoint(3), damage); }

void Poison(std::string& column, size_t element, float value) {
  column.replace(element * sizeof(float), sizeof(float), reinterpret_cast<const char*>(&value), sizeof(float));
}

TEST(Checkpoint, ValidOnesComeBackAsTheyWere) {
  for (const v1::Checkpoint& checkpoint : {PpoCheckpoint(1), PpoCheckpoint(3), BcCheckpoint(1), BcCheckpoint(3)}) {
    const absl::StatusOr<v1::Checkpoint> parsed = ParseCheckpoint(checkpoint.SerializeAsString());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->SerializeAsString(), checkpoint.SerializeAsString());
  }
}

TEST(Checkpoint, BytesThatAreNoMessageAreRefused) {
  EXPECT_THAT(std::string(ParseCheckpoint("\xff\xff\xff").status().message()),
              HasSubstr("3 bytes that are no message"));
  EXPECT_THAT(std::string(ParseCheckpoint("").status().message()), HasSubstr("fingerprint"));
  const std::string bytes = PpoCheckpoint(3).SerializeAsString();
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(ParseCheckpoint(bytes.substr(0, length)).status().code(), absl::StatusCode::kInvalidArgument) << length;
  }
}

TEST(Checkpoint, CountsOutOfBoundsAreRefusedByName) {
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.set_fingerprint("abc"); }),
            "checkpoint bytes of fingerprint: found 3, expected 32");
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.set_iteration(0); }),
              HasSubstr("iteration: found 0, expected 1 to "));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.set_iteration(INT64_MAX); }), HasSubstr("iteration: found 92233"));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.set_updates(0); }), HasSubstr("updates: found 0"));
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_optimizer()->set_steps(11); }),
            "checkpoint optimizer.steps: found 11, expected 12");
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.set_seconds(-1); }), HasSubstr("seconds: found -1"));
}

TEST(Checkpoint, ColumnsOfAnotherLengthAreRefusedByName) {
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.clear_parameters(); }), HasSubstr("parameters: found 0 bytes"));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_parameters()->pop_back(); }),
              HasSubstr("parameters: found 11 bytes"));
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_optimizer()->mutable_first_moments()->resize(8); }),
            "checkpoint optimizer.first_moments: found 8 bytes, expected 12 bytes");
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_optimizer()->mutable_second_moments()->append("1234"); }),
            "checkpoint optimizer.second_moments: found 16 bytes, expected 12 bytes");
  EXPECT_EQ(BcRefusal([](v1::Checkpoint& c) { c.mutable_bc()->mutable_best()->clear_parameters(); }),
            "checkpoint bc.best.parameters: found 0 bytes, expected 12 bytes");
  EXPECT_EQ(BcRefusal([](v1::Checkpoint& c) { c.mutable_bc()->mutable_last()->set_parameters("1234"); }),
            "checkpoint bc.last.parameters: found 4 bytes, expected 0 bytes");
}

TEST(Checkpoint, NumbersThatAreNotFiniteAreRefusedByName) {
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { Poison(*c.mutable_parameters(), 1, NAN); }),
            "checkpoint parameters element 1: found nan, expected a finite number");
  EXPECT_THAT(
      PpoRefusal([](v1::Checkpoint& c) { Poison(*c.mutable_optimizer()->mutable_first_moments(), 2, INFINITY); }),
      HasSubstr("optimizer.first_moments element 2: found inf"));
  EXPECT_THAT(
      PpoRefusal([](v1::Checkpoint& c) { Poison(*c.mutable_optimizer()->mutable_second_moments(), 0, -INFINITY); }),
      HasSubstr("optimizer.second_moments element 0: found -inf"));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.set_seconds(kNan); }), HasSubstr("seconds: found nan"));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_stop_rule()->mutable_last()->set_mean_return(kInfinity); }),
              HasSubstr("stop_rule.last.mean_return: found inf"));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->set_running_returns(1, kNan); }),
              HasSubstr("ppo.running_returns: found nan"));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->set_finished_returns(0, kNan); }),
              HasSubstr("ppo.finished_returns: found nan"));
  EXPECT_THAT(BcRefusal([](v1::Checkpoint& c) { c.mutable_bc()->mutable_best()->set_validation_loss(kNan); }),
              HasSubstr("bc.best.validation_loss: found nan"));
}

TEST(Checkpoint, SlotsThatAreNotInOrderAndEquallyFarAreRefusedByName) {
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->mutable_slots(1)->set_slot(0); }),
            "checkpoint ppo.slots 1 slot: found 0, expected 1");
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->mutable_slots(1)->set_steps(31); }),
            "checkpoint ppo.slots 1 steps: found 31, expected 30");
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->mutable_slots(0)->set_episode_step(31); }),
              HasSubstr("ppo.slots 0 episode_step: found 31, expected 0 to 30"));
  EXPECT_THAT(
      PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->mutable_slots(0)->mutable_environment()->resize(2 << 20); }),
      HasSubstr("ppo.slots 0 bytes of environment: found 2097152, expected 0 to 524288"));
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->add_running_returns(1); }),
            "checkpoint number of ppo.running_returns: found 3, expected 2");
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->Clear(); }),
              HasSubstr("number of ppo.slots: found 0"));
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_ppo()->mutable_finished_returns()->Resize(101, 1.0); }),
              HasSubstr("number of ppo.finished_returns: found 101"));
}

TEST(Checkpoint, StatesThatContradictThemselvesAreRefusedByName) {
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { c.mutable_stop_rule()->mutable_last()->set_episodes(0); }),
              HasSubstr("stop_rule.last.episodes: found 0, expected 1 to "));
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_stop_rule()->clear_evaluated_version(); }),
            "checkpoint stop_rule.last.episodes: found 2, expected 0");
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.mutable_trajectories()->set_produced(30); }),
            "checkpoint trajectories.produced: found 30, expected 31, accepted and rejected");
  EXPECT_THAT(PpoRefusal([](v1::Checkpoint& c) { (*c.mutable_trajectories()->mutable_rejected())["stale"] = -1; }),
              HasSubstr("trajectories.rejected: found -1"));
  EXPECT_EQ(PpoRefusal([](v1::Checkpoint& c) { c.clear_ppo(); }),
            "checkpoint algorithm: found no state, expected that of ppo or bc");
  EXPECT_EQ(BcRefusal([](v1::Checkpoint& c) { c.mutable_bc()->mutable_last()->set_epoch(2); }),
            "checkpoint bc.last.epoch: found 2, expected 3");
  EXPECT_THAT(BcRefusal([](v1::Checkpoint& c) { c.mutable_bc()->mutable_best()->set_epoch(4); }),
              HasSubstr("bc.best.epoch: found 4, expected 1 to 3"));
  EXPECT_THAT(BcRefusal([](v1::Checkpoint& c) { c.mutable_bc()->mutable_last()->clear_validation_loss(); }),
              HasSubstr("bc.last: found one of validation_loss and validation_accuracy"));
}

TEST(Checkpoint, OneThatDoesNotFitIsToldApartFromOtherErrors) {
  const absl::Status status = CheckpointDoesNotFit("ppo.slots", "2", "3");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "checkpoint ppo.slots: found 2, expected 3");
  EXPECT_TRUE(DoesNotFit(status));
  EXPECT_FALSE(DoesNotFit(absl::FailedPreconditionError("checkpoint ppo.slots: found 2, expected 3")));
  EXPECT_FALSE(DoesNotFit(absl::OkStatus()));
}

}  // namespace
}  // namespace understudy
