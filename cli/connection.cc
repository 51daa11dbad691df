#include "cli/connection.h"

#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/text.h"
#include "common/rpc/channel.h"
#include "common/rpc/coordinators.h"
#include "common/rpc/protocol.h"
#include "coordinator/services/datasets_service.h"
#include "coordinator/services/experiments_service.h"
#include "coordinator/services/policies_service.h"
#include "coordinator/storage/open_store.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

constexpr std::chrono::seconds kConnectTimeout{3};
constexpr absl::Duration kQuickTimeout = absl::Seconds(10);

// Empty where the variable is not set.
std::string EnvironmentVariable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

using Peers = std::vector<std::unique_ptr<Connection::Peer>>;

// What a coordinator would serve from the store, without it.
struct LocalServer {
  explicit LocalServer(std::shared_ptr<Store> held)
      : store(std::move(held)),
        experiments(*store, nullptr),
        datasets(*store, RunWithoutCoordinator),
        policies(*store) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&experiments);
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
  ExperimentsService experiments;
  DatasetsService datasets;
  PoliciesService policies;
  std::unique_ptr<grpc::Server> server;
};

std::string PlaceText(const std::string& place) {
  return IsPostgresUrl(place) ? DescribePostgresUrl(place).value() : absl::StrCat("data directory ", place);
}

class LocalConnection final : public Connection {
 public:
  LocalConnection(std::unique_ptr<LocalServer> server, Peers peers)
      : Connection(std::move(peers)), server_(std::move(server)) {}

 private:
  const std::unique_ptr<LocalServer> server_;
};

Peers MakePeers(const Coordinators& coordinators) {
  Peers peers;
  for (const Coordinators::Peer& peer : coordinators.peers()) {
    peers.push_back(std::make_unique<Connection::Peer>(peer.channel, absl::StrCat("coordinator at ", peer.address)));
  }
  return peers;
}

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

// Why a channel does not connect.
absl::Status WhyNot(const std::shared_ptr<grpc::Channel>& channel, bool tls) {
  grpc::ClientContext context;
  SetDeadline(context, absl::Milliseconds(100));
  v1::ListExperimentsRequest request;
  request.set_page_size(1);
  v1::ListExperimentsResponse response;
  return ExplainConnecting(FromGrpc(v1::Experiments::NewStub(channel)->List(&context, request, &response)), tls);
}

absl::Status NobodyAnswers(const ConnectionOptions& options, const absl::Status& why) {
  const bool tls = !options.security.tls_dir.empty();
  return absl::UnavailableError(
      absl::StrCat("no coordinator answers at ", options.coordinators, tls ? " with TLS" : "", ": ", why.message(),
                   "; start one with 'understudy-coordinator --listen ", ShellQuoted(options.coordinators),
                   " --data_dir DIR", tls ? " --tls_dir DIR" : "", "', or name another with --coordinator HOST:PORT; ",
                   "experiments, datasets and policies are also read from --data_dir DIR or --store URL"));
}

absl::StatusOr<std::unique_ptr<Connection>> OpenRemote(const ConnectionOptions& options) {
  const auto credentials = LoadClientCredentials(options.security);
  if (!credentials.ok()) return credentials.status();
  const auto coordinators = Coordinators::Make(options.coordinators, *credentials);
  if (!coordinators.ok()) return coordinators.status();
  auto connection = std::make_unique<Connection>(MakePeers(**coordinators));
  for (const Coordinators::Peer& peer : (*coordinators)->peers()) {
    if (Connect(*peer.channel)) return connection;
    connection->MoveOn();
  }
  return NobodyAnswers(options, WhyNot((*coordinators)->Current().channel, (*coordinators)->tls()));
}

absl::StatusOr<std::unique_ptr<Connection>> OpenLocal(const std::string& place, Access access) {
  absl::StatusOr<std::shared_ptr<SqlStore>> store =
      OpenStore(place, access == Access::kWrite ? DataDirectory::Mode::kWrite : DataDirectory::Mode::kRead);
  if (absl::IsUnavailable(store.status()) && access == Access::kWrite) {
    return absl::UnavailableError(absl::StrCat(
        store.status().message(), "; if that is a coordinator, give its address with --coordinator HOST:PORT instead"));
  }
  if (!store.ok()) return store.status();
  auto server = std::make_unique<LocalServer>(*std::move(store));
  Peers peers;
  peers.push_back(std::make_unique<Connection::Peer>(server->Channel(), PlaceText(place)));
  return std::make_unique<LocalConnection>(std::move(server), std::move(peers));
}

}  // namespace

std::string DefaultCoordinator() {
  const std::string address = EnvironmentVariable("UNDERSTUDY_COORDINATOR");
  return address.empty() ? "127.0.0.1:50051" : address;
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options, Access access) {
  return options.store.empty() ? OpenRemote(options) : OpenLocal(options.store, access);
}

std::unique_ptr<Connection> Connection::At(const std::string& coordinator) {
  return std::make_unique<Connection>(MakePeers(**Coordinators::Make(coordinator)));
}

Connection::Peer::Peer(const std::shared_ptr<grpc::Channel>& its_channel, std::string its_name)
    : channel(its_channel),
      name(std::move(its_name)),
      experiments(its_channel),
      workers(its_channel),
      datasets(its_channel),
      policies(its_channel) {}

void Connection::Pause(absl::Duration duration) {
  const auto deadline = absl::ToChronoTime(absl::Now() + duration);
  grpc::Channel& channel = *peer().channel;
  grpc_connectivity_state state = channel.GetState(true);
  const bool was_there = state == GRPC_CHANNEL_READY;
  while (channel.WaitForStateChange(state, deadline)) {
    state = channel.GetState(true);
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
                          absl::StrCat(peer().name, ": ", status.error_message()));
    default:
      return FromGrpc(status);
  }
}

void Connection::SetQuickDeadline(grpc::ClientContext& context) { SetDeadline(context, kQuickTimeout); }

}  // namespace understudy
