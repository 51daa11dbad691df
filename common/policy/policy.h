// A policy's network with its parameters: observations → logits and values.
#ifndef UNDERSTUDY_COMMON_POLICY_POLICY_H_
#define UNDERSTUDY_COMMON_POLICY_POLICY_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/policy/network.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {

// Parameters live in one contiguous float32 buffer of which every layer is a part: a snapshot is a memcpy, and
// optimisers see one span. Move-only; thread-compatible: Infer may be called by many threads while nobody writes
// parameters.
class Policy {
 public:
  // Fresh parameters, orthogonal initialisation from `seed`. `header` gives network (defaults filled in), environment
  // and spaces. INVALID_ARGUMENT: unknown network type (lists the table) or spaces that the network cannot serve.
  static absl::StatusOr<Policy> Create(const v1::PolicyHeader& header, uint64_t seed);

  // Acts with the snapshot's own bytes: one that is moved here is not copied. INVALID_ARGUMENT as above, or where the
  // parameter count is not the network's.
  static absl::StatusOr<Policy> FromSnapshot(PolicySnapshot snapshot);

  // `observations`: [N, observation_size()]. A row's result has the same bits at every position, among any other rows,
  // in batches of any size, on every processor, for every network of the table: this is what rollouts owe it to that
  // they do not depend on how work was divided. Allocates nothing from the second call of a thread on.
  void Infer(std::span<const float> observations, const InferenceOutput& output) const {
    network_->Infer(parameters(), observations, output);
  }

  // The flat parameters [P].
  std::span<const float> parameters() const {
    return {reinterpret_cast<const float*>(bytes_.data()), bytes_.size() / sizeof(float)};
  }
  std::span<float> parameters() { return {reinterpret_cast<float*>(bytes_.data()), bytes_.size() / sizeof(float)}; }

  // Numbers of one observation, and logits of one row.
  size_t observation_size() const { return observation_size_; }
  size_t actions() const { return actions_; }

  // The current parameters as a snapshot under a name and version.
  std::shared_ptr<const PolicySnapshot> Snapshot(std::string name, int64_t version) const;

  // The parameters' memory, of a policy that is not used any more.
  std::string ReleaseMemory() && { return std::move(bytes_); }

  // Which tensor the flat parameters' element `index` belongs to, as the network calls it: "actor.0.weight".
  std::string TensorAt(size_t index) const;

  const v1::PolicyHeader& header() const { return header_; }

 private:
  Policy(v1::PolicyHeader header, std::unique_ptr<Network> network, std::string bytes);

  v1::PolicyHeader header_;
  std::unique_ptr<Network> network_;
  std::string bytes_;  // of the parameters, as they came or will travel
  size_t observation_size_;
  size_t actions_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_POLICY_H_
