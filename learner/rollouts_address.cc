#include "learner/rollouts_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "common/rpc/address.h"
#include "common/rpc/channel.h"

namespace understudy {
namespace {

// An address of this machine, and the coordinator that it leads to.
struct Route {
  ResolvedHost from;
  std::string coordinator;
};

// The first one that is not loopback, else the first one. Coordinators that cannot be resolved may be standing by, and
// not be there yet: one route is enough.
absl::StatusOr<Route> FindRoute(const std::vector<std::string>& coordinators) {
  std::optional<Route> best;
  absl::Status error;
  for (const std::string& coordinator : coordinators) {
    const auto peer = ParseAddress(coordinator);
    if (!peer.ok()) return peer.status();
    const auto from = LocalAddressTowards(*peer);
    if (!from.ok()) {
      error = from.status();
      continue;
    }
    if (!best.has_value() || (best->from.loopback && !from->loopback)) best = {*from, coordinator};
  }
  if (best.has_value()) return *std::move(best);
  return absl::UnavailableError(
      absl::StrCat("cannot tell by which address actors reach this learner: ", error.message(),
                   "; give it with --listen HOST:PORT, or --advertise HOST:PORT"));
}

bool IsNumeric(const std::string& host) {
  in6_addr unused;
  return inet_pton(AF_INET, host.c_str(), &unused) == 1 || inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

absl::Status CheckAdvertised(const std::string& advertise) {
  if (absl::Status valid = ValidateAddress(advertise); !valid.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("--advertise: ", valid.message()));
  }
  // A name need not mean anything here: it is for others.
  const std::string host = ParseAddress(advertise)->host;
  if (!IsNumeric(host)) return absl::OkStatus();
  const auto resolved = ResolveHost(host);
  if (!resolved.ok() || !resolved->wildcard) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--advertise ", advertise, ": nobody can connect to ", host,
                   ", it stands for all addresses; give one by which this host is reached"));
}

absl::StatusOr<RolloutsAddress> ChooseBoth(const RolloutsAddressOptions& options) {
  const auto route = FindRoute(options.coordinators);
  if (!route.ok()) return route.status();
  const std::string address = FormatAddress(route->from.ip, 0);
  if (!route->from.loopback && !options.beyond_loopback) {
    return absl::PermissionDeniedError(absl::StrCat(
        "the coordinator is at ", route->coordinator,
        ", so actors may be on other hosts and are to reach this learner at ", route->from.ip,
        "; refusing to listen there without TLS, as connections would be neither encrypted nor ",
        "authenticated: give --tls_dir DIR (deploy/tls/make-certificates makes one), or pass --insecure on a network ",
        "that you trust"));
  }
  return RolloutsAddress{.listen = address, .advertise = address};
}

}  // namespace

absl::StatusOr<RolloutsAddress> ChooseRolloutsAddress(const RolloutsAddressOptions& options) {
  if (!options.advertise.empty()) {
    if (absl::Status status = CheckAdvertised(options.advertise); !status.ok()) return status;
    if (!options.listen.empty()) return RolloutsAddress{.listen = options.listen, .advertise = options.advertise};
    return absl::InvalidArgumentError(absl::StrCat(
        "--advertise ", options.advertise, " needs --listen HOST:PORT, as connections to it have to lead there"));
  }
  if (options.listen.empty()) return ChooseBoth(options);
  const auto listen = ParseAddress(options.listen);
  if (!listen.ok()) return listen.status();
  const auto host = ResolveHost(listen->host);
  if (!host.ok()) return host.status();
  // Whether the server may listen there at all is RpcServer's to say, before anything else.
  const bool refused = !host->loopback && !options.beyond_loopback;
  if (refused || (!host->loopback && !host->wildcard)) {
    return RolloutsAddress{.listen = options.listen, .advertise = options.listen};
  }
  const auto route = FindRoute(options.coordinators);
  if (!route.ok()) return route.status();
  const bool coordinator_is_here = route->from.loopback;
  if (host->wildcard && coordinator_is_here) {
    return absl::InvalidArgumentError(
        absl::StrCat("actors cannot connect to ", options.listen, ", and the way to the coordinator at ",
                     route->coordinator, " does not show how they reach this host: give --advertise HOST:PORT"));
  }
  if (host->wildcard) {
    return RolloutsAddress{.listen = options.listen, .advertise = FormatAddress(route->from.ip, listen->port)};
  }
  if (coordinator_is_here) return RolloutsAddress{.listen = options.listen, .advertise = options.listen};
  const std::string meaning = listen->host == host->ip ? "" : absl::StrCat(" (", host->ip, " here)");
  return absl::InvalidArgumentError(
      absl::StrCat("--listen ", options.listen, meaning, ": the coordinator is at ", route->coordinator,
                   ", so actors may be on other hosts, which cannot connect to a loopback address: give --listen ",
                   FormatAddress(route->from.ip, listen->port),
                   options.beyond_loopback ? "" : " with --tls_dir DIR (or --insecure on a network that you trust)",
                   ", or --advertise HOST:PORT if connections to that lead here"));
}

}  // namespace understudy
