#include "cli/experiment_session.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/experiment_report.h"
#include "common/process/text.h"

namespace understudy {
namespace {

// As many as a line has room for.
constexpr size_t kMaxNamed = 3;

std::string OthersText(const std::vector<std::string>& ids, const std::string& directory) {
  const std::vector<std::string> named(ids.begin(), ids.begin() + std::min(ids.size(), kMaxNamed));
  return absl::StrCat(
      "understudy: paused in ", directory, ": ", absl::StrJoin(named, ", "),
      ids.size() > kMaxNamed ? absl::StrCat(" and ", ids.size() - kMaxNamed, " more") : "",
      "; after this run, run its file there again (or 'understudy experiments resume ID' at a coordinator) to go on "
      "with one, or drop it: understudy experiments cancel ",
      ids.front(), " --data_dir ", ShellQuoted(directory));
}

}  // namespace

v1::SubmitRequest MakeSubmitRequest(const v1::ExperimentSpec& spec) {
  v1::SubmitRequest request;
  *request.mutable_spec() = spec;
  std::random_device random;
  for (int i = 0; i < 4; ++i) absl::StrAppend(request.mutable_token(), absl::Hex(random(), absl::kZeroPad8));
  return request;
}

ExperimentSession::ExperimentSession(Connection& connection, ExperimentSessionOptions options)
    : options_(std::move(options)), client_(connection, {.log = options_.log}), thread_([this] {
        absl::Status status = Follow();
        {
          MutexLock lock(mutex_);
          status_ = std::move(status);
        }
        options_.ended();
      }) {}

ExperimentSession::~ExperimentSession() {
  client_.Cancel();
  thread_.join();
}

absl::Status ExperimentSession::Follow() {
  const absl::StatusOr<v1::Experiment> first = FindOrSubmit();
  if (!first.ok()) return first.status();
  Show(*first);
  return client_.Watch(first->id(), [this](const v1::Experiment& experiment) { Show(experiment); }).status();
}

bool ExperimentSession::IsSame(const v1::Experiment& experiment) const {
  return google::protobuf::util::MessageDifferencer::Equals(experiment.spec(), options_.spec);
}

absl::StatusOr<v1::Experiment> ExperimentSession::FindOrSubmit() {
  std::string same;
  std::vector<std::string> others;
  v1::ListExperimentsRequest request;
  request.set_unfinished(true);
  do {
    const auto page = client_.Call(&v1::Experiments::Stub::List, &Connection::experiments, request);
    if (!page.ok()) return page.status();
    for (const v1::Experiment& experiment : page->experiments()) {  // newest first
      if (HasEnded(experiment.status())) continue;
      if (!IsSame(experiment)) {
        others.push_back(experiment.id());
      } else if (std::string newer = std::exchange(same, experiment.id()); !newer.empty()) {
        others.push_back(std::move(newer));
      }
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!others.empty()) options_.log(OthersText(others, options_.directory));
  if (!same.empty()) return Resume(same);

  auto ended = FindEnded();
  if (!ended.ok() || !ended->id().empty()) return ended;
  return Submit();
}

absl::StatusOr<v1::Experiment> ExperimentSession::FindEnded() {
  // The first page is enough: an experiment that ended just now was submitted lately.
  const auto newest =
      client_.Call(&v1::Experiments::Stub::List, &Connection::experiments, v1::ListExperimentsRequest());
  if (!newest.ok()) return newest.status();
  for (const v1::Experiment& experiment : newest->experiments()) {
    const bool meanwhile = absl::FromUnixMillis(experiment.finished_unix_ms()) >= options_.begin;
    if (!HasEnded(experiment.status()) || !meanwhile || !IsSame(experiment)) continue;
    options_.log(absl::StrCat("understudy: experiment ", experiment.id(), " has ended meanwhile: this is its result"));
    return experiment;
  }
  return v1::Experiment();
}

absl::StatusOr<v1::Experiment> ExperimentSession::Resume(const std::string& id) {
  options_.log(absl::StrCat("understudy: going on with experiment ", id, ", which had not finished"));
  v1::ResumeExperimentRequest request;
  request.set_id(id);
  auto resumed = client_.Call(&v1::Experiments::Stub::Resume, &Connection::experiments, request);
  if (!absl::IsFailedPrecondition(resumed.status())) return resumed;
  // It has succeeded: since it was listed, or since an earlier attempt at this call, whose answer was lost.
  v1::GetExperimentRequest get;
  get.set_id(id);
  return client_.Call(&v1::Experiments::Stub::Get, &Connection::experiments, get);
}

absl::StatusOr<v1::Experiment> ExperimentSession::Submit() {
  const auto response =
      client_.Call(&v1::Experiments::Stub::Submit, &Connection::experiments, MakeSubmitRequest(options_.spec));
  if (!response.ok()) return response.status();
  v1::Experiment experiment;
  experiment.set_id(response->id());
  *experiment.mutable_spec() = options_.spec;
  return experiment;
}

void ExperimentSession::Show(const v1::Experiment& experiment) {
  {
    MutexLock lock(mutex_);
    latest_ = experiment;
  }
  options_.seen(experiment);
}

v1::Experiment ExperimentSession::Latest() const {
  MutexLock lock(mutex_);
  return latest_;
}

absl::Status ExperimentSession::status() const {
  MutexLock lock(mutex_);
  return status_;
}

}  // namespace understudy
