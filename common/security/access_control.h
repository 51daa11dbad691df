// Server side: who is calling, and whether they may.
#ifndef UNDERSTUDY_COMMON_SECURITY_ACCESS_CONTROL_H_
#define UNDERSTUDY_COMMON_SECURITY_ACCESS_CONTROL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "common/security/peer_role.h"
#include "common/security/token_table.h"

namespace understudy {

struct ServerSecurity {
  std::string tls_dir = {};  // TlsFiles, all three; empty: no TLS
  std::string tokens = {};   // TokenTable's file; empty: callers need a certificate
};

// A caller's roles are those of its certificate (URIs that begin with kRoleUriPrefix) and of its bearer token. Without
// a token file nobody gets a connection whose certificate is not of an authority in ca.crt. Thread-safe.
class AccessControl {
 public:
  // Without TLS: null, which is what ServerOptions takes for none. INVALID_ARGUMENT: CheckTlsFiles's and TokenTable's
  // errors, naming the file; no certificate.
  static absl::StatusOr<std::shared_ptr<AccessControl>> Load(const ServerSecurity& security);

  // For one server, which checks every call before any of its services sees it.
  static std::shared_ptr<grpc::ServerCredentials> MakeCredentials(std::shared_ptr<AccessControl> access);

  // Whether this server's certificate is for the host name or IP address by which clients call it. INVALID_ARGUMENT
  // names the file, and the host that it is not for.
  absl::Status CheckCertificateHost(const std::string& host) const;

  // For services where the role that is needed depends on what the call says. PERMISSION_DENIED.
  absl::Status CheckRole(const grpc::ServerContextBase& context, PeerRole role);

 private:
  class Processor;
  explicit AccessControl(ServerSecurity security) : security_(std::move(security)) {}

  PeerRoles FindRoles(const grpc::AuthContext& context, std::string_view authorization);
  // The file is looked at once a second, and read again where it has changed. One that cannot be read any more, or not
  // be understood, is logged once, and changes nothing.
  PeerRoles FindTokenRoles(std::string_view token);
  absl::Status ReadTokens() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ServerSecurity security_;
  Mutex mutex_;
  TokenTable tokens_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::string> tokens_seen_ ABSL_GUARDED_BY(mutex_);  // which file: inode, size and time
  absl::Time looked_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_ACCESS_CONTROL_H_
