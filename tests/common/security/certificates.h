// Certificates as users make them: by deploy/tls/make-certificates.
#ifndef UNDERSTUDY_TESTS_COMMON_SECURITY_CERTIFICATES_H_
#define UNDERSTUDY_TESTS_COMMON_SECURITY_CERTIFICATES_H_

#include <string>

namespace understudy::testing {

// A private authority, and a directory for each role, in a directory that goes with it.
class Certificates {
 public:
  Certificates();
  ~Certificates();

  // The --tls_dir of a role.
  std::string Of(const std::string& role) const { return directory_ + "/" + role; }
  // Another certificate for a role, from the same authority.
  void Renew(const std::string& role) const;
  // The role's certificate, but one whose time is over.
  void Expire(const std::string& role) const;

 private:
  std::string directory_;
};

void WriteFile(const std::string& path, const std::string& content);
std::string ReadFile(const std::string& path);

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COMMON_SECURITY_CERTIFICATES_H_
