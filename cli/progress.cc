#include "cli/progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "cli/experiment_report.h"
#include "cli/table.h"
#include "common/process/text.h"

namespace understudy {
namespace {

constexpr absl::Duration kRedrawInterval = absl::Milliseconds(100);
constexpr std::string_view kEraseLine = "\r\033[K";

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

std::string StartText(const v1::StageState& stage) {
  const std::string algorithm = stage.algorithm().empty() ? "" : absl::StrCat(" (", stage.algorithm(), ")");
  return absl::StrCat(stage.name(), ": ", stage.kind(), algorithm, " started");
}

std::string EndText(const v1::StageState& stage) {
  std::string text = absl::StrCat(stage.name(), ": ", StatusName(stage.status()));
  if (stage.started_unix_ms() > 0 && stage.finished_unix_ms() > 0) {
    const auto took = absl::Milliseconds(stage.finished_unix_ms() - stage.started_unix_ms());
    absl::StrAppend(&text, " in ", DurationText(took));
  }
  if (const std::string outcome = StageOutcome(stage); !outcome.empty()) absl::StrAppend(&text, ": ", outcome);
  return text;
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

void ProgressPrinter::Update(const v1::Experiment& experiment, absl::Time now) {
  MutexLock lock(mutex_);
  seen_.resize(experiment.stages_size(), v1::STATUS_PENDING);
  for (int i = 0; i < experiment.stages_size(); ++i) {
    const v1::StageState& stage = experiment.stages(i);
    if (stage.status() != seen_[i]) Announce(stage, seen_[i]);
    seen_[i] = stage.status();
    if (console_.live && stage.status() == v1::STATUS_RUNNING) Draw(stage, now);
  }
  console_.err.flush();
}

void ProgressPrinter::Announce(const v1::StageState& stage, v1::Status seen) {
  // A stage that never ran, because an earlier one failed, is not news.
  const bool ran = seen == v1::STATUS_RUNNING || stage.started_unix_ms() > 0;
  if (stage.status() == v1::STATUS_RUNNING) {
    if (!console_.live) Write(StartText(stage));
  } else if (stage.status() != v1::STATUS_PENDING && ran) {
    drawn_.clear();
    if (console_.live) console_.err << kEraseLine;
    Write(EndText(stage));
  }
}

void ProgressPrinter::Draw(const v1::StageState& stage, absl::Time now) {
  if (!drawn_.empty() && now - drawn_at_ < kRedrawInterval) return;
  drawn_ = ProgressLine(stage, now, console_.columns - 1);
  drawn_at_ = now;
  console_.err << kEraseLine << drawn_;
}

void ProgressPrinter::Write(std::string_view line) {
  if (!drawn_.empty()) console_.err << kEraseLine;
  console_.err << line << '\n' << drawn_;
}

void ProgressPrinter::Print(std::string_view line) {
  MutexLock lock(mutex_);
  Write(line);
  console_.err.flush();
}

void ProgressPrinter::Finish() {
  MutexLock lock(mutex_);
  if (!drawn_.empty()) console_.err << kEraseLine;
  drawn_.clear();
  console_.err.flush();
}

}  // namespace understudy
