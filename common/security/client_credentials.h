// The credentials of a client: its certificate or token, and the authorities that it believes.
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

// Makes the credentials of channels, which may share them. A server is believed if its certificate is of an authority
// in ca.crt, and for the host name or IP address that is called. Returns null, as MakeChannel takes it, if there is no
// TLS. INVALID_ARGUMENT: the errors of CheckTlsFiles and ValidateToken; there is neither a certificate nor a token; or
// there is a token file without TLS, because tokens must not travel in the clear. (A token in the environment is then
// not used.)
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> LoadClientCredentials(const ClientSecurity& security);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_CLIENT_CREDENTIALS_H_
