#include "common/security/tls_files.h"

#include <arpa/inet.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace understudy {
namespace {

constexpr size_t kLargestFile = 1 << 20;
constexpr unsigned kRefreshSeconds = 1;

template <auto free>
struct Freeing {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, Freeing<BIO_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;

absl::Status FileError(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

Bio MakeBio(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

absl::StatusOr<Certificate> ReadCertificate(const std::string& path) {
  const auto text = ReadSmallFile(path);
  if (!text.ok()) return text.status();
  Certificate certificate(PEM_read_bio_X509(MakeBio(*text).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr) return FileError(path, "expected a certificate in PEM (-----BEGIN CERTIFICATE-----)");
  return certificate;
}

absl::StatusOr<Key> ReadKey(const std::string& path) {
  const auto text = ReadSmallFile(path);
  if (!text.ok()) return text.status();
  // Without a callback OpenSSL would ask for a password on the terminal.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  Key key(PEM_read_bio_PrivateKey(MakeBio(*text).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (key == nullptr) return FileError(path, "expected a private key in PEM, without a password");
  return key;
}

std::string TimeText(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown time";
  return absl::FormatTime(absl::RFC3339_sec, absl::FromTM(parts, absl::UTCTimeZone()), absl::UTCTimeZone());
}

// The host names and IP addresses that a certificate is for: "localhost, 127.0.0.1"; "no host".
std::string HostsText(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Freeing<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  ERR_clear_error();
  std::vector<std::string> hosts;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* const value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    const auto* const text = static_cast<const ASN1_STRING*>(value);
    char address[INET6_ADDRSTRLEN] = "";
    if (type == GEN_DNS) {
      hosts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<size_t>(ASN1_STRING_length(text)));
    } else if (type == GEN_IPADD && inet_ntop(ASN1_STRING_length(text) == 4 ? AF_INET : AF_INET6,
                                              ASN1_STRING_get0_data(text), address, sizeof(address)) != nullptr) {
      hosts.emplace_back(address);
    }
  }
  return hosts.empty() ? "no host" : absl::StrJoin(hosts, ", ");
}

}  // namespace

TlsFiles::TlsFiles(const std::string& directory)
    : authorities(absl::StrCat(directory, "/ca.crt")),
      certificate(absl::StrCat(directory, "/tls.crt")),
      key(absl::StrCat(directory, "/tls.key")) {}

bool TlsFiles::HasIdentity() const {
  std::error_code unused;
  return std::filesystem::exists(certificate, unused) || std::filesystem::exists(key, unused);
}

absl::Status CheckTlsFiles(const TlsFiles& files, absl::Time now) {
  const auto authority = ReadCertificate(files.authorities);
  if (!authority.ok()) return authority.status();
  if (!files.HasIdentity()) return absl::OkStatus();
  const auto certificate = ReadCertificate(files.certificate);
  if (!certificate.ok()) return certificate.status();
  const auto key = ReadKey(files.key);
  if (!key.ok()) return key.status();
  const bool fits = X509_check_private_key(certificate->get(), key->get()) == 1;
  ERR_clear_error();
  if (!fits) return FileError(files.key, absl::StrCat("is not the key of ", files.certificate));
  std::time_t moment = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notAfter(certificate->get()), &moment) < 0) {
    return FileError(files.certificate,
                     absl::StrCat("expired at ", TimeText(X509_get0_notAfter(certificate->get())), ": renew it"));
  }
  if (X509_cmp_time(X509_get0_notBefore(certificate->get()), &moment) > 0) {
    return FileError(files.certificate,
                     absl::StrCat("is valid from ", TimeText(X509_get0_notBefore(certificate->get())),
                                  " on: look at this machine's clock"));
  }
  return absl::OkStatus();
}

absl::Status CheckCertificateHost(const TlsFiles& files, const std::string& host) {
  const auto certificate = ReadCertificate(files.certificate);
  if (!certificate.ok()) return certificate.status();
  const bool fits = X509_check_ip_asc(certificate->get(), host.c_str(), 0) == 1 ||
                    X509_check_host(certificate->get(), host.data(), host.size(), 0, nullptr) == 1;
  ERR_clear_error();
  if (fits) return absl::OkStatus();
  return FileError(files.certificate, absl::StrCat("is not for ", host, ", but for ", HostsText(certificate->get())));
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchTlsFiles(const TlsFiles& files) {
  using Watcher = grpc::experimental::FileWatcherCertificateProvider;
  if (!files.HasIdentity()) return std::make_shared<Watcher>(files.authorities, kRefreshSeconds);
  return std::make_shared<Watcher>(files.key, files.certificate, files.authorities, kRefreshSeconds);
}

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const std::unique_ptr<std::FILE, Freeing<std::fclose>> file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) return FileError(path, std::strerror(errno));
  std::string text(kLargestFile + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return FileError(path, std::strerror(errno));
  if (text.size() > kLargestFile) return FileError(path, absl::StrCat("larger than ", kLargestFile, " bytes"));
  return text;
}

}  // namespace understudy
