#include "cli/catalogue_report.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/number_format.h"
#include "cli/table.h"
#include "common/environment/spaces.h"
#include "common/process/text.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

constexpr int kDigestPrefix = 12;

std::string LowerWithout(const char* prefix, const std::string& name) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
}

std::string PolicyName(const v1::PolicyHeader& header) { return absl::StrCat(header.name(), "@", header.version()); }

std::string Origin(const std::string& experiment, int stage) {
  return experiment.empty() ? "" : absl::StrCat("stage ", stage + 1, " of experiment ", experiment);
}

std::string Network(const v1::NetworkSpec& network) {
  return absl::StrCat(network.type(), " ", absl::StrJoin(network.hidden_sizes(), "-"), " ", network.activation(), " ",
                      network.trunk());
}

std::string WorkText(const v1::Assignment& assignment) {
  const v1::StageKey* stage = AssignedStage(assignment);
  if (stage == nullptr) return "idle";
  const std::optional<int> rank = AssignedRank(assignment);
  return absl::StrCat(stage->experiment_id(), " stage ", stage->stage() + 1, rank ? absl::StrCat(" rank ", *rank) : "");
}

std::string MeanReturn(const v1::Dataset& dataset) { return absl::StrFormat("%.1f", dataset.mean_return()); }

}  // namespace

std::string FormatDatasets(const std::vector<v1::Dataset>& datasets) {
  std::vector<std::vector<std::string>> rows = {
      {"dataset", "environment", "policy", ">episodes", ">transitions", ">return", "digest"}};
  for (const v1::Dataset& dataset : datasets) {
    rows.push_back({dataset.name(), dataset.recipe().environment().name(), PolicyName(dataset.recipe().policy()),
                    CountText(dataset.episodes()), CountText(dataset.transitions()), MeanReturn(dataset),
                    dataset.complete() ? ToHex(dataset.digest()).substr(0, kDigestPrefix) : "incomplete"});
  }
  return FormatTable(std::move(rows));
}

std::string FormatDataset(const v1::Dataset& dataset) {
  const v1::DatasetRecipe& recipe = dataset.recipe();
  return FormatFields({{"dataset", dataset.name()},
                       {"complete", dataset.complete() ? "yes" : absl::StrCat("no, ", ProgressText(dataset))},
                       {"episodes", CountText(dataset.episodes())},
                       {"transitions", CountText(dataset.transitions())},
                       {"mean return", MeanReturn(dataset)},
                       {"digest", ToHex(dataset.digest())},
                       {"environment", recipe.environment().name()},
                       {"observations", SpaceText(recipe.environment().observation_space())},
                       {"actions", absl::StrCat(SpaceText(recipe.environment().action_space()), ", ",
                                                ActionModeName(recipe.action_mode()))},
                       {"policy", PolicyName(recipe.policy())},
                       {"policy digest", ToHex(recipe.policy().digest())},
                       {"seed", absl::StrCat(recipe.seed())},
                       {"also recorded", absl::StrJoin(RecordNames(recipe), ", ")},
                       {"experiment", dataset.experiment_id()},
                       {"created", TimeText(dataset.created_unix_ms())},
                       {"stored", BytesText(dataset.stored_bytes())}});
}

std::string ProgressText(const v1::Dataset& dataset) {
  const v1::DatasetRecipe& recipe = dataset.recipe();
  return recipe.transitions() > 0
             ? absl::StrCat(CountText(dataset.transitions()), " of ", CountText(recipe.transitions()), " transitions")
             : absl::StrCat(CountText(dataset.episodes()), " of ", CountText(recipe.episodes()), " episodes");
}

std::string FormatPolicies(const std::vector<v1::StoredPolicy>& policies) {
  std::vector<std::vector<std::string>> rows = {
      {"policy", "environment", "network", ">parameters", "digest", "created"}};
  for (const v1::StoredPolicy& policy : policies) {
    rows.push_back({PolicyName(policy.header()), policy.header().environment(), Network(policy.header().network()),
                    CountText(policy.header().parameter_count()),
                    ToHex(policy.header().digest()).substr(0, kDigestPrefix), TimeText(policy.created_unix_ms())});
  }
  return FormatTable(std::move(rows));
}

std::string FormatPolicy(const v1::StoredPolicy& policy) {
  const v1::PolicyHeader& header = policy.header();
  return FormatFields({{"policy", PolicyName(header)},
                       {"digest", ToHex(header.digest())},
                       {"network", Network(header.network())},
                       {"parameters", CountText(header.parameter_count())},
                       {"environment", header.environment()},
                       {"observations", SpaceText(header.observation_space())},
                       {"actions", SpaceText(header.action_space())},
                       {"fingerprint", ToHex(header.fingerprint())},
                       {"origin", Origin(policy.experiment_id(), policy.stage())},
                       {"created", TimeText(policy.created_unix_ms())}});
}

std::string FormatWorkers(const std::vector<v1::Worker>& workers) {
  std::vector<std::vector<std::string>> rows = {{"worker", "kind", "host", ">pid", "works on", ">steps", ">silent"}};
  for (const v1::Worker& worker : workers) {
    rows.push_back({worker.hello().worker_id(), WorkerKindName(worker.hello().kind()), worker.hello().host(),
                    absl::StrCat(worker.hello().pid()), WorkText(worker.assignment()),
                    CountText(worker.heartbeat().steps_produced()),
                    DurationText(absl::Milliseconds(worker.silent_ms()))});
  }
  std::string text = FormatTable(std::move(rows));
  for (const v1::Worker& worker : workers) {
    if (worker.heartbeat().unreachable().empty()) continue;
    absl::StrAppend(&text, worker.hello().worker_id(), " cannot reach a learner: ", worker.heartbeat().unreachable(),
                    "\n");
  }
  return text;
}

std::string ActionModeName(v1::ActionMode mode) { return LowerWithout("ACTION_MODE_", v1::ActionMode_Name(mode)); }

std::vector<std::string> RecordNames(const v1::DatasetRecipe& recipe) {
  std::vector<std::string> names;
  for (const int record : recipe.record()) {
    names.push_back(LowerWithout("RECORD_", v1::Record_Name(static_cast<v1::Record>(record))));
  }
  return names;
}

std::string WorkerKindName(v1::WorkerKind kind) { return LowerWithout("WORKER_KIND_", v1::WorkerKind_Name(kind)); }

const v1::StageKey* AssignedStage(const v1::Assignment& assignment) {
  if (assignment.has_actor()) return &assignment.actor().stage();
  if (assignment.has_learner()) return &assignment.learner().stage();
  return nullptr;
}

std::optional<int> AssignedRank(const v1::Assignment& assignment) {
  if (assignment.learner().train().learners() <= 1) return std::nullopt;
  return assignment.learner().rank();
}

}  // namespace understudy
