#include "cli/connection.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/process/file_descriptor.h"
#include "tests/cli/command_result.h"
#include "tests/cli/fake_coordinator.h"
#include "tests/cli/test_experiment.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

// Bound, and listening only if asked to; nobody ever answers.
struct DeafPort {
  explicit DeafPort(bool listening) : socket(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    if (listening) {
      EXPECT_EQ(listen(socket.get(), 1), 0);
    }
    EXPECT_EQ(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    name = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  FileDescriptor socket;
  std::string name;
};

TEST(Connection, ReachesACoordinator) {
  const FakeCoordinator coordinator({SucceededExperiment()});
  const auto connection = Connection::Open({.coordinators = coordinator.address()}, Access::kRead);
  ASSERT_TRUE(connection.ok()) << connection.status();
  const auto list = (*connection)->Quick(&v1::Experiments::Stub::List, (*connection)->experiments(), {});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->experiments_size(), 1);
}

TEST(Connection, SaysWhereNobodyListensAndWhatToDo) {
  const DeafPort port(false);
  const auto connection = Connection::Open({.coordinators = port.name}, Access::kRead);
  EXPECT_EQ(connection.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(connection.status().message()), HasSubstr("no coordinator answers at " + port.name));
  EXPECT_THAT(std::string(connection.status().message()), HasSubstr("understudy-coordinator --listen " + port.name));
}

TEST(Connection, GivesUpOnWhoeverListensButSaysNothing) {
  const DeafPort port(true);
  const auto connection = Connection::Open({.coordinators = port.name}, Access::kRead);
  EXPECT_EQ(connection.status().code(), absl::StatusCode::kUnavailable);
}

TEST(Connection, RefusesWhatIsNotAnAddress) {
  const auto connection = Connection::Open({.coordinators = "nowhere"}, Access::kRead);
  EXPECT_EQ(connection.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(connection.status().message()), HasSubstr("nowhere"));
}

TEST(Connection, NamesTheOtherSideWhereTheTransportFails) {
  const FakeCoordinator coordinator({SucceededExperiment()});
  const auto connection = Connection::Open({.coordinators = coordinator.address()}, Access::kRead);
  ASSERT_TRUE(connection.ok());
  EXPECT_EQ((*connection)->Result({grpc::StatusCode::UNAVAILABLE, "Socket closed"}).message(),
            "coordinator at " + coordinator.address() + ": Socket closed");
  EXPECT_EQ((*connection)->Result({grpc::StatusCode::NOT_FOUND, "no dataset x"}).message(), "no dataset x");
}

TEST(DefaultCoordinator, IsTheEnvironmentsOrLocal) {
  unsetenv("UNDERSTUDY_COORDINATOR");
  EXPECT_EQ(DefaultCoordinator(), "127.0.0.1:50051");
  setenv("UNDERSTUDY_COORDINATOR", "", 1);
  EXPECT_EQ(DefaultCoordinator(), "127.0.0.1:50051");
  setenv("UNDERSTUDY_COORDINATOR", "10.0.0.7:1234", 1);
  EXPECT_EQ(DefaultCoordinator(), "10.0.0.7:1234");
  unsetenv("UNDERSTUDY_COORDINATOR");
}

TEST(DefaultCoordinator, GivesWayToADataDirectory) {
  setenv("UNDERSTUDY_COORDINATOR", "10.0.0.7:1234", 1);
  const CommandResult result = RunCommand({"datasets", "list", "--data_dir", "/nowhere/at/all"});
  unsetenv("UNDERSTUDY_COORDINATOR");
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr("/nowhere/at/all"));
}

}  // namespace
}  // namespace understudy
