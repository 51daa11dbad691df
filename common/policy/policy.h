// A policy: a network with its parameters. It turns observations into logits and values.
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

// The parameters of all layers lie in one contiguous float32 buffer. So a snapshot is one copy, and an optimiser sees
// one span. A policy can be moved and not copied. It is thread-compatible: many threads may call Infer while nobody
// writes parameters.
class Policy {
 public:
  // Makes a policy with fresh parameters, initialised orthogonally from `seed`. `header` gives the network, with its
  // defaults filled in, the environment and the spaces.
  // Errors: INVALID_ARGUMENT for an unknown network type, which lists the table, or for spaces that the network cannot
  // serve.
  static absl::StatusOr<Policy> Create(const v1::PolicyHeader& header, uint64_t seed);

  // Makes a policy of a snapshot, and keeps the snapshot's bytes. If the snapshot is moved here, nothing is copied.
  // Errors: INVALID_ARGUMENT as above, or if the number of parameters is not the network's.
  static absl::StatusOr<Policy> FromSnapshot(PolicySnapshot snapshot);

  // Computes logits and values of `observations` [N, observation_size()]. A row's result has the same bits at every
  // position, among any other rows, in batches of any size, and on every processor. That holds for every network of the
  // table, and it is why rollouts do not depend on how work is divided. A thread's second and later calls allocate
  // nothing.
  void Infer(std::span<const float> observations, const InferenceOutput& output) const {
    network_->Infer(parameters(), observations, output);
  }

  // Returns all parameters [P], in the order of the network's tensors.
  std::span<const float> parameters() const {
    return {reinterpret_cast<const float*>(bytes_.data()), bytes_.size() / sizeof(float)};
  }
  std::span<float> parameters() { return {reinterpret_cast<float*>(bytes_.data()), bytes_.size() / sizeof(float)}; }

  // Returns the length of one observation.
  size_t observation_size() const { return observation_size_; }
  // Returns the number of logits of one row.
  size_t actions() const { return actions_; }

  // Copies the current parameters into a snapshot with this name and version.
  std::shared_ptr<const PolicySnapshot> Snapshot(std::string name, int64_t version) const;

  // Gives up the memory of the parameters. The policy must not be used afterwards.
  std::string ReleaseMemory() && { return std::move(bytes_); }

  // Returns the name of the tensor that element `index` of the parameters belongs to: "actor.0.weight".
  std::string TensorAt(size_t index) const;

  const v1::PolicyHeader& header() const { return header_; }

 private:
  Policy(v1::PolicyHeader header, std::unique_ptr<Network> network, std::string bytes);

  v1::PolicyHeader header_;
  std::unique_ptr<Network> network_;
  std::string bytes_;  // the parameters, in the form in which they travel
  size_t observation_size_;
  size_t actions_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_POLICY_H_
