// How a client command reaches what it asks about: a coordinator, or a store without one.
#ifndef UNDERSTUDY_CLI_CONNECTION_H_
#define UNDERSTUDY_CLI_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/security/client_credentials.h"
#include "understudy/v1/datasets.grpc.pb.h"
#include "understudy/v1/experiments.grpc.pb.h"
#include "understudy/v1/policy.grpc.pb.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {

struct ConnectionOptions {
  std::string coordinators = {};  // Coordinators::Make's
  ClientSecurity security = {};   // towards them
  std::string store = {};         // not empty: instead of the coordinator; see OpenStore
};

enum class Access { kRead, kWrite };

// $UNDERSTUDY_COORDINATOR, else 127.0.0.1:50051.
std::string DefaultCoordinator();

// Thread-safe. The same stubs whatever is behind them; a store serves experiments that nobody runs, datasets and
// policies.
class Connection {
 public:
  // One coordinator, or what is in its place.
  struct Peer {
    Peer(const std::shared_ptr<grpc::Channel>& its_channel, std::string its_name);
    const std::shared_ptr<grpc::Channel> channel;
    const std::string name;  // for messages
    v1::Experiments::Stub experiments;
    v1::Workers::Stub workers;
    v1::Datasets::Stub datasets;
    v1::Policies::Stub policies;
  };
  // At least one.
  explicit Connection(std::vector<std::unique_ptr<Peer>> peers) : peers_(std::move(peers)) {}

  // Connects now, to the first coordinator that answers. UNAVAILABLE, at once where nothing listens and within 3 s
  // otherwise, each: no coordinator there, naming the addresses and what to do. INVALID_ARGUMENT: Coordinators::Make's
  // and LoadClientCredentials's. OpenStore's errors.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options, Access access);

  // To a coordinator that is known to be there, or to come: connects with the first call.
  static std::unique_ptr<Connection> At(const std::string& coordinator);

  virtual ~Connection() = default;

  v1::Experiments::Stub& experiments() { return peer().experiments; }
  v1::Workers::Stub& workers() { return peer().workers; }
  v1::Datasets::Stub& datasets() { return peer().datasets; }
  v1::Policies::Stub& policies() { return peer().policies; }

  // From now on the stubs are the next coordinator's, where there are several.
  void MoveOn() { current_ = (current_ + 1) % peers_.size(); }

  // Waits for `duration`, or until a connection that is lost is there again. Blocks in gRPC, which makes connections
  // only while somebody waits in it.
  void Pause(absl::Duration duration);

  // What a call came to. Where the transport failed, the message names the other side.
  absl::Status Result(const grpc::Status& status) const;

  // A unary call that the other side answers from memory or a few reads, in at most 10 s.
  // `method` is a stub's: Quick(&v1::Datasets::Stub::Get, datasets(), request).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Quick(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                 Stub& stub, const Request& request) const {
    grpc::ClientContext context;
    SetQuickDeadline(context);
    return Call(method, stub, request, context);
  }

  // A unary call that may take as long as it takes: over all bytes of a dataset, say.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Patient(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                   Stub& stub, const Request& request) const {
    grpc::ClientContext context;
    return Call(method, stub, request, context);
  }

 private:
  Peer& peer() const { return *peers_[current_]; }
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                Stub& stub, const Request& request, grpc::ClientContext& context) const {
    Response response;
    const absl::Status status = Result((stub.*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  static void SetQuickDeadline(grpc::ClientContext& context);

  const std::vector<std::unique_ptr<Peer>> peers_;
  std::atomic<size_t> current_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CONNECTION_H_
