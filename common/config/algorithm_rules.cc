#include "common/config/algorithm_rules.h"

namespace understudy {
namespace {

constexpr AlgorithmRules kAlgorithms[] = {
    {.name = "bc", .takes_dataset = true, .stop_interval = 10},
    {.name = "ppo", .takes_dataset = false, .stop_interval = 5},
};

}  // namespace

std::span<const AlgorithmRules> AllAlgorithmRules() { return kAlgorithms; }

const AlgorithmRules* FindAlgorithmRules(std::string_view name) {
  for (const AlgorithmRules& rules : kAlgorithms) {
    if (rules.name == name) return &rules;
  }
  return nullptr;
}

}  // namespace understudy
