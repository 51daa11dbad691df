#include "common/rpc/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
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

bool IsLoopback(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return address.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

std::string NumericText(const addrinfo& address) {
  char text[NI_MAXHOST] = "";
  getnameinfo(address.ai_addr, address.ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST);
  return text;
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
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat("host '", host, "' cannot be resolved: ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  ResolvedHost result{.ip = "", .loopback = true};
  bool is_v4 = false;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    result.loopback = result.loopback && IsLoopback(*a->ai_addr);
    if (result.ip.empty() || (!is_v4 && a->ai_family == AF_INET)) {
      result.ip = NumericText(*a);
      is_v4 = a->ai_family == AF_INET;
    }
  }
  return result;
}

}  // namespace understudy
