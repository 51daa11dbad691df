// Numbers that are not finite: found where they appear, and said so by name.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_NUMERICAL_FAULT_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_NUMERICAL_FAULT_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace understudy {

// INTERNAL "policy_loss is nan", where it is. Thread-safe, as are the others.
absl::Status CheckFinite(std::string_view name, double value);

// INTERNAL "element 3 of advantages is inf", for the first that is. `first`: the number of the first element.
absl::Status CheckFinite(std::string_view name, std::span<const float> values, size_t first = 0);

// A numerical fault with where it happened: "ppo: policy_loss is nan in iteration 3: training has diverged …". `unit`:
// what the algorithm counts. What is not INTERNAL is no numerical fault, and returned as it is.
absl::Status Diverged(std::string_view algorithm, std::string_view unit, int64_t number, const absl::Status& fault);
// Whether it is what Diverged made of one.
bool HasDiverged(const absl::Status& status);

// A rollout's error with where it happened: "iteration 3: …". OK stays as it is, and so do CANCELLED and ABORTED, which
// are no fault of what was going on.
absl::Status During(std::string_view unit, int64_t number, const absl::Status& status);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_NUMERICAL_FAULT_H_
