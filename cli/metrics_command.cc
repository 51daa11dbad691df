#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"

namespace understudy {
namespace {

struct MetricsOptions {
  ConnectionOptions connection;
  std::string experiment;
  int stage = 1;
  bool json = false;
};

using Row = std::map<std::string, double>;  // in one order, unlike the message's

Row RowOf(const v1::StageProgress& progress) { return {progress.metrics().begin(), progress.metrics().end()}; }

void PrintCsv(const v1::ListMetricsResponse& response, const Console& console) {
  std::set<std::string> names;
  for (const v1::StageProgress& progress : response.metrics()) {
    for (const auto& [name, value] : progress.metrics()) names.insert(name);
  }
  console.out << "iteration,steps";
  for (const std::string& name : names) console.out << ',' << name;
  console.out << '\n';
  for (const v1::StageProgress& progress : response.metrics()) {
    const Row row = RowOf(progress);
    console.out << progress.iteration() << ',' << progress.steps();
    for (const std::string& name : names) {
      const auto found = row.find(name);
      console.out << ',' << (found == row.end() ? "" : absl::StrCat(found->second));
    }
    console.out << '\n';
  }
}

absl::StatusOr<int> ListMetrics(const MetricsOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  v1::ListMetricsRequest request;
  request.set_id(options.experiment);
  request.set_stage(options.stage - 1);
  const auto response =
      (*connection)->Quick(&v1::Experiments::Stub::ListMetrics, (*connection)->experiments(), request);
  if (!response.ok()) return response.status();
  if (!options.json) {
    PrintCsv(*response, console);
    return 0;
  }
  auto rows = nlohmann::ordered_json::array();
  for (const v1::StageProgress& progress : response->metrics()) {
    rows.push_back({{"iteration", progress.iteration()}, {"steps", progress.steps()}, {"metrics", RowOf(progress)}});
  }
  PrintJson(rows, console);
  return 0;
}

}  // namespace

void AddMetricsCommand(CLI::App& experiments, Action& action) {
  const auto [command, options] = AddCommand<MetricsOptions>(
      experiments, action, "metrics", "Learning curves: what a training stage reported of every iteration, as CSV",
      "understudy experiments metrics cartpole-96e03f --stage 1 > curves.csv", ListMetrics);
  command->add_option("ID", options->experiment, "The experiment, as submit printed it")->required();
  command->add_option("--stage", options->stage, "Its place among the experiment's stages, from 1 on")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  AddCoordinatorOption(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
