// Parses, formats and resolves addresses that are given as HOST:PORT.
#ifndef UNDERSTUDY_COMMON_RPC_ADDRESS_H_
#define UNDERSTUDY_COMMON_RPC_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"

namespace understudy {

struct HostPort {
  std::string host;  // without brackets
  int port = 0;
};

// Parses HOST:PORT or [IPV6]:PORT, with a port from 0 to 65535.
// INVALID_ARGUMENT: the text is none. The message names it.
absl::StatusOr<HostPort> ParseAddress(const std::string& address);

// Formats HOST:PORT, with brackets around an IPv6 address.
std::string FormatAddress(const std::string& host, int port);

struct ResolvedHost {
  std::string ip;         // the first IPv4 address, else the first IPv6 address
  bool loopback = false;  // `ip` is one that only this machine can connect to
  bool wildcard = false;  // `ip` stands for all addresses of this machine: one can listen on it, but not connect to it
};

// Looks up an IP address or a host name. Blocks for as long as the system's resolver does.
// UNAVAILABLE: the host cannot be resolved.
absl::StatusOr<ResolvedHost> ResolveHost(const std::string& host);

// Returns the address that this machine's packets to `peer` come from, by the routing table. By this address the peer,
// and others on its network, can reach this machine. Sends nothing. Blocks as ResolveHost does.
// UNAVAILABLE: the peer cannot be resolved, or there is no route to it.
absl::StatusOr<ResolvedHost> LocalAddressTowards(const HostPort& peer);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_ADDRESS_H_
