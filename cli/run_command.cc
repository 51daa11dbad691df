#include "cli/commands.h"
#include "cli/run.h"
#include "common/process/text.h"

namespace understudy {

void AddRunCommand(CLI::App& app, Action& action) {
  const auto [command, options] = AddCommand<RunOptions>(
      app, action, "run", "Run an experiment on this machine: coordinator, learners and actors, from start to end",
      "understudy run deploy/experiments/cartpole.yaml --actors 4 --data_dir demonstrations", RunExperiment);
  AddText(*command, "FILE", options->file, "The experiment file", {.required = true, .check = CheckPath});
  AddNumber(*command, "--actors", options->actors,
            "Number of actor processes: more of them collect faster, with the same result", 1, 1000);
  AddText(*command, "--data_dir", options->data_directory,
          "Where policies and datasets are kept; default: a new directory below understudy-data. A run that was "
          "interrupted or killed goes on where it was, when it is run again in the same directory",
          {.type = "DIR", .check = CheckDirectoryName});
  AddText(*command, "--log_level", options->log_level, "What the processes log to standard error",
          {.one_of = {"debug", "info", "warning", "error"}});
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
