// Parses and checks checkpoints of training, which come as bytes. All functions are thread-safe.
#ifndef UNDERSTUDY_LEARNER_CHECKPOINT_H_
#define UNDERSTUDY_LEARNER_CHECKPOINT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "understudy/v1/checkpoints.pb.h"

namespace understudy {

// Parses and validates a checkpoint.
// Errors: INVALID_ARGUMENT if the bytes are no Checkpoint; others as ValidateCheckpoint.
absl::StatusOr<v1::Checkpoint> ParseCheckpoint(std::string_view bytes);

// Checks that a checkpoint is consistent in itself. Its counts are within bounds and its numbers finite. Columns of
// floats are as long as the parameters, except those that may be left out. It has the state of exactly one algorithm.
// PPO's state has one running return for each slot, and all slots have taken equally many steps.
// Errors: INVALID_ARGUMENT says which field is wrong, what was found and what was expected.
absl::Status ValidateCheckpoint(const v1::Checkpoint& checkpoint);

// Makes the error for a valid checkpoint that is not one of this stage. It is FAILED_PRECONDITION, and says what was
// found in the checkpoint and what the stage expects. DoesNotFit tells it from every other status, even after text was
// added.
absl::Status CheckpointDoesNotFit(std::string_view field, std::string_view found, std::string_view expected);
bool DoesNotFit(const absl::Status& status);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_CHECKPOINT_H_
