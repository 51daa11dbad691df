#include "common/security/tls_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/time/clock.h"
#include "tests/common/security/certificates.h"

namespace understudy {
namespace {

using ::understudy::testing::Certificates;
using ::understudy::testing::ReadFile;
using ::understudy::testing::WriteFile;

std::string ErrorOf(const std::string& directory, absl::Time now = absl::Now()) {
  const absl::Status status = CheckTlsFiles(TlsFiles(directory), now);
  EXPECT_TRUE(status.ok() || absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(TlsFiles, AreInOrderAsMakeCertificatesMakesThem) {
  const Certificates certificates;
  for (const char* role : {"coordinator", "learner", "actor", "client", "admin"}) {
    EXPECT_EQ(ErrorOf(certificates.Of(role)), "") << role;
    EXPECT_TRUE(TlsFiles(certificates.Of(role)).HasIdentity());
  }
}

TEST(TlsFiles, NeedNoCertificateWhereTheyOnlySayWhomToBelieve) {
  const Certificates certificates;
  const TlsFiles files(certificates.Of("client"));
  std::filesystem::remove(files.certificate);
  EXPECT_EQ(ErrorOf(certificates.Of("client")), files.certificate + ": No such file or directory");
  std::filesystem::remove(files.key);
  EXPECT_EQ(ErrorOf(certificates.Of("client")), "");
  EXPECT_FALSE(files.HasIdentity());
}

TEST(TlsFiles, AreRefusedWithTheFileAndWhatIsWrong) {
  const Certificates certificates;
  const TlsFiles actor(certificates.Of("actor"));
  EXPECT_EQ(ErrorOf("/nowhere"), "/nowhere/ca.crt: No such file or directory");

  std::filesystem::copy_file(TlsFiles(certificates.Of("admin")).key, actor.key,
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(ErrorOf(certificates.Of("actor")), actor.key + ": is not the key of " + actor.certificate);

  WriteFile(actor.key, ReadFile(actor.certificate));
  EXPECT_EQ(ErrorOf(certificates.Of("actor")), actor.key + ": expected a private key in PEM, without a password");

  WriteFile(actor.certificate, "rubbish");
  EXPECT_EQ(ErrorOf(certificates.Of("actor")),
            actor.certificate + ": expected a certificate in PEM (-----BEGIN CERTIFICATE-----)");

  WriteFile(actor.authorities, std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(ErrorOf(certificates.Of("actor")), actor.authorities + ": larger than 1048576 bytes");
}

TEST(TlsFiles, AreRefusedOutsideTheTimeOfTheCertificate) {
  const Certificates certificates;
  const std::string path = TlsFiles(certificates.Of("actor")).certificate;
  const absl::Time now = absl::Now();
  EXPECT_EQ(ErrorOf(certificates.Of("actor"), now + absl::Hours(24 * 89)), "");
  EXPECT_EQ(ErrorOf(certificates.Of("actor"), now + absl::Hours(24 * 91)).find(path + ": expired at 20"), 0u);
  EXPECT_EQ(ErrorOf(certificates.Of("actor"), now - absl::Hours(1)).find(path + ": is valid from 20"), 0u);
  certificates.Expire("actor");
  EXPECT_EQ(ErrorOf(certificates.Of("actor")).find(path + ": expired at 20"), 0u);
}

TEST(TlsFiles, SayWhichHostsTheyAreFor) {
  const Certificates certificates;
  const TlsFiles learner(certificates.Of("learner"));
  for (const char* host : {"localhost", "127.0.0.1", "::1"})
    EXPECT_TRUE(CheckCertificateHost(learner, host).ok()) << host;
  for (const char* host : {"10.0.0.2", "elsewhere", "::2"}) {
    const absl::Status status = CheckCertificateHost(learner, host);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << host;
    EXPECT_EQ(status.message().find(learner.certificate + ": is not for " + host + ", but for localhost, "), 0u)
        << status;
    EXPECT_NE(status.message().find("127.0.0.1"), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace understudy
