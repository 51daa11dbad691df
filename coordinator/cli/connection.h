// How a client command reaches what it asks about: a coordinator, or a store without one.
#ifndef UNDERSTUDY_COORDINATOR_CLI_CONNECTION_H_
#define UNDERSTUDY_COORDINATOR_CLI_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "understudy/v1/datasets.grpc.pb.h"
#include "understudy/v1/experiments.grpc.pb.h"
#include "understudy/v1/policy.grpc.pb.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {

struct ConnectionOptions {
  std::string coordinator = {};  // HOST:PORT
  std::string store = {};        // not empty: instead of the coordinator; see OpenStore
};

enum class Access { kRead, kWrite };

// $UNDERSTUDY_COORDINATOR, else 127.0.0.1:50051.
std::string DefaultCoordinator();

// Thread-safe. The same stubs whatever is behind them; a store serves datasets and policies only.
class Connection {
 public:
  // Connects now. UNAVAILABLE, at once where nothing listens and within 3 s otherwise: no coordinator there, naming the
  // address and what to do. INVALID_ARGUMENT: not an address. OpenStore's errors.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const ConnectionOptions& options, Access access);

  // To a coordinator that is known to be there, or to come: connects with the first call.
  static std::unique_ptr<Connection> At(const std::string& coordinator);

  virtual ~Connection() = default;

  v1::Experiments::Stub& experiments() { return experiments_; }
  v1::Workers::Stub& workers() { return workers_; }
  v1::Datasets::Stub& datasets() { return datasets_; }
  v1::Policies::Stub& policies() { return policies_; }

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

 protected:
  Connection(const std::shared_ptr<grpc::Channel>& channel, std::string peer);

 private:
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                                Stub& stub, const Request& request, grpc::ClientContext& context) const {
    Response response;
    const absl::Status status = Result((stub.*method)(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }
  static void SetQuickDeadline(grpc::ClientContext& context);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::string peer_;  // for messages
  v1::Experiments::Stub experiments_;
  v1::Workers::Stub workers_;
  v1::Datasets::Stub datasets_;
  v1::Policies::Stub policies_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_CLI_CONNECTION_H_
