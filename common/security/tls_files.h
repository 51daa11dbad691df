// The directory of files that TLS needs. They have the names that they have in Kubernetes' TLS secrets: ca.crt has the
// authorities whose certificates are believed; tls.crt has a certificate, and those between it and its authority;
// tls.key has its private key.
#ifndef UNDERSTUDY_COMMON_SECURITY_TLS_FILES_H_
#define UNDERSTUDY_COMMON_SECURITY_TLS_FILES_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grpc::experimental {
class CertificateProviderInterface;
}

namespace understudy {

struct TlsFiles {
  explicit TlsFiles(const std::string& directory);
  std::string authorities;  // ca.crt
  std::string certificate;  // tls.crt
  std::string key;          // tls.key
  // Returns whether there is a certificate or a key. A client that has a token needs neither.
  bool HasIdentity() const;
};

// Reads and checks the files as they are now.
// INVALID_ARGUMENT: a file is missing, cannot be read, is larger than 1 MiB, or is not PEM of that kind; the key is not
// that of the certificate; the certificate is not valid at `now`. The message names the file, and the time if that is
// why.
absl::Status CheckTlsFiles(const TlsFiles& files, absl::Time now);

// Reads the certificate, and checks that it is for a host name or IP address. Clients that call a server by this name
// or address accept no other certificate. INVALID_ARGUMENT: it cannot be read, or is not for that host. The message
// names the hosts that it is for.
absl::Status CheckCertificateHost(const TlsFiles& files, const std::string& host);

// Makes a provider for gRPC that reads the files again every second. New connections use renewed files, so no process
// needs to be restarted. Files that do not fit together, because only one is replaced yet, are not used.
std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchTlsFiles(const TlsFiles& files);

// Reads a text file of at most 1 MiB.
// INVALID_ARGUMENT: it is larger, or cannot be read. The message names it.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_TLS_FILES_H_
