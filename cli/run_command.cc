#include "cli/commands.h"
#include "cli/run.h"
#include "common/process/text.h"

namespace understudy {

void AddRunCommand(CLI::App& app, Action& action) {
  const auto [command, options] = AddCommand<RunOptions>(
      app, action, "run",
      "Run an experiment on this machine from start to end, with its own coordinator, learners and actors",
      "understudy run deploy/experiments/cartpole.yaml --actors 4 --data_dir demonstrations", RunExperiment);
  AddText(*command, "FILE", options->file, "The experiment file", {.required = true, .check = CheckPath});
  AddNumber(*command, "--actors", options->actors,
            "The number of actor processes. More of them collect faster, with the same result", 1, 1000);
  AddText(*command, "--data_dir", options->data_directory,
          "The directory that keeps policies and datasets; default: a new directory in understudy-data. A run that was "
          "interrupted or killed continues when it is run again in the same directory",
          {.type = "DIR", .check = CheckDirectoryName});
  AddText(*command, "--log_level", options->log_level, "What the processes log to standard error",
          {.one_of = {"debug", "info", "warning", "error"}});
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
