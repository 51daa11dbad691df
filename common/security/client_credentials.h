// What a client proves of itself, and whom it believes.
#ifndef UNDERSTUDY_COMMON_SECURITY_CLIENT_CREDENTIALS_H_
#define UNDERSTUDY_COMMON_SECURITY_CLIENT_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace understudy {

struct ClientSecurity {
  std::string tls_dir = {};     // TlsFiles; empty: no TLS
  std::string token_file = {};  // its only line is the bearer token; empty: $UNDERSTUDY_TOKEN, if there is one
};

// For channels, which may share them. A server must have a certificate of an authority in ca.crt for the host name or
// IP address that is called. Without TLS: null, which is what MakeChannel takes for none.
// INVALID_ARGUMENT: CheckTlsFiles's and ValidateToken's errors; neither certificate nor token; a token file without
// TLS, as tokens must not travel in the clear (one in the environment is left unused then).
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> LoadClientCredentials(const ClientSecurity& security);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_CLIENT_CREDENTIALS_H_
