#include "coordinator/active_database.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "coordinator/storage/postgres_store.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

constexpr absl::Duration kAttemptInterval = absl::Milliseconds(500);
constexpr absl::Duration kComplaintInterval = absl::Seconds(10);

// Says the same again only after a while.
class Complaints {
 public:
  void Log(const std::string& text) {
    const absl::Time now = absl::Now();
    if (text == last_ && now < said_ + kComplaintInterval) return;
    spdlog::warn("{}", text);
    last_ = text;
    said_ = now;
  }

 private:
  std::string last_;
  absl::Time said_ = absl::InfinitePast();
};

// The lock, held; nullptr: a signal has come.
absl::StatusOr<std::unique_ptr<PostgresLock>> StandBy(const std::string& url, bool first, TerminationSignals& signals) {
  const std::string name = DescribePostgresUrl(url).value();
  Complaints complaints;
  std::string active;
  std::unique_ptr<PostgresLock> lock;
  // A wake without a signal is left over of the time before.
  do {
    absl::Status status;
    if (lock == nullptr) {
      auto connected = PostgresLock::Connect(url);
      status = connected.status();
      if (!status.ok() && (first || !absl::IsUnavailable(status))) return status;
      if (status.ok()) lock = *std::move(connected);
    }
    if (lock != nullptr) {
      const absl::StatusOr<std::string> holder = lock->TryTake();
      status = holder.status();
      if (holder.ok() && holder->empty()) return lock;
      if (holder.ok() && active != *holder) spdlog::info("standing by: {} is active on {}", *holder, name);
      if (holder.ok()) active = *holder;
    }
    if (!status.ok()) complaints.Log(absl::StrCat("standing by: ", status.message()));
    first = false;
  } while (signals.WaitFor(kAttemptInterval).value_or(0) == 0);
  return nullptr;
}

}  // namespace

absl::Status ServeWhileActive(const std::string& url, TerminationSignals& signals,
                              const std::function<absl::StatusOr<int>(SqlStore& store)>& serve) {
  if (const auto name = DescribePostgresUrl(url); !name.ok()) return name.status();
  for (bool first = true; true; first = false) {
    auto lock = StandBy(url, first, signals);
    if (!lock.ok() || *lock == nullptr) return lock.status();
    const auto on_lost = [&signals](const absl::Status& status) {
      spdlog::error("not active any more: {}", std::string(status.message()));
      signals.Wake();
    };
    auto database = PostgresDatabase::Open(url, *std::move(lock), on_lost);
    const absl::StatusOr<int> signal =
        database.ok() ? serve((*database)->store()) : absl::StatusOr<int>(database.status());
    if (signal.ok() && *signal != 0) return absl::OkStatus();
    if (signal.ok()) continue;
    if (!absl::IsUnavailable(signal.status())) return signal.status();
    spdlog::error("{}", std::string(signal.status().message()));
    if (signals.WaitFor(kAttemptInterval).value_or(0) != 0) return absl::OkStatus();
  }
}

}  // namespace understudy
