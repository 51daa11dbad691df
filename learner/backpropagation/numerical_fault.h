// Finds numbers that are not finite, and names them in errors. All functions are thread-safe.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_NUMERICAL_FAULT_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_NUMERICAL_FAULT_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace understudy {

// Checks a number.
// INTERNAL: `value` is not finite. The message is such as "policy_loss is nan".
absl::Status CheckFinite(std::string_view name, double value);

// Checks all values. Elements are counted from `first`.
// INTERNAL: names the first value that is not finite, as in "element 3 of advantages is inf".
absl::Status CheckFinite(std::string_view name, std::span<const float> values, size_t first = 0);

// Adds to a numerical fault where it happened: "ppo: policy_loss is nan in iteration 3: training has diverged …".
// `unit` is what the algorithm calls an iteration. A status other than INTERNAL is no numerical fault and stays as it
// is.
absl::Status Diverged(std::string_view algorithm, std::string_view unit, int64_t number, const absl::Status& fault);
// Returns whether the status was made by Diverged.
bool HasDiverged(const absl::Status& status);

// Adds to a rollout's error where it happened: "iteration 3: …". OK, CANCELLED and ABORTED stay as they are, because
// they are no fault of that iteration.
absl::Status During(std::string_view unit, int64_t number, const absl::Status& status);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_NUMERICAL_FAULT_H_
