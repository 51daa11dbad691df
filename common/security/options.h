// Command-line options for TLS and tokens, which all programs have alike. For main functions.
#ifndef UNDERSTUDY_COMMON_SECURITY_OPTIONS_H_
#define UNDERSTUDY_COMMON_SECURITY_OPTIONS_H_

#include <CLI/CLI.hpp>

#include "common/process/text.h"
#include "common/security/access_control.h"
#include "common/security/client_credentials.h"

namespace understudy {

inline CLI::Option* AddTlsDirOption(CLI::App& app, std::string& directory) {
  return app
      .add_option("--tls_dir", directory,
                  "The directory with ca.crt, tls.crt and tls.key, for TLS. They are read again when they change")
      ->type_name("DIR")
      ->check(CheckPath)
      ->envname("UNDERSTUDY_TLS_DIR");
}

// Adds the options of a program that calls servers.
inline void AddClientSecurityOptions(CLI::App& app, ClientSecurity& security) {
  CLI::Option* const tls = AddTlsDirOption(app, security.tls_dir);
  app.add_option(
         "--token_file", security.token_file,
         "A file with the bearer token to show instead of a certificate; default: the token in $UNDERSTUDY_TOKEN")
      ->type_name("FILE")
      ->check(CheckPath)
      ->envname("UNDERSTUDY_TOKEN_FILE")
      ->needs(tls);
}

// Adds the options of a program that is a server. --tls_dir must have been added before.
inline void AddServerSecurityOptions(CLI::App& app, ServerSecurity& security, bool& insecure) {
  CLI::Option* const tls = app.get_option("--tls_dir");
  app.add_option("--tokens", security.tokens,
                 "A file with the bearer tokens that callers may show, in lines ROLE TOKEN")
      ->type_name("FILE")
      ->check(CheckPath)
      ->envname("UNDERSTUDY_TOKENS")
      ->needs(tls);
  app.add_flag("--insecure", insecure,
               "Listen beyond loopback without TLS. Nothing is encrypted and nobody is authenticated then")
      ->envname("UNDERSTUDY_INSECURE")
      ->excludes(tls);
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_OPTIONS_H_
