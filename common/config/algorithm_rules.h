// What configuration knows of the training algorithms; the learner has the algorithms themselves.
#ifndef UNDERSTUDY_COMMON_CONFIG_ALGORITHM_RULES_H_
#define UNDERSTUDY_COMMON_CONFIG_ALGORITHM_RULES_H_

#include <span>
#include <string_view>

namespace understudy {

// Hyper-parameters are those of the member of TrainStage.hyperparameters that has the algorithm's name.
struct AlgorithmRules {
  std::string_view name;
  bool takes_dataset = false;  // it learns from demonstrations, and needs them; else it takes none
  int stop_interval = 0;       // default of stop.interval, in its own iterations or epochs
};

// The table, by name ascending.
std::span<const AlgorithmRules> AllAlgorithmRules();

// Null: no such algorithm.
const AlgorithmRules* FindAlgorithmRules(std::string_view name);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_ALGORITHM_RULES_H_
