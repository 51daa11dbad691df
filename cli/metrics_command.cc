#include <functional>
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

// Calls `visit` with what was reported of each iteration, until it returns false.
absl::Status ReadMetrics(Connection& connection, const MetricsOptions& options,
                         const std::function<bool(const v1::StageProgress&)>& visit) {
  v1::ListMetricsRequest request;
  request.set_id(options.experiment);
  request.set_stage(options.stage - 1);
  return ReadList(connection, &v1::Experiments::Stub::ListMetrics, connection.experiments(), request,
                  &v1::ListMetricsResponse::mutable_metrics, visit);
}

// Reads everything twice, because the header names all columns and a curve of a million points does not belong in
// memory. What is reported meanwhile is left out.
absl::Status PrintCsv(Connection& connection, const MetricsOptions& options, const Console& console) {
  std::set<std::string> names;
  int64_t last = 0;
  absl::Status status = ReadMetrics(connection, options, [&](const v1::StageProgress& progress) {
    for (const auto& [name, value] : progress.metrics()) names.insert(name);
    last = progress.iteration();
    return true;
  });
  if (!status.ok()) return status;
  console.out << "iteration,steps";
  for (const std::string& name : names) console.out << ',' << name;
  console.out << '\n';
  return ReadMetrics(connection, options, [&](const v1::StageProgress& progress) {
    if (progress.iteration() > last) return false;
    console.out << progress.iteration() << ',' << progress.steps();
    for (const std::string& name : names) {
      const auto found = progress.metrics().find(name);
      console.out << ',' << (found == progress.metrics().end() ? "" : absl::StrCat(found->second));
    }
    console.out << '\n';
    return true;
  });
}

absl::Status PrintAsJson(Connection& connection, const MetricsOptions& options, const Console& console) {
  JsonList list(console);
  const absl::Status status = ReadMetrics(connection, options, [&](const v1::StageProgress& progress) {
    const std::map<std::string, double> by_name(progress.metrics().begin(), progress.metrics().end());
    list.Add({{"iteration", progress.iteration()}, {"steps", progress.steps()}, {"metrics", by_name}});
    return true;
  });
  if (status.ok()) list.End();
  return status;
}

absl::StatusOr<int> ListMetrics(const MetricsOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const absl::Status status =
      options.json ? PrintAsJson(**connection, options, console) : PrintCsv(**connection, options, console);
  if (!status.ok()) return status;
  return 0;
}

}  // namespace

void AddMetricsCommand(CLI::App& experiments, Action& action) {
  const auto [command, options] = AddCommand<MetricsOptions>(
      experiments, action, "metrics", "Print learning curves: what a training stage reported of each iteration, as CSV",
      "understudy experiments metrics cartpole-96e03f --stage 1 > curves.csv", ListMetrics);
  AddText(*command, "ID", options->experiment, "The experiment, as submit and list print it", {.required = true});
  AddNumber(*command, "--stage", options->stage, "The number of the stage in the experiment, counted from 1", 1, 100);
  AddSourceOptions(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
