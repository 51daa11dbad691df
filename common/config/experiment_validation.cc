#include "common/config/experiment_validation.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/config/wording.h"
#include "common/environment/registry.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

constexpr AlgorithmRules kAlgorithms[] = {
    {.name = "bc", .takes_dataset = true, .stop_interval = 10},
    {.name = "ppo", .takes_dataset = false, .stop_interval = 5},
};

// Steps of one iteration, which a learner holds in memory.
constexpr int64_t kMaxStepsPerIteration = int64_t{16} << 20;
// Weights between hidden layers; what lies between them and the spaces is small beside the limit of a snapshot.
constexpr int64_t kMaxHiddenParameters = kMaxParameterBytes / 8;

// Weights between hidden layers. As a double: the sizes may be anything.
double HiddenParameters(const v1::NetworkSpec& network) {
  double parameters = 0;
  for (int i = 1; i < network.hidden_sizes_size(); ++i) {
    parameters += 1.0 * network.hidden_sizes(i - 1) * network.hidden_sizes(i);
  }
  return network.trunk() == "separate" ? 2 * parameters : parameters;
}

bool RecordsLogitsAndValue(const v1::CollectStage& collect) {
  const auto records = [&](const char* what) {
    return std::find(collect.record().begin(), collect.record().end(), what) != collect.record().end();
  };
  return records("logits") && records("value");
}

int64_t StepsPerIteration(const v1::PpoOptions& ppo) { return int64_t{ppo.slots()} * ppo.steps_per_slot(); }

// Looks at the stages in order, and knows what the earlier ones have made.
class StageChecker {
 public:
  // Datasets of all stages: to tell one that comes too late from one that may be in the store.
  StageChecker(const v1::ExperimentSpec& experiment, std::vector<Violation>& violations) : violations_(violations) {
    for (int i = 0; i < experiment.stages_size(); ++i) {
      const v1::StageSpec& stage = experiment.stages(i);
      if (stage.has_collect()) collected_at_.emplace(stage.collect().dataset(), i);
    }
  }

  void Check(const v1::StageSpec& stage, int index) {
    index_ = index;
    path_ = ItemPath("stages", index);
    if (stage.has_train()) {
      path_ += ".train";
      CheckTrain(stage.train());
      policies_.insert(stage.train().policy());
    } else if (stage.has_collect()) {
      path_ += ".collect";
      CheckPolicy("policy", stage.collect().policy());
      CheckCollect(stage.collect());
      datasets_.emplace(stage.collect().dataset(), &stage.collect());
    } else if (stage.has_evaluate()) {
      path_ += ".evaluate";
      CheckPolicy("policy", stage.evaluate().policy());
    }
  }

 private:
  void Add(const std::string& key, std::string message) {
    AddViolation(violations_, ChildPath(path_, key), std::move(message));
  }

  void CheckTrain(const v1::TrainStage& train) {
    if (!train.initial().empty()) {
      CheckPolicy("initial", train.initial());
      if (train.has_network())
        Add("network", "found beside initial, expected none: the network is the initial policy's");
    }
    if (HiddenParameters(train.network()) > kMaxHiddenParameters) {
      Add("network.hidden_sizes", absl::StrCat("found more than ", kMaxHiddenParameters,
                                               " weights between hidden layers, expected at most so many"));
    }
    if (train.require() == "converged" && !train.has_stop()) {
      Add("require", "found \"converged\" without a stop rule, expected stop: {mean_return: ...} beside it");
    }
    CheckAlgorithm(train);
    if (train.has_ppo()) CheckPpo(train);
    if (train.has_bc()) CheckBc(train);
  }

  void CheckAlgorithm(const v1::TrainStage& train) {
    const AlgorithmRules* rules = FindAlgorithmRules(train.algorithm());
    if (rules == nullptr) return;  // a violation of its own
    if (!rules->takes_dataset) {
      if (train.dataset().empty()) return;
      return Add("dataset", absl::StrCat("found ", Quoted(train.dataset()), ", expected none: ", train.algorithm(),
                                         " learns from its own steps"));
    }
    if (train.dataset().empty()) {
      return Add("dataset",
                 absl::StrCat("found nothing, expected the dataset that ", train.algorithm(), " learns from"));
    }
    CheckDataset(train);
  }

  void CheckDataset(const v1::TrainStage& train) {
    const auto made = datasets_.find(train.dataset());
    if (made == datasets_.end()) {
      const auto later = collected_at_.find(train.dataset());
      if (later != collected_at_.end()) {
        Add("dataset", absl::StrCat("found ", Quoted(train.dataset()), ", which ", ItemPath("stages", later->second),
                                    " collects, expected a dataset of an earlier stage"));
      } else if (policies_.contains(train.dataset())) {
        Add("dataset", absl::StrCat("found ", Quoted(train.dataset()), ", which is a policy, expected a dataset"));
      }
      return;
    }
    if (train.bc().loss() == "distillation" && !RecordsLogitsAndValue(*made->second)) {
      Add("loss", absl::StrCat("found \"distillation\", but ", ItemPath("stages", collected_at_.at(train.dataset())),
                               " collects ", train.dataset(), " without record: [logits, value]"));
    }
  }

  void CheckPpo(const v1::TrainStage& train) {
    const v1::PpoOptions& ppo = train.ppo();
    if (train.learners() > ppo.slots()) {
      Add("learners",
          absl::StrCat("found ", train.learners(), ", expected at most ", ppo.slots(), ", the slots that they share"));
    }
    const int64_t steps = StepsPerIteration(ppo);
    if (steps > kMaxStepsPerIteration) {
      Add("steps_per_slot",
          absl::StrCat("found ", steps, " steps an iteration (slots * steps_per_slot), expected at most ",
                       kMaxStepsPerIteration));
    } else if (ppo.minibatch_size() > steps) {
      Add("minibatch_size", absl::StrCat("found ", ppo.minibatch_size(), ", expected at most ", steps,
                                         ", the steps of an iteration (slots * steps_per_slot)"));
    } else if (ppo.environment_steps() < steps) {
      Add("environment_steps", absl::StrCat("found ", ppo.environment_steps(), ", expected at least ", steps,
                                            ", the steps of an iteration (slots ", ppo.slots(), " * steps_per_slot ",
                                            ppo.steps_per_slot(), ")"));
    }
  }

  void CheckBc(const v1::TrainStage& train) {
    if (train.learners() <= train.bc().minibatch_size()) return;
    Add("learners", absl::StrCat("found ", train.learners(), ", expected at most ", train.bc().minibatch_size(),
                                 ", the minibatch_size that they share"));
  }

  void CheckCollect(const v1::CollectStage& collect) {
    if (collect.has_transitions() == collect.has_episodes()) {
      AddViolation(violations_, path_,
                   absl::StrCat("found ", collect.has_episodes() ? "both" : "neither",
                                " of transitions and episodes, expected one of the two"));
    }
    if (collect.record_size() == 2 && collect.record(0) == collect.record(1)) {
      Add(ItemPath("record", 1), absl::StrCat("found ", Quoted(collect.record(1)), " a second time, expected once"));
    }
    const int first = collected_at_.at(collect.dataset());
    if (first < index_ && !collect.dataset().empty()) {
      Add("dataset", absl::StrCat("found ", Quoted(collect.dataset()), ", which ", ItemPath("stages", first),
                                  " collects, expected another name"));
    }
  }

  void CheckPolicy(const std::string& key, const std::string& text) {
    const absl::StatusOr<PolicyReference> reference = ParsePolicyReference(text);
    if (!reference.ok() || policies_.contains(reference->name) || !datasets_.contains(reference->name)) return;
    Add(key, absl::StrCat("found ", Quoted(text), ", which is a dataset, expected a policy"));
  }

  std::vector<Violation>& violations_;
  int index_ = 0;
  std::string path_;                                         // of the stage being looked at
  std::map<std::string, int> collected_at_;                  // by dataset: the first stage that collects it
  std::map<std::string, const v1::CollectStage*> datasets_;  // made by earlier stages
  std::set<std::string> policies_;                           // made by earlier stages
};

}  // namespace

std::span<const AlgorithmRules> AllAlgorithmRules() { return kAlgorithms; }

const AlgorithmRules* FindAlgorithmRules(std::string_view name) {
  for (const AlgorithmRules& rules : kAlgorithms) {
    if (rules.name == name) return &rules;
  }
  return nullptr;
}

void FillInDefaults(v1::ExperimentSpec& experiment) {
  for (v1::StageSpec& stage : *experiment.mutable_stages()) {
    if (!stage.has_train()) continue;
    v1::TrainStage& train = *stage.mutable_train();
    if (train.initial().empty()) train.mutable_network();
    const AlgorithmRules* rules = FindAlgorithmRules(train.algorithm());
    if (rules != nullptr && train.has_stop() && !train.stop().has_interval()) {
      train.mutable_stop()->set_interval(rules->stop_interval);
    }
  }
  SetDefaultValues(experiment);
}

std::vector<Violation> FindViolations(const v1::ExperimentSpec& experiment) {
  std::vector<Violation> violations = FindConstraintViolations(experiment);
  if (!experiment.environment().empty() && !FindEnvironmentSpec(experiment.environment()).ok()) {
    AddViolation(violations, "environment",
                 absl::StrCat("found ", Quoted(experiment.environment()), ", expected ",
                              OneOf(EnvironmentNames(), experiment.environment())));
  }
  StageChecker checker(experiment, violations);
  for (int i = 0; i < experiment.stages_size(); ++i) checker.Check(experiment.stages(i), i);
  return violations;
}

std::vector<Violation> FindRemainders(const v1::ExperimentSpec& experiment) {
  std::vector<Violation> remainders;
  for (int i = 0; i < experiment.stages_size(); ++i) {
    if (!experiment.stages(i).train().has_ppo()) continue;
    const v1::PpoOptions& ppo = experiment.stages(i).train().ppo();
    const int64_t steps = StepsPerIteration(ppo);
    const int64_t iterations = ppo.environment_steps() / steps;
    const int64_t rest = ppo.environment_steps() % steps;
    if (rest == 0) continue;
    AddViolation(remainders, ChildPath(ItemPath("stages", i), "train.environment_steps"),
                 absl::StrCat(iterations * steps, " of ", ppo.environment_steps(), " steps will be trained: ",
                              iterations, iterations == 1 ? " iteration of " : " iterations of ", steps,
                              " (slots * steps_per_slot); ", rest, rest == 1 ? " is" : " are", " too few for another"));
  }
  return remainders;
}

absl::Status ValidateExperiment(const v1::ExperimentSpec& experiment) {
  const std::vector<Violation> violations = FindViolations(experiment);
  if (violations.empty()) return absl::OkStatus();
  const Violation& first = violations.front();
  return absl::InvalidArgumentError(first.path.empty() ? first.message : absl::StrCat(first.path, ": ", first.message));
}

absl::StatusOr<v1::EnvironmentSpec> EnvironmentOf(const v1::ExperimentSpec& experiment) {
  absl::StatusOr<v1::EnvironmentSpec> environment = FindEnvironmentSpec(experiment.environment());
  absl::Duration latency;
  // Experiments that were stored before there was the option have none.
  if (environment.ok() && absl::ParseDuration(experiment.step_latency(), &latency)) {
    environment->set_step_latency_us(absl::ToInt64Microseconds(latency));
  }
  return environment;
}

}  // namespace understudy
