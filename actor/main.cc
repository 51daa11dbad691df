// understudy-actor: rolls out policies in environments, for whoever its coordinator assigns it to.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "actor/actor.h"
#include "common/policy/blas.h"
#include "common/process/arguments.h"
#include "common/process/process.h"

int main(int argc, char** argv) {
  understudy::TerminationSignals signals;
  understudy::ActorOptions options;
  std::string log_level = "info";

  CLI::App app(
      "Rolls out policies in environments, for whatever experiment the coordinator assigns it to.\n"
      "Any number of actors may come and go at any time.",
      "understudy-actor");
  app.footer("Example:\n  understudy-actor --coordinator 10.0.0.5:50051");
  app.set_version_flag("--version", std::string(understudy::kVersion));
  app.add_option("--coordinator", options.coordinator, "Where the coordinator listens")
      ->envname("UNDERSTUDY_COORDINATOR")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--log_level", log_level, "How much to log")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  if (const auto exit_status = understudy::ParseArguments(app, argc, argv)) return *exit_status;

  understudy::InitLogging("understudy-actor", log_level);
  // Actors scale by number: one thread each leaves the cores to the others.
  understudy::SetComputeThreads(1);
  const auto actor = understudy::Actor::Start(options);
  if (!actor.ok()) {
    std::fprintf(stderr, "understudy-actor: %s\n", std::string(actor.status().message()).c_str());
    return 1;
  }
  signals.Wait();
  return 0;
}
