// An experiment of all kinds of stages, as the coordinator would tell it.
#ifndef UNDERSTUDY_TESTS_CLI_TEST_EXPERIMENT_H_
#define UNDERSTUDY_TESTS_CLI_TEST_EXPERIMENT_H_

#include "understudy/v1/experiments.pb.h"

namespace understudy {

// "cartpole", id "e1", submitted at 1 s and finished at 4.5 s: train expert (1 s), collect, train clone, evaluate
// clone; all SUCCEEDED.
v1::Experiment SucceededExperiment();

// Its first stage runs, and is half done after 2 s, at 1,003 s; the others are PENDING.
v1::Experiment RunningExperiment();

// Its first stage is FAILED with "no luck"; the others are PENDING.
v1::Experiment FailedExperiment();

}  // namespace understudy

#endif  // UNDERSTUDY_TESTS_CLI_TEST_EXPERIMENT_H_
