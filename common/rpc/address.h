// HOST:PORT texts.
#ifndef UNDERSTUDY_COMMON_RPC_ADDRESS_H_
#define UNDERSTUDY_COMMON_RPC_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"

namespace understudy {

struct HostPort {
  std::string host;  // without brackets
  int port = 0;
};

// HOST:PORT or [IPV6]:PORT, port 0 … 65535. INVALID_ARGUMENT names the text.
absl::StatusOr<HostPort> ParseAddress(const std::string& address);

// The reverse, with brackets around an IPv6 address.
std::string FormatAddress(const std::string& host, int port);

struct ResolvedHost {
  std::string ip;         // the first IPv4 address, else the first IPv6 address
  bool loopback = false;  // all of the host's addresses are
};

// UNAVAILABLE where the host cannot be resolved. Blocks for as long as the system's resolver does.
absl::StatusOr<ResolvedHost> ResolveHost(const std::string& host);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_ADDRESS_H_
