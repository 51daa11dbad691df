#include "tests/common/security/certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace understudy::testing {
namespace {

void Execute(const std::string& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) throw std::runtime_error("failed: " + command);
}

std::string MakeDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "certificates.XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
  return path;
}

}  // namespace

Certificates::Certificates() : directory_(MakeDirectory()) {
  Execute(std::string(MAKE_CERTIFICATES) + " " + directory_);
}

Certificates::~Certificates() {
  std::error_code unused;
  std::filesystem::remove_all(directory_, unused);
}

void Certificates::Renew(const std::string& role) const {
  Execute(std::string(MAKE_CERTIFICATES) + " " + directory_ + " --role " + role);
}

void Certificates::Expire(const std::string& role) const {
  const std::string path = Of(role) + "/tls.crt";
  const auto free_file = [](std::FILE* file) { std::fclose(file); };
  const auto open = [&free_file](const std::string& name, const char* mode) {
    return std::unique_ptr<std::FILE, decltype(free_file)>(std::fopen(name.c_str(), mode), free_file);
  };
  X509* const certificate = PEM_read_X509(open(path, "r").get(), nullptr, nullptr, nullptr);
  EVP_PKEY* const authority = PEM_read_PrivateKey(open(Of("ca") + "/ca.key", "r").get(), nullptr, nullptr, nullptr);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), -3600);
  X509_sign(certificate, authority, EVP_sha256());
  PEM_write_X509(open(path, "w").get(), certificate);
  X509_free(certificate);
  EVP_PKEY_free(authority);
}

void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace understudy::testing
