#include "learner/algorithms/algorithm.h"

#include <exception>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/text.h"
#include "learner/algorithms/bc/bc.h"
#include "learner/algorithms/ppo/ppo.h"

namespace understudy {
namespace {

struct Entry {
  const char* name;
  absl::StatusOr<TrainingOutput> (*train)(const TrainingInput& input, TrainingContext& context);
};

// The table of algorithms.
constexpr Entry kAlgorithms[] = {
    {"bc", TrainBc},
    {"ppo", TrainPpo},
};

// Turns exceptions of libraries into a status. No other place does.
TrainingAlgorithm Guarded(const Entry& entry) {
  return [&entry](const TrainingInput& input, TrainingContext& context) -> absl::StatusOr<TrainingOutput> {
    try {
      return entry.train(input, context);
    } catch (const std::exception& error) {
      return absl::InternalError(absl::StrCat("algorithm ", entry.name, ": ", ErrorText(error.what())));
    }
  };
}

}  // namespace

absl::StatusOr<TrainingAlgorithm> FindAlgorithm(std::string_view name) {
  for (const Entry& entry : kAlgorithms) {
    if (name == entry.name) return Guarded(entry);
  }
  return absl::NotFoundError(absl::StrCat(
      "algorithm \"", std::string(name), "\": expected one of: ",
      absl::StrJoin(kAlgorithms, ", ", [](std::string* out, const Entry& entry) { out->append(entry.name); })));
}

}  // namespace understudy
