// A directory with what TLS needs, under the names of Kubernetes' TLS secrets: ca.crt, the authorities whose
// certificates are believed; tls.crt, a certificate (and those between it and its authority); tls.key, its private key.
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
  // There is a certificate or a key: a client that has a token needs neither.
  bool HasIdentity() const;
};

// Reads and parses them as they are now. INVALID_ARGUMENT: a file is missing, cannot be read, is larger than 1 MiB, is
// not PEM of that kind; the key is not the certificate's; the certificate is not valid at `now`, naming since or until
// when.
absl::Status CheckTlsFiles(const TlsFiles& files, absl::Time now);

// Whether the certificate, read as it is now, is for this host name or IP address: clients that call the server by it
// accept no other. INVALID_ARGUMENT names the file, the host, and the names and addresses that the certificate is for;
// or it cannot be read, as above.
absl::Status CheckCertificateHost(const TlsFiles& files, const std::string& host);

// Reads the files again every second, so that whoever renews them restarts nobody: connections that are made afterwards
// use them. Files that do not fit together, as when only one is replaced yet, are passed over.
std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchTlsFiles(const TlsFiles& files);

// A small text file: at most 1 MiB. INVALID_ARGUMENT names it and what is wrong.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_TLS_FILES_H_
