// Checkpoints of training as bytes: one strict parser, wherever they come from.
#ifndef UNDERSTUDY_LEARNER_CHECKPOINT_H_
#define UNDERSTUDY_LEARNER_CHECKPOINT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "understudy/v1/checkpoints.pb.h"

namespace understudy {

// Parses and validates. INVALID_ARGUMENT: no Checkpoint, or as ValidateCheckpoint. Thread-safe, as are the others.
absl::StatusOr<v1::Checkpoint> ParseCheckpoint(std::string_view bytes);

// Whether a checkpoint is consistent in itself: counts within bounds, every column of floats as long as the parameters,
// every number finite, as many running returns as slots, all slots equally far, exactly one algorithm's state.
// INVALID_ARGUMENT says which field, what was found and what was expected.
absl::Status ValidateCheckpoint(const v1::Checkpoint& checkpoint);

// A valid checkpoint that is not one of this stage: FAILED_PRECONDITION with what was found in it and what the stage
// expects. Told apart from all other statuses by DoesNotFit, however it was passed on.
absl::Status CheckpointDoesNotFit(std::string_view field, std::string_view found, std::string_view expected);
bool DoesNotFit(const absl::Status& status);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_CHECKPOINT_H_
