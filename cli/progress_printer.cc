#include "cli/progress_printer.h"

#include "absl/strings/str_cat.h"
#include "cli/experiment_report.h"
#include "cli/number_format.h"
#include "cli/progress_line.h"

namespace understudy {
namespace {

constexpr absl::Duration kRedrawInterval = absl::Milliseconds(100);
constexpr std::string_view kEraseLine = "\r\033[K";

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
