// Behavioural cloning: supervised learning of the demonstrated actions (Pomerleau 1989), or of the logits and values
// behind them.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_BC_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_BC_H_

#include "absl/status/statusor.h"
#include "learner/algorithms/algorithm.h"

namespace understudy {

// Epochs over the stage's dataset in shuffled minibatches, with AdamW. With a stop rule, training ends as soon as the
// rule is reached, and the parameters that reached it are the result. Without one it ends after `patience` epochs
// without a better validation loss. In any case it ends with the last epoch. Unless the rule was reached, the result
// has the parameters of the best validation loss if there is patience and a validation split, else those of the last
// epoch. The learner's working versions are the epochs' numbers.
//
// Metrics of an epoch, which are also in the result (those of its parameters): train_loss and train_accuracy (means
// over the epoch's minibatches, each before its update), validation_loss and validation_accuracy (after the epoch;
// absent without validation); besides: learning_rate, seconds since the start, and after an evaluation
// evaluation_mean_return.
//
// After every epoch it offers a checkpoint, and goes on from one, patience and best parameters included.
//
// INTERNAL: a number that is not finite, naming it and the epoch ("bc: train_loss is nan in epoch 3"): nothing of that
// epoch is reported or saved. INVALID_ARGUMENT, FAILED_PRECONDITION: as StartingPolicy and MakeBcDataset. Errors of
// rollouts are the context's after "epoch i: ", and others the context's.
absl::StatusOr<TrainingOutput> TrainBc(const TrainingInput& input, TrainingContext& context);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_BC_H_
