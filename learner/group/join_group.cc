#include "learner/group/join_group.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/reminder.h"
#include "common/rpc/address.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"
#include "learner/group/gloo_group.h"

namespace understudy {
namespace {

std::string HostName() {
  std::string name(256, '\0');
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.c_str();
}

// A rank's stream to rank 0, which says whether the other end is still there. Thread-compatible.
class JoinStream {
 public:
  JoinStream(const JoinOptions& options, std::shared_ptr<GlooGroup> group)
      : options_(options),
        stub_(v1::Ranks::NewStub(MakeChannel(options.first_address, options.credentials))),
        group_(std::move(group)) {}

  ~JoinStream() {
    if (context_ != nullptr) context_->TryCancel();
    if (watcher_.joinable()) watcher_.join();
  }
  JoinStream(const JoinStream&) = delete;

  // Tries until all ranks are there.
  absl::StatusOr<v1::Roster> Join(const v1::JoinRequest& request, Cancellation& cancellation) {
    Backoff backoff(absl::Milliseconds(20), kLongestReconnectPause, std::random_device{}());
    Reminder away(absl::Seconds(2), kReminderInterval);
    away.Begin(absl::Now());
    while (cancellation.Check().ok()) {
      // Shared, because the cancelling thread may still hold it when the call is over.
      context_ = std::make_shared<grpc::ClientContext>();
      const Cancellation::Registration registration =
          cancellation.OnCancel([context = context_] { context->TryCancel(); });
      reader_ = stub_->Join(context_.get(), request);
      v1::Roster roster;
      if (reader_->Read(&roster)) {
        watcher_ = std::thread([this] { Watch(); });
        return roster;
      }
      const absl::Status status = ExplainConnecting(FromGrpc(reader_->Finish()), options_.credentials != nullptr);
      if (away.Due(absl::Now())) {
        spdlog::warn("{}: waiting for rank 0 of its learners at {}{}: {}; trying again", StageText(options_.stage),
                     options_.first_address, away.LastingText(absl::Now()), std::string(status.message()));
      }
      cancellation.WaitFor(backoff.Next());
    }
    return cancellation.Check();
  }

 private:
  void Watch() {
    v1::Roster nothing;
    while (reader_->Read(&nothing)) {
    }
    group_->Break(GroupBroken(absl::StrCat("rank 0 has gone: ", FromGrpc(reader_->Finish()).message())));
  }

  const JoinOptions& options_;
  const std::unique_ptr<v1::Ranks::Stub> stub_;
  const std::shared_ptr<GlooGroup> group_;
  std::shared_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::Roster>> reader_;
  std::thread watcher_;
};

class Alone final : public JoinedGroup {
 public:
  LearnerGroup& group() override { return learner_; }
  int ranks_here() const override { return 1; }

 private:
  LoneLearner learner_;
};

class Together final : public JoinedGroup {
 public:
  Together(const JoinOptions& options, RanksService& service, std::shared_ptr<GlooGroup> group)
      : options_(options), service_(service), group_(std::move(group)), stream_(options_, group_) {}
  ~Together() override {
    if (options_.rank == 0) service_.Close();
  }

  absl::Status Join(Cancellation& cancellation) {
    // The callback may still be running when this is gone.
    cancelled_.emplace(cancellation.OnCancel(
        [group = group_] { group->Break(absl::CancelledError("this rank of the stage's learners is stopping")); }));
    return group_->Connect([&](const std::string& addresses) { return Meet(addresses, cancellation); });
  }

  LearnerGroup& group() override { return *group_; }
  int ranks_here() const override { return ranks_here_; }

 private:
  absl::StatusOr<std::vector<std::string>> Meet(const std::string& addresses, Cancellation& cancellation) {
    v1::JoinRequest mine;
    mine.set_protocol_version(kProtocolVersion);
    *mine.mutable_stage() = options_.stage;
    mine.set_rank(options_.rank);
    mine.set_host(HostName());
    mine.set_addresses(addresses);
    const auto roster =
        options_.rank == 0 ? service_.Meet(mine, options_.size, cancellation,
                                           [group = group_](const std::string& why) { group->Break(GroupBroken(why)); })
                           : stream_.Join(mine, cancellation);
    if (!roster.ok()) return roster.status();
    ranks_here_ = static_cast<int>(std::count(roster->hosts().begin(), roster->hosts().end(), mine.host()));
    if (absl::Status status = CheckReachable(*roster, mine.host()); !status.ok()) return status;
    return std::vector<std::string>(roster->addresses().begin(), roster->addresses().end());
  }

  // Whether the others can reach this rank.
  absl::Status CheckReachable(const v1::Roster& roster, const std::string& here) const {
    const auto elsewhere =
        std::find_if(roster.hosts().begin(), roster.hosts().end(), [&](const auto& host) { return host != here; });
    const auto listening = ResolveHost(options_.gradients_host);
    if (!listening.ok()) return listening.status();
    if (elsewhere == roster.hosts().end() || !listening->loopback) return absl::OkStatus();
    return absl::FailedPreconditionError(
        absl::StrCat("rank ", elsewhere - roster.hosts().begin(), " of the stage's learners, on host ", *elsewhere,
                     ", cannot reach rank ", options_.rank, " on host ", here, ", which listens for gradients on ",
                     options_.gradients_host,
                     ": start learners with --insecure_gradients HOST, on a network that you "
                     "trust, as gradients are not encrypted"));
  }

  const JoinOptions options_;
  RanksService& service_;
  const std::shared_ptr<GlooGroup> group_;
  JoinStream stream_;
  int ranks_here_ = 1;
  std::optional<Cancellation::Registration> cancelled_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<JoinedGroup>> JoinGroup(const JoinOptions& options, RanksService& service,
                                                       Cancellation& cancellation) {
  if (options.size == 1) return std::make_unique<Alone>();
  auto group = GlooGroup::Create(options.rank, options.size, options.gradients_host);
  if (!group.ok()) return group.status();
  auto together = std::make_unique<Together>(options, service, *std::move(group));
  if (absl::Status status = together->Join(cancellation); !status.ok()) return status;
  return together;
}

}  // namespace understudy
