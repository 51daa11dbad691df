#include "common/security/peer_role.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/rollouts.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {
namespace {

constexpr PeerRole kRoles[] = {PeerRole::kActor, PeerRole::kLearner, PeerRole::kCoordinator, PeerRole::kClient,
                               PeerRole::kAdmin};

bool May(PeerRole role, const std::string& method) {
  PeerRoles roles;
  roles.Add(role);
  return CheckMayCall(roles, method).ok();
}

// As the protocol has them.
std::vector<std::string> EveryMethod() {
  std::vector<std::string> methods;
  for (const google::protobuf::FileDescriptor* file :
       {v1::Checkpoint::descriptor()->file(), v1::Dataset::descriptor()->file(), v1::Experiment::descriptor()->file(),
        v1::PolicyChunk::descriptor()->file(), v1::ActorMessage::descriptor()->file(),
        v1::WorkerHello::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        methods.push_back("/" + file->service(s)->full_name() + "/" + file->service(s)->method(m)->name());
      }
    }
  }
  return methods;
}

TEST(PeerRole, HasANameThatIsParsedBack) {
  for (const PeerRole role : kRoles) EXPECT_EQ(ParsePeerRole(PeerRoleName(role)), role);
  EXPECT_EQ(ParsePeerRole("Admin"), std::nullopt);
  EXPECT_EQ(ParsePeerRole(""), std::nullopt);
}

TEST(CheckMayCall, KnowsEveryMethodOfTheProtocol) {
  const std::vector<std::string> methods = EveryMethod();
  ASSERT_GE(methods.size(), 20u);
  for (const std::string& method : methods) {
    EXPECT_TRUE(std::any_of(std::begin(kRoles), std::end(kRoles), [&](PeerRole role) { return May(role, method); }))
        << method << " is for nobody: add it to the table";
  }
}

TEST(CheckMayCall, LetsWorkersDoTheirWorkAndNothingElse) {
  for (const std::string& method : EveryMethod()) {
    const bool work = method == "/understudy.v1.Workers/Attach" || method == "/understudy.v1.Rollouts/RollOut";
    EXPECT_EQ(May(PeerRole::kActor, method), work) << method;
    EXPECT_FALSE(May(PeerRole::kCoordinator, method)) << method;
  }
  EXPECT_TRUE(May(PeerRole::kLearner, "/understudy.v1.Policies/Publish"));
  EXPECT_TRUE(May(PeerRole::kLearner, "/understudy.v1.Checkpoints/Save"));
  EXPECT_FALSE(May(PeerRole::kLearner, "/understudy.v1.Experiments/Submit"));
  EXPECT_FALSE(May(PeerRole::kLearner, "/understudy.v1.Rollouts/RollOut"));
}

TEST(CheckMayCall, LetsOnlyAnAdminDelete) {
  EXPECT_TRUE(May(PeerRole::kClient, "/understudy.v1.Experiments/Submit"));
  EXPECT_FALSE(May(PeerRole::kClient, "/understudy.v1.Policies/Publish"));
  for (const char* method : {"Datasets/Delete", "Datasets/Finish", "Experiments/Delete", "Policies/Delete"}) {
    for (const PeerRole role : kRoles) {
      EXPECT_EQ(May(role, std::string("/understudy.v1.") + method), role == PeerRole::kAdmin)
          << method << " " << PeerRoleName(role);
    }
  }
  PeerRoles roles;
  roles.Add(PeerRole::kActor);
  roles.Add(PeerRole::kLearner);
  EXPECT_EQ(CheckMayCall(roles, "/understudy.v1.Datasets/Delete"),
            absl::PermissionDeniedError(
                "/understudy.v1.Datasets/Delete is for role admin; the caller has actor and learner"));
}

TEST(CheckMayCall, RefusesWhoHasNoRoleAndMethodsThatItDoesNotKnow) {
  EXPECT_TRUE(absl::IsUnauthenticated(CheckMayCall({}, "/understudy.v1.Experiments/List")));
  EXPECT_TRUE(CheckMayCall({}, "/grpc.health.v1.Health/Check").ok());
  for (const char* method : {"", "/", "/understudy.v1.Datasets/Destroy", "/understudy.v1.Datasets/List/"}) {
    EXPECT_FALSE(May(PeerRole::kAdmin, method)) << method;
  }
}

}  // namespace
}  // namespace understudy
