#include "cli/progress_line.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "cli/number_format.h"
#include "cli/table.h"
#include "common/process/text.h"

namespace understudy {
namespace {

constexpr int kBarCells = 20;
// Which metric stands for the others: the first of these that there is.
constexpr std::pair<const char*, const char*> kHeadlines[] = {{"mean_return", "mean return"},
                                                              {"evaluation_mean_return", "mean return"},
                                                              {"validation_loss", "validation loss"},
                                                              {"train_loss", "loss"}};

std::string Bar(double share) {
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * kBarCells);
  return absl::StrCat("[", std::string(filled, '='), std::string(kBarCells - filled, ' '), "]");
}

std::string Headline(const v1::StageProgress& progress) {
  for (const auto& [name, label] : kHeadlines) {
    const auto found = progress.metrics().find(name);
    if (found != progress.metrics().end()) return absl::StrFormat("%s %.4g", label, found->second);
  }
  return "";
}

std::vector<std::string> Parts(const v1::StageState& stage, absl::Time now) {
  const v1::StageProgress& progress = stage.progress();
  const double elapsed = absl::ToDoubleSeconds(now - absl::FromUnixMillis(stage.started_unix_ms()));
  std::vector<std::string> parts = {stage.name()};
  if (!stage.waiting_for().empty()) parts.push_back(absl::StrCat("waiting for ", stage.waiting_for()));
  if (progress.total() <= 0) {
    if (parts.size() == 1) parts.push_back(stage.workers() == 0 ? "waiting for workers" : "starting");
    return parts;
  }
  const double share = static_cast<double>(progress.done()) / static_cast<double>(progress.total());
  parts.push_back(Bar(share));
  parts.push_back(absl::StrCat(CountText(progress.done()), "/", CountText(progress.total()), " ",
                               progress.total() == 1 ? absl::StripSuffix(progress.unit(), "s") : progress.unit()));
  if (elapsed > 0 && progress.steps() > 0) {
    parts.push_back(absl::StrCat(ShortText(static_cast<double>(progress.steps()) / elapsed), " steps/s"));
  }
  if (elapsed > 0 && share > 0 && stage.waiting_for().empty()) {
    const double left = elapsed * std::max(0.0, 1 / share - 1);
    parts.push_back(absl::StrCat(DurationText(absl::Seconds(left)), " left"));
  }
  if (std::string headline = Headline(progress); !headline.empty()) parts.push_back(std::move(headline));
  return parts;
}

}  // namespace

std::string ProgressLine(const v1::StageState& stage, absl::Time now, int columns) {
  std::string line;
  for (const std::string& part : Parts(stage, now)) {
    const std::string longer = line.empty() ? part : absl::StrCat(line, "  ", part);
    if (DisplayWidth(longer) > columns) break;
    line = longer;
  }
  return line;
}

}  // namespace understudy
