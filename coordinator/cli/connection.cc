#include "coordinator/cli/connection.h"

#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/channel.h"
#include "coordinator/services/datasets_service.h"
#include "coordinator/services/policies_service.h"
#include "coordinator/storage/open_store.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

constexpr std::chrono::seconds kConnectTimeout{3};
constexpr absl::Duration kQuickTimeout = absl::Seconds(10);

// A coordinator somewhere else.
class RemoteConnection final : public Connection {
 public:
  explicit RemoteConnection(const std::shared_ptr<grpc::Channel>& channel, const std::string& address)
      : Connection(channel, absl::StrCat("coordinator at ", address)) {}
};

// What a coordinator would serve from the store, without it.
struct LocalServer {
  explicit LocalServer(std::shared_ptr<Store> held) : store(std::move(held)), datasets(*store, {}), policies(*store) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&datasets);
    builder.RegisterService(&policies);
    builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
    server = builder.BuildAndStart();
  }
  std::shared_ptr<grpc::Channel> Channel() {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    return server->InProcessChannel(arguments);
  }

  std::shared_ptr<Store> store;
  DatasetsService datasets;
  PoliciesService policies;
  std::unique_ptr<grpc::Server> server;
};

std::string PlaceText(const std::string& place) {
  return IsPostgresUrl(place) ? DescribePostgresUrl(place).value() : absl::StrCat("data directory ", place);
}

class LocalConnection final : public Connection {
 public:
  LocalConnection(std::unique_ptr<LocalServer> server, const std::string& place)
      : Connection(server->Channel(), PlaceText(place)), server_(std::move(server)) {}

 private:
  std::unique_ptr<LocalServer> server_;
};

// True once connected; false as soon as an attempt has failed.
bool Connect(grpc::Channel& channel) {
  const auto deadline = std::chrono::system_clock::now() + kConnectTimeout;
  grpc_connectivity_state state = channel.GetState(true);
  while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
    if (!channel.WaitForStateChange(state, deadline)) return false;
    state = channel.GetState(true);
  }
  return state == GRPC_CHANNEL_READY;
}

absl::StatusOr<std::unique_ptr<Connection>> OpenRemote(const std::string& address) {
  if (absl::Status status = ValidateAddress(address); !status.ok()) return status;
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(address);
  if (!Connect(*channel)) {
    return absl::UnavailableError(absl::StrCat(
        "no coordinator answers at ", address, ": start one with 'understudy-coordinator --listen ", address,
        " --data_dir DIR', or name another with --coordinator HOST:PORT; "
        "datasets and policies are also read from --data_dir DIR or --store URL"));
  }
  return std::make_unique<RemoteConnection>(channel, address);
}

absl::StatusOr<std::unique_ptr<Connection>> OpenLocal(const std::string& place, Access access) {
  absl::StatusOr<std::shared_ptr<SqlStore>> store =
      OpenStore(place, access == Access::kWrite ? DataDirectory::Mode::kWrite : DataDirectory::Mode::kRead);
  if (!store.ok()) return store.status();
  return std::make_unique<LocalConnection>(std::make_unique<LocalServer>(*std::move(store)), place);
}

}  // namespace

std::string DefaultCoordinator() {
  const char* address = std::getenv("UNDERSTUDY_COORDINATOR");
  return address != nullptr && *address != '\0' ? address : "127.0.0.1:50051";
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options, Access access) {
  return options.store.empty() ? OpenRemote(options.coordinator) : OpenLocal(options.store, access);
}

std::unique_ptr<Connection> Connection::At(const std::string& coordinator) {
  return std::make_unique<RemoteConnection>(MakeChannel(coordinator), coordinator);
}

Connection::Connection(const std::shared_ptr<grpc::Channel>& channel, std::string peer)
    : channel_(channel),
      peer_(std::move(peer)),
      experiments_(channel),
      workers_(channel),
      datasets_(channel),
      policies_(channel) {}

void Connection::Pause(absl::Duration duration) {
  const auto deadline = absl::ToChronoTime(absl::Now() + duration);
  grpc_connectivity_state state = channel_->GetState(true);
  const bool was_there = state == GRPC_CHANNEL_READY;
  while (channel_->WaitForStateChange(state, deadline)) {
    state = channel_->GetState(true);
    if (state == GRPC_CHANNEL_READY && !was_there) return;
  }
}

absl::Status Connection::Result(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::UNKNOWN:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          absl::StrCat(peer_, ": ", status.error_message()));
    default:
      return FromGrpc(status);
  }
}

void Connection::SetQuickDeadline(grpc::ClientContext& context) { SetDeadline(context, kQuickTimeout); }

}  // namespace understudy
