#include "common/rpc/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

absl::Status BadAddress(const std::string& address) {
  return absl::InvalidArgumentError(
      absl::StrCat("address '", address, "': expected HOST:PORT or [IPV6]:PORT, the port from 0 to 65535"));
}

bool IsHostCharacter(char c) { return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_'; }

using AddressList = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

// Not empty.
absl::StatusOr<AddressList> Look(const std::string& host, const char* port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port, &hints, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat("host '", host, "' cannot be resolved: ", gai_strerror(error)));
  }
  return AddressList(found, freeaddrinfo);
}

// The one that is used: the first IPv4 address, else the first of all.
const addrinfo& Preferred(const AddressList& list) {
  for (const addrinfo* a = list.get(); a != nullptr; a = a->ai_next) {
    if (a->ai_family == AF_INET) return *a;
  }
  return *list;
}

ResolvedHost Describe(const sockaddr& address, socklen_t length) {
  ResolvedHost result;
  char text[NI_MAXHOST] = "";
  getnameinfo(&address, length, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
  result.ip = text;
  if (address.sa_family == AF_INET) {
    const uint32_t v4 = ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr);
    result.loopback = (v4 >> 24) == 127;
    result.wildcard = v4 == INADDR_ANY;
  } else if (address.sa_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
    result.loopback = IN6_IS_ADDR_LOOPBACK(&v6) || (mapped && v6.s6_addr[12] == 127);
    result.wildcard = IN6_IS_ADDR_UNSPECIFIED(&v6) ||
                      (mapped && std::all_of(&v6.s6_addr[12], &v6.s6_addr[16], [](uint8_t byte) { return byte == 0; }));
  }
  return result;
}

}  // namespace

absl::StatusOr<HostPort> ParseAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || address.size() > 300) return BadAddress(address.substr(0, 300));
  HostPort result;
  const std::string host = address.substr(0, colon);
  const std::string port = address.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    result.host = host.substr(1, host.size() - 2);
    in6_addr parsed;
    if (inet_pton(AF_INET6, result.host.c_str(), &parsed) != 1) return BadAddress(address);
  } else {
    result.host = host;
    if (host.empty() || !std::all_of(host.begin(), host.end(), IsHostCharacter)) return BadAddress(address);
  }
  if (port.empty() || !std::all_of(port.begin(), port.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(port, &result.port) || result.port > 65535) {
    return BadAddress(address);
  }
  return result;
}

std::string FormatAddress(const std::string& host, int port) {
  const bool v6 = host.find(':') != std::string::npos;
  return absl::StrCat(v6 ? "[" : "", host, v6 ? "]:" : ":", port);
}

absl::StatusOr<ResolvedHost> ResolveHost(const std::string& host) {
  const auto found = Look(host, nullptr);
  if (!found.ok()) return found.status();
  const addrinfo& address = Preferred(*found);
  return Describe(*address.ai_addr, address.ai_addrlen);
}

absl::StatusOr<ResolvedHost> LocalAddressTowards(const HostPort& peer) {
  const auto found = Look(peer.host, std::to_string(peer.port).c_str());
  if (!found.ok()) return found.status();
  const addrinfo& address = Preferred(*found);
  // Connecting a datagram socket looks up the route, and no more.
  const int probe = socket(address.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage local{};
  socklen_t length = sizeof(local);
  const bool routed = probe >= 0 && connect(probe, address.ai_addr, address.ai_addrlen) == 0 &&
                      getsockname(probe, reinterpret_cast<sockaddr*>(&local), &length) == 0;
  const int error = errno;
  if (probe >= 0) close(probe);
  if (!routed) {
    return absl::UnavailableError(
        absl::StrCat("there is no route to ", FormatAddress(peer.host, peer.port), ": ", std::strerror(error)));
  }
  return Describe(reinterpret_cast<const sockaddr&>(local), length);
}

}  // namespace understudy
