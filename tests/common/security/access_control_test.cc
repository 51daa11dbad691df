#include "common/security/access_control.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"
#include "common/security/client_credentials.h"
#include "common/security/tls_files.h"
#include "tests/common/security/certificates.h"
#include "tests/testing/fake_workers_service.h"
#include "tests/testing/log_capture.h"

namespace understudy {
namespace {

using ::understudy::testing::Certificates;
using ::understudy::testing::FakeWorkersService;
using ::understudy::testing::LogCapture;
using ::understudy::testing::WriteFile;

constexpr char kToken[] = "a-token-of-a-client";

// A server with TLS whose Workers.List nobody implements: a call that gets so far was let in.
class SecureServer {
 public:
  explicit SecureServer(const std::string& tls_dir, const std::string& tokens = "") {
    auto access = AccessControl::Load({.tls_dir = tls_dir, .tokens = tokens}).value();
    server_ = RpcServer::Start({.listen = "127.0.0.1:0", .access = std::move(access)}, {&service_}).value();
  }
  const std::string& address() const { return server_->address(); }

 private:
  FakeWorkersService service_;
  std::unique_ptr<RpcServer> server_;
};

absl::Status CallList(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  const auto stub = v1::Workers::NewStub(MakeOwnChannel(address, credentials));
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(10));
  v1::ListWorkersResponse response;
  return FromGrpc(stub->List(&context, {}, &response));
}

absl::Status CallList(const SecureServer& server, const ClientSecurity& security) {
  return CallList(server.address(), LoadClientCredentials(security).value());
}

TEST(AccessControl, LetsInByTheRoleOfTheCertificate) {
  const Certificates certificates;
  const SecureServer server(certificates.Of("coordinator"));
  EXPECT_TRUE(absl::IsUnimplemented(CallList(server, {.tls_dir = certificates.Of("client")})));
  EXPECT_TRUE(absl::IsUnimplemented(CallList(server, {.tls_dir = certificates.Of("admin")})));
  EXPECT_EQ(
      CallList(server, {.tls_dir = certificates.Of("actor")}),
      absl::PermissionDeniedError("/understudy.v1.Workers/List is for role client or admin; the caller has actor"));
}

TEST(AccessControl, GivesStrangersNoConnection) {
  const Certificates certificates;
  const Certificates strangers;
  const SecureServer server(certificates.Of("coordinator"));
  EXPECT_TRUE(absl::IsUnavailable(CallList(server.address(), nullptr)));
  // A certificate of another authority, by somebody who knows ours.
  const std::string stranger = strangers.Of("admin");
  std::filesystem::copy_file(TlsFiles(certificates.Of("admin")).authorities, TlsFiles(stranger).authorities,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(absl::IsUnavailable(CallList(server, {.tls_dir = stranger})));
  // And no server of theirs is believed by our clients.
  const SecureServer theirs(strangers.Of("coordinator"));
  EXPECT_TRUE(absl::IsUnavailable(CallList(theirs, {.tls_dir = certificates.Of("client")})));
}

TEST(AccessControl, GivesAnExpiredCertificateNoConnection) {
  const Certificates certificates;
  const SecureServer server(certificates.Of("coordinator"));
  const auto valid = LoadClientCredentials({.tls_dir = certificates.Of("client")}).value();
  EXPECT_TRUE(absl::IsUnimplemented(CallList(server.address(), valid)));
  certificates.Expire("client");
  EXPECT_TRUE(absl::IsInvalidArgument(LoadClientCredentials({.tls_dir = certificates.Of("client")}).status()));
  // One who looks at no dates still shows it.
  grpc::SslCredentialsOptions careless;
  careless.pem_root_certs = testing::ReadFile(TlsFiles(certificates.Of("client")).authorities);
  careless.pem_cert_chain = testing::ReadFile(TlsFiles(certificates.Of("client")).certificate);
  careless.pem_private_key = testing::ReadFile(TlsFiles(certificates.Of("client")).key);
  EXPECT_TRUE(absl::IsUnavailable(CallList(server.address(), grpc::SslCredentials(careless))));
}

TEST(AccessControl, AWorkersCertificateIsNoServers) {
  const Certificates certificates;
  const SecureServer server(certificates.Of("actor"));
  EXPECT_TRUE(absl::IsUnavailable(CallList(server, {.tls_dir = certificates.Of("client")})));
}

// Why a call does not get through, as people read it: "ADDRESS: …".
std::string WhyNot(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  const absl::Status status = ExplainConnecting(CallList(address, credentials), credentials != nullptr);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(status.message().find(address + ": "), 0u) << status;
  return std::string(status.message().substr(std::min(status.message().size(), address.size() + 2)));
}

TEST(AccessControl, RefusesConnectionsForReasonsThatCanBeTold) {
  const Certificates certificates;
  const Certificates strangers;
  const auto ours = LoadClientCredentials({.tls_dir = certificates.Of("client")}).value();
  const SecureServer server(certificates.Of("coordinator"));
  EXPECT_EQ(WhyNot(server.address(), nullptr),
            "it ends the connection at once, as one that wants TLS: give --tls_dir DIR");

  FakeWorkersService service;
  const auto plain = RpcServer::Start({}, {&service}).value();
  EXPECT_EQ(WhyNot(plain->address(), ours),
            "it does not speak TLS; start it with --tls_dir DIR, or leave --tls_dir out here");

  const auto believing_others = LoadClientCredentials({.tls_dir = strangers.Of("client")}).value();
  EXPECT_EQ(WhyNot(server.address(), believing_others).find("its certificate is not believed: "), 0u);
  std::filesystem::copy_file(TlsFiles(certificates.Of("client")).authorities,
                             TlsFiles(strangers.Of("client")).authorities,
                             std::filesystem::copy_options::overwrite_existing);
  const auto strange = LoadClientCredentials({.tls_dir = strangers.Of("client")}).value();
  EXPECT_EQ(WhyNot(server.address(), strange).find("it ends the connection at once, as one that does not believe"), 0u);

  auto access = AccessControl::Load({.tls_dir = certificates.Of("coordinator")}).value();
  const auto elsewhere = RpcServer::Start({.listen = "127.0.0.2:0", .access = std::move(access)}, {&service}).value();
  EXPECT_EQ(WhyNot(elsewhere->address(), ours).find("its certificate is not for this host name or address"), 0u);
  certificates.Expire("coordinator");
  EXPECT_TRUE(absl::IsInvalidArgument(AccessControl::Load({.tls_dir = certificates.Of("coordinator")}).status()));
}

TEST(AccessControl, LetsInByToken) {
  const Certificates certificates;
  const std::string tokens = certificates.Of("coordinator") + "/tokens";
  WriteFile(tokens, std::string("client ") + kToken + "\nactor another-token-of-16\n");
  const SecureServer server(certificates.Of("coordinator"), tokens);
  // The directory of a client that knows the authority alone.
  const std::string bare = certificates.Of("client");
  std::filesystem::remove(TlsFiles(bare).certificate);
  std::filesystem::remove(TlsFiles(bare).key);
  const std::string token_file = bare + "/token";

  WriteFile(token_file, std::string(kToken) + "\n");
  EXPECT_TRUE(absl::IsUnimplemented(CallList(server, {.tls_dir = bare, .token_file = token_file})));
  WriteFile(token_file, "another-token-of-16");
  EXPECT_TRUE(absl::IsPermissionDenied(CallList(server, {.tls_dir = bare, .token_file = token_file})));
  WriteFile(token_file, "nobody-knows-this-one");
  EXPECT_TRUE(absl::IsUnauthenticated(CallList(server, {.tls_dir = bare, .token_file = token_file})));
  // Certificates go on to count.
  EXPECT_TRUE(absl::IsUnimplemented(CallList(server, {.tls_dir = certificates.Of("admin")})));
}

TEST(AccessControl, TakesTokensAsTheyAreInTheFileNow) {
  const Certificates certificates;
  const std::string tokens = certificates.Of("coordinator") + "/tokens";
  WriteFile(tokens, "");
  const SecureServer server(certificates.Of("coordinator"), tokens);
  const std::string token_file = certificates.Of("actor") + "/token";
  WriteFile(token_file, kToken);
  const ClientSecurity security{.tls_dir = certificates.Of("actor"), .token_file = token_file};
  EXPECT_TRUE(absl::IsPermissionDenied(CallList(server, security)));
  WriteFile(tokens, std::string("client ") + kToken);
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  absl::Status status;
  do status = CallList(server, security);
  while (!absl::IsUnimplemented(status) && absl::Now() < deadline);
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  // What cannot be understood changes nothing, and is said once.
  LogCapture log;
  WriteFile(tokens, "rubbish");
  const auto said = [&log] { return log.text().find("tokens are as before: ") != std::string::npos; };
  const absl::Time until = absl::Now() + absl::Seconds(10);
  while (!said() && absl::Now() < until) ASSERT_TRUE(absl::IsUnimplemented(CallList(server, security)));
  EXPECT_TRUE(said());
  EXPECT_TRUE(absl::IsUnimplemented(CallList(server, security)));
}

TEST(AccessControl, ServesARenewedCertificateWithoutARestart) {
  const Certificates certificates;
  const SecureServer server(certificates.Of("coordinator"));
  const auto credentials = LoadClientCredentials({.tls_dir = certificates.Of("client")}).value();
  ASSERT_TRUE(absl::IsUnimplemented(CallList(server.address(), credentials)));
  // Both sides go over to another authority, under the eyes of what is running.
  const Certificates others;
  for (const char* role : {"coordinator", "client"}) {
    for (const char* file : {"/ca.crt", "/tls.crt", "/tls.key"}) {
      std::filesystem::copy_file(others.Of(role) + file, certificates.Of(role) + file,
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  const auto theirs = LoadClientCredentials({.tls_dir = others.Of("client")}).value();
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!(absl::IsUnimplemented(CallList(server.address(), theirs)) &&
           absl::IsUnimplemented(CallList(server.address(), credentials)))) {
    ASSERT_LT(absl::Now(), deadline);
  }
}

TEST(AccessControl, IsNotLoadedFromFilesThatAreWrong) {
  const Certificates certificates;
  const std::string directory = certificates.Of("coordinator");
  EXPECT_EQ(AccessControl::Load({}).value(), nullptr);
  EXPECT_EQ(AccessControl::Load({.tls_dir = directory, .tokens = "/nowhere"}).status(),
            absl::InvalidArgumentError("/nowhere: No such file or directory"));
  WriteFile(directory + "/tokens", "actor\n");
  EXPECT_EQ(AccessControl::Load({.tls_dir = directory, .tokens = directory + "/tokens"}).status(),
            absl::InvalidArgumentError(directory + "/tokens: line 1: expected ROLE TOKEN, found 1 words"));
  certificates.Expire("coordinator");
  EXPECT_TRUE(absl::IsInvalidArgument(AccessControl::Load({.tls_dir = directory}).status()));
  std::filesystem::remove(TlsFiles(directory).certificate);
  std::filesystem::remove(TlsFiles(directory).key);
  EXPECT_EQ(AccessControl::Load({.tls_dir = directory}).status(),
            absl::InvalidArgumentError(directory + ": found no tls.crt and tls.key there; a server needs them"));
}

TEST(ClientCredentials, NeverSendATokenInTheClear) {
  const Certificates certificates;
  EXPECT_EQ(LoadClientCredentials({}).value(), nullptr);
  EXPECT_TRUE(absl::IsInvalidArgument(LoadClientCredentials({.token_file = "/nowhere"}).status()));
  setenv("UNDERSTUDY_TOKEN", "short", 1);
  EXPECT_EQ(LoadClientCredentials({}).value(), nullptr);
  EXPECT_EQ(LoadClientCredentials({.tls_dir = certificates.Of("client")}).status(),
            absl::InvalidArgumentError("$UNDERSTUDY_TOKEN: a token of 5 characters, expected 16 to 4096 "
                                       "(openssl rand -hex 32 makes one)"));
  unsetenv("UNDERSTUDY_TOKEN");
}

}  // namespace
}  // namespace understudy
