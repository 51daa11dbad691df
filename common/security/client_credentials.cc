#include "common/security/client_credentials.h"

#include <grpcpp/security/tls_credentials_options.h>

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/security/tls_files.h"
#include "common/security/token_table.h"

namespace understudy {
namespace {

constexpr char kTokenVariable[] = "UNDERSTUDY_TOKEN";

// Empty: there is none.
absl::StatusOr<std::string> LoadToken(const std::string& path) {
  const char* variable = std::getenv(kTokenVariable);
  std::string token = variable == nullptr ? "" : variable;
  const std::string source = path.empty() ? absl::StrCat("$", kTokenVariable) : path;
  if (!path.empty()) {
    const auto text = ReadSmallFile(path);
    if (!text.ok()) return text.status();
    token = std::string(absl::StripAsciiWhitespace(*text));
  } else if (token.empty()) {
    return token;
  }
  if (const absl::Status valid = ValidateToken(token); !valid.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(source, ": ", valid.message()));
  }
  return token;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> LoadClientCredentials(const ClientSecurity& security) {
  if (security.tls_dir.empty()) {
    if (security.token_file.empty()) return nullptr;
    return absl::InvalidArgumentError("--token_file: tokens travel over TLS only; name its files with --tls_dir DIR");
  }
  const auto token = LoadToken(security.token_file);
  if (!token.ok()) return token.status();
  const TlsFiles files(security.tls_dir);
  if (absl::Status valid = CheckTlsFiles(files, absl::Now()); !valid.ok()) return valid;
  if (!files.HasIdentity() && token->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(security.tls_dir,
                     ": found no tls.crt and tls.key there, and no token; expected one of them (--token_file, or $",
                     kTokenVariable, ")"));
  }
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(WatchTlsFiles(files));
  options.watch_root_certs();
  if (files.HasIdentity()) options.watch_identity_key_cert_pairs();
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::experimental::TlsCredentials(options);
  if (token->empty()) return credentials;
  return grpc::CompositeChannelCredentials(credentials, grpc::AccessTokenCredentials(*token));
}

}  // namespace understudy
