#include "coordinator/storage/postgres_lock.h"

#include <poll.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

constexpr char kHolder[] = "understudy ";
constexpr absl::Duration kPingInterval = absl::Milliseconds(500);
constexpr absl::Duration kAnswerTimeout = absl::Seconds(2);
constexpr absl::Duration kTakeAgainInterval = absl::Milliseconds(100);
constexpr absl::Duration kTakeAgainTimeout = absl::Seconds(5);

// "Understud", as a number.
constexpr char kTake[] = "SELECT CASE WHEN pg_try_advisory_lock(1433299812) THEN 'taken' ELSE 'held' END";
constexpr char kFindHolder[] =
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
    "AND classid = 0 AND objid = 1433299812 AND objsubid = 1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
constexpr char kReadIncarnation[] = "SELECT value FROM counters WHERE name = 'incarnation'";

// Waits for an answer; false: none has come.
bool WaitForAnswer(PGconn* session) {
  const absl::Time until = absl::Now() + kAnswerTimeout;
  while (PQconsumeInput(session) == 1) {
    if (PQisBusy(session) == 0) return true;
    const absl::Duration left = until - absl::Now();
    pollfd event = {.fd = PQsocket(session), .events = POLLIN, .revents = 0};
    const int ready = poll(&event, 1, static_cast<int>(absl::ToInt64Milliseconds(left)));
    if (left <= absl::ZeroDuration() || (ready < 0 && errno != EINTR)) return false;
  }
  return false;
}

}  // namespace

bool StoreFence::WaitUntilAbandoned(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  MutexLock lock(mutex_);
  while (!abandoned_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(mutex_, left);
  }
  return true;
}

absl::StatusOr<std::unique_ptr<PostgresLock>> PostgresLock::Connect(const std::string& url) {
  absl::StatusOr<std::string> name = DescribePostgresUrl(url);
  if (!name.ok()) return name.status();
  std::unique_ptr<PostgresLock> lock(new PostgresLock(url, *std::move(name)));
  if (absl::Status status = lock->Open(); !status.ok()) return status;
  return lock;
}

PostgresLock::~PostgresLock() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
    changed_.NotifyAll();
  }
  if (keeper_.joinable()) keeper_.join();
}

absl::Status PostgresLock::Open() {
  session_.reset();
  absl::StatusOr<PostgresSession> session = ConnectPostgres(url_, kHolder + ProcessText());
  if (!session.ok()) {
    return absl::Status(session.status().code(),
                        absl::StrCat("cannot open the store: ", session.status().message(), ", in ", name_));
  }
  if (PQserverVersion(session->get()) < 140000) {
    return absl::FailedPreconditionError(absl::StrCat("cannot open the store: ", name_, " is PostgreSQL ",
                                                      PQparameterStatus(session->get(), "server_version"),
                                                      ", expected 14 or later"));
  }
  session_ = *std::move(session);
  return Ask("SET idle_session_timeout = '2s'").status();
}

absl::StatusOr<std::string> PostgresLock::Ask(const std::string& sql) {
  PGconn* const session = session_.get();
  // Not PQexec: a server that has vanished, or was stopped, would be waited for.
  if (PQsendQuery(session, sql.c_str()) != 1 || !WaitForAnswer(session)) {
    const bool silent = PQstatus(session) == CONNECTION_OK;
    absl::Status status = silent ? absl::UnavailableError(absl::StrCat("no answer from ", name_))
                                 : PostgresError(session, nullptr, "keep the store", name_);
    session_.reset();
    return status;
  }
  std::string value;
  absl::Status status;
  bool over = false;
  while (const PostgresResult result{PQgetResult(session)}) {
    if (!Succeeded(result.get())) {
      status = PostgresError(session, result.get(), "keep the store", name_);
      over = over || IsSessionOver(session, result.get());
    } else if (PQntuples(result.get()) > 0) {
      value = PQgetvalue(result.get(), 0, 0);
    }
  }
  if (over) session_.reset();
  if (!status.ok()) return status;
  return value;
}

absl::StatusOr<std::string> PostgresLock::TryTake() {
  if (PQstatus(session_.get()) != CONNECTION_OK) {
    if (absl::Status status = Open(); !status.ok()) return status;
  }
  const absl::StatusOr<std::string> taken = Ask(kTake);
  if (!taken.ok()) return taken.status();
  if (*taken == "taken") return "";
  const absl::StatusOr<std::string> holder = Ask(kFindHolder);
  if (!holder.ok()) return holder.status();
  return holder->empty() ? "another process" : std::string(absl::StripPrefix(*holder, kHolder));
}

void PostgresLock::EndFormerWriters() {
  // They could do no harm: their next transaction is refused. But one that was stopped in a transaction would keep ours
  // waiting.
  const absl::StatusOr<std::string> ended =
      Ask(absl::StrCat("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
                       "application_name LIKE '",
                       kPostgresWriter, "%'"));
  if (!ended.ok()) spdlog::warn("sessions of former writers cannot be ended: {}", ended.status().ToString());
}

void PostgresLock::Keep(std::shared_ptr<StoreFence> fence, std::function<void(const absl::Status&)> on_lost) {
  EndFormerWriters();
  fence_ = std::move(fence);
  on_lost_ = std::move(on_lost);
  keeper_ = std::thread(&PostgresLock::Run, this);
}

bool PostgresLock::Wait(absl::Duration duration) {
  const absl::Time until = absl::Now() + duration;
  MutexLock lock(mutex_);
  while (!ending_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(mutex_, left);
  }
  return true;
}

void PostgresLock::Run() {
  while (!Wait(kPingInterval)) {
    absl::Status status = Ask("SELECT 1").status();
    if (status.ok()) continue;
    spdlog::warn("{}: the hold on it is lost ({}); taking it again", name_, std::string(status.message()));
    const absl::Time until = absl::Now() + kTakeAgainTimeout;
    do {
      status = TakeAgain();
    } while (absl::IsUnavailable(status) && absl::Now() < until && !Wait(kTakeAgainInterval));
    if (status.ok()) {
      spdlog::info("{}: held again", name_);
      continue;
    }
    fence_->Abandon();
    on_lost_(status);
    return;
  }
}

absl::Status PostgresLock::TakeAgain() {
  const absl::StatusOr<std::string> holder = TryTake();
  if (!holder.ok()) return holder.status();
  if (!holder->empty()) return absl::FailedPreconditionError(absl::StrCat(*holder, " has taken over ", name_));
  const absl::StatusOr<std::string> latest = Ask(kReadIncarnation);
  if (!latest.ok()) return latest.status();
  if (*latest == absl::StrCat(fence_->incarnation())) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("another process had taken over ", name_));
}

}  // namespace understudy
