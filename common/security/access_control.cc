#include "common/security/access_control.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/security/tls_files.h"

namespace understudy {
namespace {

constexpr absl::Duration kTokensInterval = absl::Seconds(1);
constexpr std::string_view kBearer = "Bearer ";
constexpr char kAuthorization[] = "authorization";

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

// Empty: it cannot be looked at.
std::string Identify(const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) return "";
  return absl::StrCat(file.st_ino, " ", file.st_size, " ", file.st_mtim.tv_sec, ".", file.st_mtim.tv_nsec);
}

}  // namespace

// Answers from memory, but for a file that is looked at once a second: hence not on a thread of its own.
class AccessControl::Processor final : public grpc::AuthMetadataProcessor {
 public:
  explicit Processor(std::shared_ptr<AccessControl> access) : access_(std::move(access)) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context, OutputMetadata*,
                       OutputMetadata*) override {
    const auto find = [&metadata](const char* key) {
      const auto found = metadata.find(key);
      return found == metadata.end() ? std::string_view() : View(found->second);
    };
    const absl::Status status = CheckMayCall(access_->FindRoles(*context, find(kAuthorization)), find(":path"));
    if (!status.ok()) spdlog::debug("refused a call: {}", std::string(status.message()));
    return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), std::string(status.message()));
  }

 private:
  const std::shared_ptr<AccessControl> access_;
};

absl::StatusOr<std::shared_ptr<AccessControl>> AccessControl::Load(const ServerSecurity& security) {
  if (security.tls_dir.empty()) return nullptr;
  const TlsFiles files(security.tls_dir);
  if (absl::Status valid = CheckTlsFiles(files, absl::Now()); !valid.ok()) return valid;
  if (!files.HasIdentity()) {
    return absl::InvalidArgumentError(
        absl::StrCat(security.tls_dir, ": found no tls.crt and tls.key there; a server needs them"));
  }
  std::shared_ptr<AccessControl> access(new AccessControl(security));
  if (!security.tokens.empty()) {
    MutexLock lock(access->mutex_);
    if (absl::Status status = access->ReadTokens(); !status.ok()) return status;
  }
  return access;
}

std::shared_ptr<grpc::ServerCredentials> AccessControl::MakeCredentials(std::shared_ptr<AccessControl> access) {
  grpc::experimental::TlsServerCredentialsOptions options(WatchTlsFiles(TlsFiles(access->security_.tls_dir)));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(access->security_.tokens.empty()
                                    ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                    : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = grpc::experimental::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<Processor>(std::move(access)));
  return credentials;
}

absl::Status AccessControl::CheckCertificateHost(const std::string& host) const {
  return understudy::CheckCertificateHost(TlsFiles(security_.tls_dir), host);
}

absl::Status AccessControl::CheckRole(const grpc::ServerContextBase& context, PeerRole role) {
  const auto found = context.client_metadata().find(kAuthorization);
  const PeerRoles roles =
      FindRoles(*context.auth_context(), found == context.client_metadata().end() ? "" : View(found->second));
  if (roles.Has(role)) return absl::OkStatus();
  const std::string_view name = PeerRoleName(role);
  return absl::PermissionDeniedError(absl::StrCat("this is for role ", absl::string_view(name.data(), name.size()),
                                                  "; the caller has ", roles.Text("and")));
}

PeerRoles AccessControl::FindRoles(const grpc::AuthContext& context, std::string_view authorization) {
  PeerRoles roles;
  if (authorization.substr(0, kBearer.size()) == kBearer) {
    roles = FindTokenRoles(authorization.substr(kBearer.size()));
  }
  for (const grpc::string_ref& uri : context.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
    if (View(uri).substr(0, kRoleUriPrefix.size()) != kRoleUriPrefix) continue;
    if (const auto role = ParsePeerRole(View(uri).substr(kRoleUriPrefix.size()))) roles.Add(*role);
  }
  return roles;
}

PeerRoles AccessControl::FindTokenRoles(std::string_view token) {
  if (security_.tokens.empty() || !ValidateToken(token).ok()) return {};
  MutexLock lock(mutex_);
  if (absl::Now() - looked_at_ >= kTokensInterval) {
    const absl::Status status = ReadTokens();
    if (!status.ok()) spdlog::error("tokens are as before: {}", std::string(status.message()));
  }
  return tokens_.Find(token);
}

absl::Status AccessControl::ReadTokens() {
  looked_at_ = absl::Now();
  const std::string file = Identify(security_.tokens);
  if (file == tokens_seen_) return absl::OkStatus();
  tokens_seen_ = file;
  const auto text = ReadSmallFile(security_.tokens);
  if (!text.ok()) return text.status();
  auto tokens = TokenTable::Parse(*text);
  if (!tokens.ok()) return absl::InvalidArgumentError(absl::StrCat(security_.tokens, ": ", tokens.status().message()));
  tokens_ = *std::move(tokens);
  return absl::OkStatus();
}

}  // namespace understudy
