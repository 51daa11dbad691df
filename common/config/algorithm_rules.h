// The table of training algorithms as configuration knows them. The learner has the algorithms themselves.
#ifndef UNDERSTUDY_COMMON_CONFIG_ALGORITHM_RULES_H_
#define UNDERSTUDY_COMMON_CONFIG_ALGORITHM_RULES_H_

#include <span>
#include <string_view>

namespace understudy {

// What validation needs to know of one algorithm. Its hyper-parameters are the member of TrainStage.hyperparameters
// that has the algorithm's name.
struct AlgorithmRules {
  std::string_view name;
  bool takes_dataset = false;  // true: it needs demonstrations; false: it accepts none
  int stop_interval = 0;       // the default of stop.interval, in the algorithm's iterations or epochs
};

// Returns the table, ordered by name.
std::span<const AlgorithmRules> AllAlgorithmRules();

// Returns the rules of one algorithm, or null if there is no such algorithm.
const AlgorithmRules* FindAlgorithmRules(std::string_view name);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_ALGORITHM_RULES_H_
