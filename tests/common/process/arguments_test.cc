#include "common/process/arguments.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace understudy {
namespace {

struct Parsed {
  std::string data_dir = "here";
  bool insecure = false;
  int actors = 1;
  std::string one;
  std::string other;
};

Parsed Parse(std::vector<std::string> arguments) {
  Parsed parsed;
  CLI::App app("", "program");
  app.add_option("--data_dir", parsed.data_dir);
  app.add_flag("--insecure", parsed.insecure);
  app.add_subcommand("run")->add_option("--actors", parsed.actors);
  CLI::Option* one = app.add_option("--one", parsed.one);
  app.add_option("--other", parsed.other)->excludes(one);
  std::vector<char*> pointers = {const_cast<char*>("program")};
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  EXPECT_EQ(ParseArguments(app, static_cast<int>(pointers.size()), pointers.data()), std::nullopt);
  return parsed;
}

TEST(EnvironmentValue, ThatItsOptionDoesNotTakeIsRefused) {
  for (const char* value : {"0", "many"}) {
    setenv("UNDERSTUDY_THREADS", value, 1);
    int threads = 1;
    CLI::App app("", "program");
    app.add_option("--threads", threads)->check(CLI::Range(1, 8));
    char* const program = const_cast<char*>("program");
    char* arguments[] = {program};
    EXPECT_EQ(ParseArguments(app, 1, arguments), 2) << value;
    unsetenv("UNDERSTUDY_THREADS");
  }
}

class Environment : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("UNDERSTUDY_DATA_DIR", "there", 1);
    setenv("UNDERSTUDY_INSECURE", "true", 1);
    setenv("UNDERSTUDY_ACTORS", "8", 1);
    setenv("UNDERSTUDY_ONE", "1", 1);
  }
  void TearDown() override {
    for (const char* name : {"DATA_DIR", "INSECURE", "ACTORS", "ONE"})
      unsetenv((std::string("UNDERSTUDY_") + name).c_str());
  }
};

TEST_F(Environment, GivesOptionsFlagsAndThoseOfCommands) {
  const Parsed parsed = Parse({"run"});
  EXPECT_EQ(parsed.data_dir, "there");
  EXPECT_TRUE(parsed.insecure);
  EXPECT_EQ(parsed.actors, 8);
}

TEST_F(Environment, GivesWayToTheCommandLine) {
  const Parsed parsed = Parse({"--data_dir", "elsewhere", "--insecure=false", "run", "--actors", "2"});
  EXPECT_EQ(parsed.data_dir, "elsewhere");
  EXPECT_FALSE(parsed.insecure);
  EXPECT_EQ(parsed.actors, 2);
}

TEST_F(Environment, ForbidsNoOption) { EXPECT_EQ(Parse({"--other", "2"}).other, "2"); }

TEST_F(Environment, CountsForNothingWhereItIsEmpty) {
  setenv("UNDERSTUDY_DATA_DIR", "", 1);
  EXPECT_EQ(Parse({}).data_dir, "here");
}

}  // namespace
}  // namespace understudy
