// Makes valid checkpoints for tests. The same arguments always give the same bytes.
#ifndef UNDERSTUDY_TESTS_TESTING_CHECKPOINTS_H_
#define UNDERSTUDY_TESTS_TESTING_CHECKPOINTS_H_

#include <cstdint>

#include "understudy/v1/checkpoints.pb.h"

namespace understudy::testing {

// Makes a checkpoint of PPO with two slots of ten steps an iteration, three parameters, and an evaluation.
v1::Checkpoint PpoCheckpoint(int64_t iteration);

// Makes a checkpoint of behavioural cloning whose best epoch was the first.
v1::Checkpoint BcCheckpoint(int64_t epoch);

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_CHECKPOINTS_H_
