#include "learner/rollouts_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/rpc/address.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

constexpr char kHere[] = "127.0.0.1:50051";
// Of a network that nobody has; nothing is sent there.
constexpr char kElsewhere[] = "192.0.2.77:50051";

RolloutsAddress Chosen(const RolloutsAddressOptions& options) {
  const auto address = ChooseRolloutsAddress(options);
  EXPECT_TRUE(address.ok()) << address.status();
  return address.value_or(RolloutsAddress());
}

std::string ErrorOf(const RolloutsAddressOptions& options, absl::StatusCode code) {
  const absl::Status status = ChooseRolloutsAddress(options).status();
  EXPECT_EQ(status.code(), code) << status;
  return std::string(status.message());
}

// This machine's address on the way to kElsewhere.
class BesideACoordinatorElsewhere : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto local = LocalAddressTowards(*ParseAddress(kElsewhere));
    if (!local.ok()) GTEST_SKIP() << "this machine has no route out: " << local.status();
    ip_ = local->ip;
    ASSERT_FALSE(local->loopback);
  }
  std::string At(int port) const { return FormatAddress(ip_, port); }

 private:
  std::string ip_;
};

TEST(RolloutsAddress, IsLoopbackBesideACoordinatorOnLoopback) {
  const RolloutsAddress chosen = Chosen({.coordinators = {kHere}});
  EXPECT_EQ(chosen.listen, "127.0.0.1:0");
  EXPECT_EQ(chosen.advertise, "127.0.0.1:0");
  for (const char* listen : {"127.0.0.1:0", "127.0.0.2:50052", "localhost:50052"}) {
    const RolloutsAddress given = Chosen({.listen = listen, .coordinators = {kHere}});
    EXPECT_EQ(given.listen, listen);
    EXPECT_EQ(given.advertise, listen);
  }
}

TEST(RolloutsAddress, IsOfIpv6BesideACoordinatorOnIpv6) {
  if (!LocalAddressTowards({.host = "::1", .port = 1}).ok()) GTEST_SKIP() << "this machine has no IPv6";
  EXPECT_EQ(Chosen({.coordinators = {"[::1]:50051"}}).advertise, "[::1]:0");
  EXPECT_EQ(Chosen({.listen = "[::1]:50052", .coordinators = {"[::1]:50051"}}).advertise, "[::1]:50052");
}

TEST(RolloutsAddress, IsWhatIsGivenIfOthersCanConnectToIt) {
  const RolloutsAddress given = Chosen({.listen = "10.1.2.3:50052", .coordinators = {kHere}});
  EXPECT_EQ(given.listen, "10.1.2.3:50052");
  EXPECT_EQ(given.advertise, "10.1.2.3:50052");
  // What is advertised is for others: its name need not mean anything here.
  const RolloutsAddress both =
      Chosen({.listen = "0.0.0.0:50052", .advertise = "learner.invalid:1", .coordinators = {"coordinator.invalid:1"}});
  EXPECT_EQ(both.listen, "0.0.0.0:50052");
  EXPECT_EQ(both.advertise, "learner.invalid:1");
}

TEST(RolloutsAddress, IsNoneThatStandsForAllAddresses) {
  for (const char* listen : {"0.0.0.0:50052", "[::]:0", "0:0", "[0::0]:50052"}) {
    EXPECT_THAT(ErrorOf({.listen = listen, .coordinators = {kHere}, .beyond_loopback = true},
                        absl::StatusCode::kInvalidArgument),
                HasSubstr("--advertise HOST:PORT"));
    // Otherwise the server refuses it, for want of TLS.
    EXPECT_EQ(Chosen({.listen = listen, .coordinators = {kHere}}).listen, listen);
    const std::string advertise = listen[0] == '[' ? "[::]:7" : "0.0.0.0:7";
    EXPECT_THAT(ErrorOf({.listen = listen, .advertise = advertise, .coordinators = {kHere}},
                        absl::StatusCode::kInvalidArgument),
                HasSubstr("--advertise " + advertise));
  }
}

TEST(RolloutsAddress, IsNotAdvertisedWithoutOneToListenOn) {
  EXPECT_THAT(ErrorOf({.advertise = "host:1", .coordinators = {kHere}}, absl::StatusCode::kInvalidArgument),
              HasSubstr("--listen HOST:PORT"));
  EXPECT_THAT(ErrorOf({.listen = "127.0.0.1:0", .advertise = "host:0", .coordinators = {kHere}},
                      absl::StatusCode::kInvalidArgument),
              HasSubstr("port 0"));
}

TEST(RolloutsAddress, CannotBeChosenWithoutARouteToACoordinator) {
  EXPECT_THAT(ErrorOf({.coordinators = {"coordinator.invalid:1"}}, absl::StatusCode::kUnavailable),
              HasSubstr("'coordinator.invalid' cannot be resolved"));
  // One that stands by may not be there yet.
  EXPECT_EQ(Chosen({.coordinators = {"coordinator.invalid:1", kHere}}).advertise, "127.0.0.1:0");
}

TEST_F(BesideACoordinatorElsewhere, IsTheOneOnTheWayThere) {
  for (const bool first : {true, false}) {
    const RolloutsAddress chosen =
        Chosen({.coordinators = {first ? kElsewhere : kHere, first ? kHere : kElsewhere}, .beyond_loopback = true});
    EXPECT_EQ(chosen.listen, At(0));
    EXPECT_EQ(chosen.advertise, At(0));
  }
  const RolloutsAddress given =
      Chosen({.listen = "0.0.0.0:50052", .coordinators = {kElsewhere}, .beyond_loopback = true});
  EXPECT_EQ(given.listen, "0.0.0.0:50052");
  EXPECT_EQ(given.advertise, At(50052));
}

TEST_F(BesideACoordinatorElsewhere, IsNotListenedOnWithoutTlsUnlessAskedFor) {
  const std::string error = ErrorOf({.coordinators = {kElsewhere}}, absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(error, HasSubstr("--tls_dir DIR"));
  EXPECT_THAT(error, HasSubstr("--insecure"));
  EXPECT_THAT(error, HasSubstr(kElsewhere));
}

TEST_F(BesideACoordinatorElsewhere, IsNotLoopback) {
  for (const char* listen : {"127.0.0.1:50052", "localhost:50052"}) {
    const std::string error =
        ErrorOf({.listen = listen, .coordinators = {kHere, kElsewhere}}, absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(error, HasSubstr(std::string("--listen ") + listen));
    EXPECT_THAT(error, HasSubstr("give --listen " + At(50052) + " with --tls_dir DIR"));
  }
  // Whoever forwards connections says so.
  EXPECT_EQ(Chosen({.listen = "127.0.0.1:50052", .advertise = "10.0.0.1:7", .coordinators = {kElsewhere}}).listen,
            "127.0.0.1:50052");
}

}  // namespace
}  // namespace understudy
