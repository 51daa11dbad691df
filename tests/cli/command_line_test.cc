#include "cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/cli/command_result.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(CommandLine, HasAnExampleInTheHelpOfEveryCommand) {
  const std::vector<std::vector<std::string>> commands = {
      {"run"},
      {"experiments", "submit"},
      {"experiments", "list"},
      {"experiments", "show"},
      {"experiments", "watch"},
      {"experiments", "cancel"},
      {"experiments", "keys"},
      {"workers", "list"},
      {"datasets", "list"},
      {"datasets", "show"},
      {"datasets", "digest"},
      {"datasets", "verify"},
      {"datasets", "export"},
      {"datasets", "delete"},
      {"policies", "list"},
      {"policies", "show"},
  };
  for (std::vector<std::string> command : commands) {
    const std::string name = command.back();
    command.push_back("--help");
    const CommandResult result = RunCommand(command);
    EXPECT_EQ(result.exit_status, 0) << name;
    EXPECT_THAT(result.out, HasSubstr("Example:\n  understudy " + command.front())) << name;
    EXPECT_EQ(result.err, "") << name;
  }
}

TEST(CommandLine, HasAnExampleOfItsOwnInTheHelpOfEveryGroup) {
  for (const std::string group : {"experiments", "workers", "datasets", "policies", "store"}) {
    const CommandResult result = RunCommand({group, "--help"});
    EXPECT_EQ(result.exit_status, 0) << group;
    EXPECT_THAT(result.out, HasSubstr("Example:\n  understudy " + group + " "));
    EXPECT_EQ(result.out.find("understudy run"), std::string::npos) << result.out;
  }
}

TEST(CommandLine, RefusesATildeThatTheShellHasLeft) {
  const std::vector<std::vector<std::string>> commands = {
      {"run", "file", "--data_dir=~/x"},
      {"run", "~/file"},
      {"experiments", "submit", "~/file"},
      {"datasets", "list", "--data_dir=~/x"},
      {"datasets", "list", "--tls_dir=~/x"},
      {"datasets", "list", "--tls_dir=x", "--token_file=~/x"},
      {"datasets", "export", "x", "--format", "jsonl", "--output=~/x"},
      {"store", "migrate", "--from", "sqlite:~/x", "--to", "sqlite:y"},
      {"store", "migrate", "--from", "sqlite:y", "--to", "sqlite:~/x"},
      {"health", "--tls_dir=~/x"},
  };
  for (const std::vector<std::string>& command : commands) {
    const CommandResult result = RunCommand(command);
    EXPECT_EQ(result.exit_status, 2) << result.err;
    EXPECT_THAT(result.err, HasSubstr("whose ~ the shell has not replaced"));
  }
}

TEST(CommandLine, PrintsItsVersion) {
  const CommandResult result = RunCommand({"--version"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(result.out, "0.1.0\n");
}

struct Wrong {
  std::vector<std::string> arguments;
  std::string named;  // what the message must name
  std::string help;
};

TEST(CommandLine, SaysInOneLineWhatIsWrongWithIt) {
  const std::vector<Wrong> wrong = {
      {{}, "subcommand", "understudy --help"},
      {{"dance"}, "dance", "understudy --help"},
      {{"datasets"}, "subcommand", "understudy datasets --help"},
      {{"datasets", "show"}, "NAME", "understudy datasets show --help"},
      {{"datasets", "list", "--colour"}, "--colour", "understudy datasets list --help"},
      {{"datasets", "list", "--coordinator", "a:1", "--data_dir", "d"}, "--coordinator", "datasets list --help"},
      {{"datasets", "list", "--data_dir", ""}, "--data_dir", "understudy datasets list --help"},
      {{"datasets", "export", "x", "--format", "csv", "--output", "f"}, "csv", "understudy datasets export --help"},
      {{"run", "file", "--actors", "0"}, "--actors", "understudy run --help"},
      {{"run", "file", "--actors", "many"}, "many", "understudy run --help"},
      {{"run", "file", "--log_level", "loud"}, "loud", "understudy run --help"},
  };
  for (const Wrong& command : wrong) {
    const CommandResult result = RunCommand(command.arguments);
    EXPECT_EQ(result.exit_status, 2) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, StartsWith("understudy: "));
    EXPECT_THAT(result.err, HasSubstr(command.named));
    EXPECT_THAT(result.err, HasSubstr(command.help));
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << result.err;
  }
}

TEST(CommandLine, FailsWhereItsOutputCannotBeWritten) {
  std::ostringstream out, err;
  out.setstate(std::ios::badbit);
  errno = 0;
  EXPECT_EQ(RunCommandLine({"experiments", "keys"}, {.out = out, .err = err}), 1);
  EXPECT_EQ(err.str(), "understudy: cannot write to standard output: the stream is broken\n");
}

TEST(ExperimentsKeys, ExplainsExperimentFiles) {
  const CommandResult result = RunCommand({"experiments", "keys"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.out, HasSubstr("learning_rate"));
}

}  // namespace
}  // namespace understudy
