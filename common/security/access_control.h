// Decides, in a server, whether a caller may make a call.
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

// A caller has the roles of its certificate (URIs that begin with kRoleUriPrefix) and of its bearer token. Without a
// token file, only callers with a certificate of an authority in ca.crt get a connection. Thread-safe.
class AccessControl {
 public:
  // Reads and checks the files. Returns null, as ServerOptions takes it, if there is no TLS.
  // INVALID_ARGUMENT: the errors of CheckTlsFiles and TokenTable, naming the file; or there is no certificate.
  static absl::StatusOr<std::shared_ptr<AccessControl>> Load(const ServerSecurity& security);

  // Makes the credentials of a server, which then checks every call before a service sees it.
  static std::shared_ptr<grpc::ServerCredentials> MakeCredentials(std::shared_ptr<AccessControl> access);

  // Checks that the server's certificate is for the host name or IP address by which clients call it.
  // INVALID_ARGUMENT: it is not; see CheckCertificateHost of tls_files.h.
  absl::Status CheckCertificateHost(const std::string& host) const;

  // Checks that the caller has a role. For services in which the content of a call decides which role it needs.
  // PERMISSION_DENIED: it has not.
  absl::Status CheckRole(const grpc::ServerContextBase& context, PeerRole role);

 private:
  class Processor;
  explicit AccessControl(ServerSecurity security) : security_(std::move(security)) {}

  PeerRoles FindRoles(const grpc::AuthContext& context, std::string_view authorization);
  // Looks at the file once a second, and reads it again if it has changed. If that fails, the log says so once, and the
  // tokens stay as they are.
  PeerRoles FindTokenRoles(std::string_view token);
  absl::Status ReadTokens() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ServerSecurity security_;
  Mutex mutex_;
  TokenTable tokens_ ABSL_GUARDED_BY(mutex_);
  std::optional<std::string> tokens_seen_ ABSL_GUARDED_BY(mutex_);  // inode, size and time of the file as it was read
  absl::Time looked_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_ACCESS_CONTROL_H_
