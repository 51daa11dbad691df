#include "tests/testing/training_inputs.h"

#include <google/protobuf/text_format.h>

#include <cstring>
#include <utility>
#include <vector>

#include "common/config/experiment_validation.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::testing {

v1::PolicyHeader CartPoleHeader(const std::string& network) {
  v1::PolicyHeader header;
  header.set_name("policy");
  header.set_version(1);
  header.mutable_network()->set_type("mlp");
  header.mutable_network()->set_activation("tanh");
  header.mutable_network()->set_trunk("separate");
  v1::NetworkSpec given;
  google::protobuf::TextFormat::ParseFromString(network, &given);
  header.mutable_network()->MergeFrom(given);
  header.set_environment("CartPole-v1");
  *header.mutable_observation_space() = CartPoleSpec().observation_space();
  *header.mutable_action_space() = CartPoleSpec().action_space();
  return header;
}

TrainingInput CartPoleTraining(const std::string& stage) {
  v1::ExperimentSpec experiment;
  experiment.set_name("test");
  experiment.set_environment("CartPole-v1");
  v1::TrainStage& train = *experiment.add_stages()->mutable_train();
  google::protobuf::TextFormat::ParseFromString(stage, &train);
  if (train.policy().empty()) train.set_policy("trained");
  FillInDefaults(experiment);
  return {.stage = experiment.stages(0).train(), .environment = CartPoleSpec(), .initial = nullptr};
}

bool SameParameters(const PolicySnapshot& a, const PolicySnapshot& b) { return a.parameters == b.parameters; }

std::shared_ptr<const PolicySnapshot> BalancingExpert() {
  // One tanh unit sees position, velocity, angle and angular velocity; both heads scale it.
  const std::vector<float> parameters = {0.05f, 0.1f, 1.0f, 0.5f,  // actor's hidden weight
                                         0,                        // and bias
                                         -5000, 5000,              // its head: left, right
                                         0,     0,                 //
                                         0,     0,    1,    0,     // critic's hidden weight
                                         0,                        // and bias
                                         2,                        // its head
                                         1};
  std::string bytes(parameters.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), parameters.data(), bytes.size());
  v1::PolicyHeader header = CartPoleHeader("hidden_sizes: 1");
  header.set_name("expert");
  return MakeSnapshot(std::move(header), std::move(bytes));
}

}  // namespace understudy::testing
