#include "learner/group/gloo_group.h"

#include <gloo/allgather.h>
#include <gloo/allgatherv.h>
#include <gloo/allreduce.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <exception>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "common/process/mutex.h"
#include "common/rpc/address.h"

namespace understudy {
namespace {

constexpr std::chrono::seconds kConnectTimeout(10);
// A rank waits for the others as long as these wait for actors: for ever. Who has died is found otherwise.
constexpr std::chrono::hours kForEver(10 * 365 * 24);
constexpr int64_t kMaxGatheredBytes = int64_t{1} << 30;
// No collective of Gloo's uses it.
constexpr uint64_t kSlotOfNothing = ~uint64_t{0};

// Thrown through Gloo, which reports errors so.
struct MeetingFailed {
  absl::Status status;
};

// How Gloo's ranks exchange addresses: each writes its own under its number, and reads the others'.
class MeetingStore final : public gloo::rendezvous::Store {
 public:
  explicit MeetingStore(const GlooOptions& options) : options_(options) {}

  void set(const std::string& key, const std::vector<char>& data) override {
    if (RankOf(key) == options_.rank) mine_.assign(data.begin(), data.end());
  }

  std::vector<char> get(const std::string& key) override {
    const std::optional<int> rank = RankOf(key);
    // Host names, by which Gloo numbers the ranks of a host. Nothing here depends on these numbers.
    if (!rank.has_value()) return {key.begin(), key.end()};
    Meet();
    const std::string& theirs = (*all_)[static_cast<size_t>(*rank)];
    return {theirs.begin(), theirs.end()};
  }

  void wait(const std::vector<std::string>&) override { Meet(); }

 private:
  std::optional<int> RankOf(const std::string& key) const {
    int rank = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), rank);
    if (error != std::errc() || end != key.data() + key.size() || rank < 0 || rank >= options_.size)
      return std::nullopt;
    return rank;
  }

  void Meet() {
    if (all_.has_value()) return;
    auto all = options_.meet(mine_);
    if (!all.ok()) throw MeetingFailed{all.status()};
    for (size_t rank = 0; rank < all->size(); ++rank) {
      if ((*all)[rank].size() != mine_.size()) {
        throw MeetingFailed{absl::InvalidArgumentError(absl::StrCat("rank ", rank, " gave ", (*all)[rank].size(),
                                                                    " bytes of addresses, expected ", mine_.size()))};
      }
    }
    if (static_cast<int>(all->size()) != options_.size) {
      throw MeetingFailed{
          absl::InvalidArgumentError(absl::StrCat("found ", all->size(), " ranks, expected ", options_.size))};
    }
    all_ = *std::move(all);
  }

  const GlooOptions& options_;
  std::string mine_;
  std::optional<std::vector<std::string>> all_;
};

void AddFloats(void* sum, const void* a, const void* b, size_t count) { gloo::sum<float>(sum, a, b, count); }

// Gloo begins its messages with the place in its source code.
std::string TextOf(const std::exception& error) {
  const std::string text = error.what();
  const size_t end = text.starts_with("[") ? text.find("] ") : std::string::npos;
  return end == std::string::npos ? text : text.substr(end + 2);
}

class ConnectedGroup final : public GlooGroup {
 public:
  explicit ConnectedGroup(std::shared_ptr<gloo::rendezvous::Context> context) : context_(std::move(context)) {}
  ~ConnectedGroup() override { Break("it was given up"); }

  int rank() const override { return context_->rank; }
  int size() const override { return context_->size; }

  using LearnerGroup::Sum;
  absl::Status Sum(std::span<float> numbers) override {
    if (numbers.empty()) return absl::OkStatus();
    return Call([&] {
      gloo::AllreduceOptions options(context_);
      options.setOutput(numbers.data(), numbers.size());
      // In one order, which depends on the number of ranks alone.
      options.setAlgorithm(gloo::AllreduceOptions::Algorithm::RING);
      options.setReduceFunction(AddFloats);
      gloo::allreduce(options);
    });
  }

  absl::StatusOr<std::vector<std::string>> Gather(std::string mine) override {
    std::vector<int64_t> sizes(static_cast<size_t>(size()));
    auto own_size = static_cast<int64_t>(mine.size());
    absl::Status status = Call([&] {
      gloo::AllgatherOptions options(context_);
      options.setInput(&own_size, 1);
      options.setOutput(sizes.data(), sizes.size());
      gloo::allgather(options);
    });
    if (!status.ok()) return status;
    int64_t total = 0;
    for (const int64_t size : sizes) {
      if (size < 0 || size > kMaxGatheredBytes - total) {
        return absl::InternalError(absl::StrCat("ranks gave more than ", kMaxGatheredBytes, " bytes together"));
      }
      total += size;
    }
    // A byte more of each: Gloo has no messages without any.
    std::vector<size_t> lengths(sizes.begin(), sizes.end());
    for (size_t& length : lengths) ++length;
    std::vector<char> all(static_cast<size_t>(total) + lengths.size());
    status = Call([&] {
      gloo::AllgathervOptions options(context_);
      // The string's end is that byte.
      options.setInput(mine.data(), mine.size() + 1);
      options.setOutput(all.data(), lengths);
      gloo::allgatherv(options);
    });
    if (!status.ok()) return status;
    std::vector<std::string> gathered;
    for (auto begin = all.begin(); const size_t length : lengths) {
      gathered.emplace_back(begin, begin + static_cast<ptrdiff_t>(length) - 1);
      begin += static_cast<ptrdiff_t>(length);
    }
    return gathered;
  }

  void Break(const std::string& why) override {
    {
      MutexLock lock(mutex_);
      if (!broken_.ok()) return;
      broken_ = GroupBroken(why);
    }
    // Gloo closes the connections of a group in which somebody waited in vain, and wakes all who wait.
    char nothing = 0;
    const auto buffer = context_->createUnboundBuffer(&nothing, sizeof(nothing));
    try {
      buffer->recv(rank() == 0 ? 1 : 0, kSlotOfNothing);
      buffer->waitRecv(std::chrono::milliseconds(1));
    } catch (const std::exception&) {
    }
  }

 private:
  absl::Status Call(absl::FunctionRef<void()> collective) {
    {
      MutexLock lock(mutex_);
      if (!broken_.ok()) return broken_;
    }
    try {
      collective();
      return absl::OkStatus();
    } catch (const std::exception& error) {
      MutexLock lock(mutex_);
      // Where it was broken on purpose, that is why.
      return broken_.ok() ? GroupBroken(TextOf(error)) : broken_;
    }
  }

  const std::shared_ptr<gloo::rendezvous::Context> context_;
  Mutex mutex_;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::shared_ptr<GlooGroup>> GlooGroup::Connect(const GlooOptions& options) {
  // Gloo does not survive a name that cannot be resolved.
  const auto host = ResolveHost(options.host);
  if (!host.ok()) return absl::InvalidArgumentError(host.status().message());
  std::shared_ptr<gloo::transport::Device> device;
  try {
    device = gloo::transport::tcp::CreateDevice(gloo::transport::tcp::attr(host->ip.c_str()));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen for other learners on ", options.host, ": ", TextOf(error)));
  }
  auto context = std::make_shared<gloo::rendezvous::Context>(options.rank, options.size);
  context->setTimeout(kConnectTimeout);
  MeetingStore store(options);
  try {
    context->connectFullMesh(store, device);
  } catch (const MeetingFailed& failed) {
    return failed.status;
  } catch (const std::exception& error) {
    return GroupBroken(TextOf(error));
  }
  context->setTimeout(kForEver);
  return std::make_shared<ConnectedGroup>(std::move(context));
}

}  // namespace understudy
