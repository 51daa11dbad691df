#include "learner/checkpoint.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/rollouts/segment_order.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

// Counts beyond it are nonsense, and sums of some of them still fit.
constexpr int64_t kMaxCount = int64_t{1} << 53;
constexpr int64_t kFingerprintBytes = 32;
constexpr int kMaxSlots = 65536;
constexpr int kMaxFinishedReturns = 100;
constexpr int kMaxRejectionReasons = 64;
constexpr char kDoesNotFitUrl[] = "understudy/checkpoint-does-not-fit";

template <typename Found, typename Expected>
absl::Status Mismatch(std::string_view field, const Found& found, const Expected& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("checkpoint ", std::string(field), ": found ", found, ", expected ", expected));
}

absl::Status CheckCount(std::string_view field, int64_t count, int64_t minimum, int64_t maximum = kMaxCount) {
  if (count >= minimum && count <= maximum) return absl::OkStatus();
  return Mismatch(field, count, minimum == maximum ? absl::StrCat(minimum) : absl::StrCat(minimum, " to ", maximum));
}

absl::Status CheckNumber(std::string_view field, double number) {
  return std::isfinite(number) ? absl::OkStatus() : Mismatch(field, number, "a finite number");
}

bool IsFinite(uint32_t float_bits) { return (float_bits & 0x7F800000) != 0x7F800000; }

// `bytes` wherever it lies in memory: little-endian floats, as on every machine that this runs on.
absl::Status CheckFloats(std::string_view field, const std::string& bytes, size_t expected_bytes) {
  if (bytes.size() != expected_bytes) {
    return Mismatch(field, absl::StrCat(bytes.size(), " bytes"), absl::StrCat(expected_bytes, " bytes"));
  }
  for (size_t offset = 0; offset < bytes.size(); offset += sizeof(uint32_t)) {
    uint32_t number = 0;
    std::memcpy(&number, bytes.data() + offset, sizeof(number));
    if (IsFinite(number)) continue;
    return Mismatch(absl::StrCat(std::string(field), " element ", offset / sizeof(uint32_t)),
                    std::bit_cast<float>(number), "a finite number");
  }
  return absl::OkStatus();
}

absl::Status CheckParameters(const v1::Checkpoint& checkpoint) {
  const size_t bytes = checkpoint.parameters().size();
  if (bytes == 0 || bytes % sizeof(float) != 0 || bytes > static_cast<size_t>(kMaxParameterBytes)) {
    return Mismatch("parameters", absl::StrCat(bytes, " bytes"),
                    absl::StrCat("whole floats, some, of at most ", kMaxParameterBytes, " bytes"));
  }
  const v1::AdamState& optimizer = checkpoint.optimizer();
  absl::Status status = CheckFloats("parameters", checkpoint.parameters(), bytes);
  status.Update(CheckCount("optimizer.steps", optimizer.steps(), checkpoint.updates(), checkpoint.updates()));
  status.Update(CheckFloats("optimizer.first_moments", optimizer.first_moments(), bytes));
  status.Update(CheckFloats("optimizer.second_moments", optimizer.second_moments(), bytes));
  return status;
}

absl::Status CheckStopRule(const v1::StopRuleState& state) {
  const v1::EpisodeSummary& last = state.last();
  absl::Status status = CheckCount("stop_rule.evaluated_version", state.evaluated_version(), 0);
  status.Update(CheckCount("stop_rule.steps", state.steps(), 0));
  status.Update(CheckCount("stop_rule.last.episodes", last.episodes(), state.evaluated_version() > 0 ? 1 : 0,
                           state.evaluated_version() > 0 ? kMaxCount : 0));
  status.Update(CheckCount("stop_rule.last.transitions", last.transitions(), 0, state.steps()));
  status.Update(CheckNumber("stop_rule.last.mean_return", last.mean_return()));
  status.Update(CheckNumber("stop_rule.last.std_return", last.std_return()));
  status.Update(CheckNumber("stop_rule.last.min_return", last.min_return()));
  status.Update(CheckNumber("stop_rule.last.max_return", last.max_return()));
  return status;
}

absl::Status CheckTrajectories(const v1::TrajectoryAccounting& trajectories) {
  const int reasons = static_cast<int>(trajectories.rejected().size());
  if (absl::Status status = CheckCount("reasons in trajectories.rejected", reasons, 0, kMaxRejectionReasons);
      !status.ok()) {
    return status;
  }
  absl::Status status = CheckCount("trajectories.accepted", trajectories.accepted(), 0);
  int64_t ended = trajectories.accepted();
  for (const auto& [reason, count] : trajectories.rejected()) {
    status.Update(CheckCount("trajectories.rejected", count, 0));
    if (!status.ok()) return status;
    ended += count;
  }
  status.Update(CheckCount("trajectories.lost", trajectories.lost(), 0, 0));
  status.Update(CheckCount("trajectories.in_flight", trajectories.in_flight(), 0, 0));
  if (status.ok() && trajectories.produced() != ended) {
    return Mismatch("trajectories.produced", trajectories.produced(), absl::StrCat(ended, ", accepted and rejected"));
  }
  return status;
}

absl::Status CheckSlot(const v1::SlotState& state, int slot, int64_t steps) {
  const std::string field = absl::StrCat("ppo.slots ", slot, " ");
  absl::Status status = CheckCount(field + "slot", state.slot(), slot, slot);
  status.Update(CheckCount(field + "steps", state.steps(), steps, steps));
  status.Update(CheckCount(field + "episode", state.episode(), 0));
  status.Update(CheckCount(field + "episode_step", state.episode_step(), 0, steps));
  status.Update(CheckCount(field + "bytes of environment", static_cast<int64_t>(state.environment().size()), 0,
                           kMaxSlotStateBytes));
  return status;
}

absl::Status CheckPpo(const v1::PpoState& state, size_t parameter_bytes) {
  absl::Status status = CheckFloats("ppo.behaviour_parameters", state.behaviour_parameters(),
                                    state.behaviour_parameters().empty() ? 0 : parameter_bytes);
  status.Update(CheckCount("number of ppo.slots", state.slots_size(), 1, kMaxSlots));
  status.Update(CheckCount("number of ppo.running_returns", state.running_returns_size(), state.slots_size(),
                           state.slots_size()));
  status.Update(CheckCount("number of ppo.finished_returns", state.finished_returns_size(), 0, kMaxFinishedReturns));
  if (!status.ok()) return status;
  const int64_t steps = state.slots(0).steps();  // an iteration takes all slots equally far
  status.Update(CheckCount("ppo.slots 0 steps", steps, 1));
  for (int slot = 0; slot < state.slots_size() && status.ok(); ++slot) {
    status.Update(CheckSlot(state.slots(slot), slot, steps));
    status.Update(CheckNumber("ppo.running_returns", state.running_returns(slot)));
  }
  for (const double finished : state.finished_returns()) {
    status.Update(CheckNumber("ppo.finished_returns", finished));
  }
  return status;
}

absl::Status CheckEpoch(const std::string& field, const v1::BcEpoch& epoch, size_t parameter_bytes) {
  absl::Status status = CheckFloats(field + ".parameters", epoch.parameters(), parameter_bytes);
  status.Update(CheckNumber(field + ".train_loss", epoch.train_loss()));
  status.Update(CheckNumber(field + ".train_accuracy", epoch.train_accuracy()));
  status.Update(CheckNumber(field + ".validation_loss", epoch.validation_loss()));
  status.Update(CheckNumber(field + ".validation_accuracy", epoch.validation_accuracy()));
  if (status.ok() && epoch.has_validation_loss() != epoch.has_validation_accuracy()) {
    return Mismatch(field, "one of validation_loss and validation_accuracy", "both or neither");
  }
  return status;
}

absl::Status CheckBc(const v1::Checkpoint& checkpoint) {
  const v1::BcState& state = checkpoint.bc();
  const int64_t iteration = checkpoint.iteration();
  absl::Status status = CheckCount("bc.last.epoch", state.last().epoch(), iteration, iteration);
  status.Update(CheckEpoch("bc.last", state.last(), 0));
  if (!state.has_best() || !status.ok()) return status;
  const bool is_last = state.best().epoch() == iteration;
  status.Update(CheckCount("bc.best.epoch", state.best().epoch(), 1, iteration));
  status.Update(CheckEpoch("bc.best", state.best(), is_last ? 0 : checkpoint.parameters().size()));
  if (status.ok() && !(state.best().has_validation_loss() && state.last().has_validation_loss())) {
    return Mismatch("bc.best", "an epoch by validation loss", "validation_loss in best and last");
  }
  return status;
}

}  // namespace

absl::StatusOr<v1::Checkpoint> ParseCheckpoint(std::string_view bytes) {
  v1::Checkpoint checkpoint;
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !checkpoint.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Mismatch("content", absl::StrCat(bytes.size(), " bytes that are no message"), "understudy.v1.Checkpoint");
  }
  if (absl::Status status = ValidateCheckpoint(checkpoint); !status.ok()) return status;
  return checkpoint;
}

absl::Status ValidateCheckpoint(const v1::Checkpoint& checkpoint) {
  absl::Status status = CheckCount("bytes of fingerprint", static_cast<int64_t>(checkpoint.fingerprint().size()),
                                   kFingerprintBytes, kFingerprintBytes);
  status.Update(CheckCount("iteration", checkpoint.iteration(), 1));
  status.Update(CheckCount("updates", checkpoint.updates(), 1));
  status.Update(CheckNumber("seconds", checkpoint.seconds()));
  if (status.ok() && checkpoint.seconds() < 0) status = Mismatch("seconds", checkpoint.seconds(), "at least 0");
  if (!status.ok()) return status;
  status.Update(CheckParameters(checkpoint));
  status.Update(CheckStopRule(checkpoint.stop_rule()));
  status.Update(CheckTrajectories(checkpoint.trajectories()));
  if (!status.ok()) return status;
  if (checkpoint.has_ppo()) return CheckPpo(checkpoint.ppo(), checkpoint.parameters().size());
  if (checkpoint.has_bc()) return CheckBc(checkpoint);
  return Mismatch("algorithm", "no state", "that of ppo or bc");
}

absl::Status CheckpointDoesNotFit(std::string_view field, std::string_view found, std::string_view expected) {
  absl::Status status = absl::FailedPreconditionError(absl::StrCat(
      "checkpoint ", std::string(field), ": found ", std::string(found), ", expected ", std::string(expected)));
  status.SetPayload(kDoesNotFitUrl, absl::Cord());
  return status;
}

bool DoesNotFit(const absl::Status& status) { return status.GetPayload(kDoesNotFitUrl).has_value(); }

}  // namespace understudy
