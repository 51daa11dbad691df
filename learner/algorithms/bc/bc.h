// Behavioural cloning: supervised learning of the demonstrated actions (Pomerleau 1989), or of the logits and values
// behind them.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_H_

#include "absl/status/statusor.h"
#include "learner/algorithms/algorithm.h"

namespace understudy {

// Trains in epochs: each passes over the stage's dataset in shuffled minibatches, with AdamW. The last minibatch of an
// epoch may be smaller. Working versions are the numbers of the epochs, counted from 1.
//
// With a stop rule, training ends as soon as the rule is reached, and the result has the parameters that reached it.
// Patience ends nothing then, because a low validation loss is not the return that was asked for. Without a stop rule,
// training ends after `patience` epochs without a better validation loss. In any case it ends with the last epoch.
// Unless the rule was reached, the result has the parameters of the last epoch. With patience and a validation split it
// has those of the best validation loss instead.
//
// Each epoch reports train_loss and train_accuracy (means over its minibatches, each before its update), and, with a
// validation split, validation_loss and validation_accuracy (after the epoch). The result has those of its parameters.
// Each epoch also reports learning_rate, seconds since the start, and after an evaluation evaluation_mean_return. After
// an epoch it may save a checkpoint (see TrainingState::EndIteration), and it can go on from any of them.
//
// Errors: INTERNAL for a number that is not finite, which is named with its epoch ("bc: train_loss is nan in epoch 3");
// nothing of that epoch is reported or saved. INVALID_ARGUMENT and FAILED_PRECONDITION as StartingPolicy and
// MakeBcDataset. Errors of rollouts are the context's after "epoch i: "; others are the context's.
absl::StatusOr<TrainingOutput> TrainBc(const TrainingInput& input, TrainingContext& context);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_H_
