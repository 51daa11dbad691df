// A connection of a client command to what it asks about: a coordinator, or a store without one.
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
  std::string coordinators = {};  // as Coordinators::Make takes them
  ClientSecurity security = {};   // towards them
  std::string store = {};         // if not empty, used instead of a coordinator; see OpenStore
};

enum class Access { kRead, kWrite };

// Returns $UNDERSTUDY_COORDINATOR, or 127.0.0.1:50051 if that is not set.
std::string DefaultCoordinator();

// The stubs are the same for a coordinator and for a store. A store serves datasets, policies, and experiments that
// nobody runs. Thread-safe.
class Connection {
 public:
  // One coordinator, or the store that is used instead.
  struct Peer {
    Peer(const std::shared_ptr<grpc::Channel>& its_channel, std::string its_name);
    const std::shared_ptr<grpc::Channel> channel;
    const std::string name;  // for messages
    v1::Experiments::Stub experiments;
    v1::Workers::Stub workers;
    v1::Datasets::Stub datasets;
    v1::Policies::Stub policies;
  };
  // Makes a connection to these peers, of which there is at least one.
  explicit Connection(std::vector<std::unique_ptr<Peer>> peers) : peers_(std::move(peers)) {}

  // Connects now, to the store or to the first coordinator that answers.
  // UNAVAILABLE: no coordinator answers. The message names the addresses and what to do. That takes no time at an
  // address where nothing listens, and up to 3 s at every other.
  // INVALID_ARGUMENT: Coordinators::Make's and LoadClientCredentials's. Others: OpenStore's, for a store.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options, Access access);

  // Makes a connection to a coordinator that is known to be there, or to come. It connects with the first call.
  static std::unique_ptr<Connection> At(const std::string& coordinator);

  virtual ~Connection() = default;

  v1::Experiments::Stub& experiments() { return peer().experiments; }
  v1::Workers::Stub& workers() { return peer().workers; }
  v1::Datasets::Stub& datasets() { return peer().datasets; }
  v1::Policies::Stub& policies() { return peer().policies; }

  // Turns to the next coordinator, if there are several: the stubs are that one's from now on.
  void MoveOn() { current_ = (current_ + 1) % peers_.size(); }

  // Waits for `duration`, or until a connection that was lost is there again. It waits in gRPC, because gRPC makes
  // connections only while somebody does.
  void Pause(absl::Duration duration);

  // Returns the status of a call. If the transport failed, the message names the other side.
  absl::Status Result(const grpc::Status& status) const;

  // Makes a unary call that the other side answers from memory or a few reads. It may take 10 s. `method` is a stub's:
  // Quick(&v1::Datasets::Stub::Get, datasets(), request).
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Quick(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                 Stub& stub, const Request& request) const {
    grpc::ClientContext context;
    SetQuickDeadline(context);
    return Call(method, stub, request, context);
  }

  // Makes a unary call that may take any time, such as one that reads all bytes of a dataset.
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
