// Parses and checks checkpoints of training, which come as bytes.
#ifndef UNDERSTUDY_LEARNER_CHECKPOINT_H_
#define UNDERSTUDY_LEARNER_CHECKPOINT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "understudy/v1/checkpoints.pb.h"

namespace understudy {

// Parses and validates a checkpoint. Thread-safe, like all functions here.
// INVALID_ARGUMENT: the bytes are no Checkpoint, or not a valid one.
absl::StatusOr<v1::Checkpoint> ParseCheckpoint(std::string_view bytes);

// Checks that a checkpoint is consistent in itself: counts are within bounds, every column of floats is as long as the
// parameters, every number is finite, there are as many running returns as slots, all slots are equally far, and there
// is the state of exactly one algorithm. INVALID_ARGUMENT says which field, what was found and what was expected.
absl::Status ValidateCheckpoint(const v1::Checkpoint& checkpoint);

// Makes the status for a valid checkpoint that is not one of this stage: FAILED_PRECONDITION, with what was found in it
// and what the stage expects. DoesNotFit tells this status from all others.
absl::Status CheckpointDoesNotFit(std::string_view field, std::string_view found, std::string_view expected);
bool DoesNotFit(const absl::Status& status);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_CHECKPOINT_H_
