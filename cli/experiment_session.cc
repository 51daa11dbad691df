#include "cli/experiment_session.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/experiment_client.h"
#include "cli/number_format.h"

namespace understudy {
namespace {

// As many as a line has room for.
constexpr size_t kMaxNamed = 3;

std::string OthersText(const std::vector<std::string>& ids) {
  const std::vector<std::string> named(ids.begin(), ids.begin() + std::min(ids.size(), kMaxNamed));
  return absl::StrCat(
      "understudy: experiments there that had not finished either go on, too: ", absl::StrJoin(named, ", "),
      ids.size() > kMaxNamed ? absl::StrCat(" and ", ids.size() - kMaxNamed, " more") : "");
}

}  // namespace

ExperimentSession::ExperimentSession(Connection& connection, ExperimentSessionOptions options)
    : connection_(connection),
      options_(std::move(options)),
      client_(connection, {.log = options_.log}),
      thread_([this] {
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

absl::StatusOr<v1::Experiment> ExperimentSession::FindOrSubmit() {
  v1::Experiment same;
  std::vector<std::string> others;
  v1::ListExperimentsRequest request;
  request.set_unfinished(true);
  do {
    const auto list = client_.Call(&v1::Experiments::Stub::List, &Connection::experiments, request);
    if (!list.ok()) return list.status();
    for (const v1::Experiment& experiment : list->experiments()) {  // newest first
      if (HasEnded(experiment.status())) continue;
      if (google::protobuf::util::MessageDifferencer::Equals(experiment.spec(), options_.spec)) {
        if (!same.id().empty()) others.push_back(same.id());
        same = experiment;
      } else {
        others.push_back(experiment.id());
      }
    }
    request.set_page_token(list->next_page_token());
  } while (!request.page_token().empty());
  if (!same.id().empty()) {
    options_.log(absl::StrCat("understudy: going on with experiment ", same.id(), ", which had not finished"));
  }
  if (!others.empty()) options_.log(OthersText(others));
  if (!same.id().empty()) return same;
  return Submit();
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
