#include "learner/group/gloo_group.h"

#include <gloo/allgather.h>
#include <gloo/allgatherv.h>
#include <gloo/allreduce.h>
#include <gloo/context.h>
#include <gloo/math.h>
#include <gloo/transport/tcp/device.h>

#include <chrono>
#include <exception>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "common/process/mutex.h"
#include "common/rpc/address.h"
#include "learner/group/breakable_transport.h"

namespace understudy {
namespace {

// Gloo waits five times as long for a connection.
constexpr std::chrono::seconds kConnectTimeout(2);
// A rank waits for the others as long as these wait for actors: for ever. Who has died is found otherwise.
constexpr std::chrono::hours kForEver(10 * 365 * 24);
constexpr int64_t kMaxGatheredBytes = int64_t{1} << 30;

void AddFloats(void* sum, const void* a, const void* b, size_t count) { gloo::sum<float>(sum, a, b, count); }

// Gloo begins its messages with the place in its source code.
std::string TextOf(const std::exception& error) {
  const std::string text = error.what();
  const size_t end = text.starts_with("[") ? text.find("] ") : std::string::npos;
  return end == std::string::npos ? text : text.substr(end + 2);
}

// A connection to every other rank. Gloo's own way of making them cannot be told to stop.
class Mesh final : public gloo::Context {
 public:
  Mesh(int own_rank, int ranks, std::shared_ptr<gloo::transport::Device> device) : gloo::Context(own_rank, ranks) {
    device_ = std::move(device);
    const std::shared_ptr<gloo::transport::Context> context = device_->createContext(rank, size);
    context->setTimeout(kConnectTimeout);
    transport_ = std::make_shared<BreakableTransport>(context);
    transportContext_ = transport_;
    for (int other = 0; other < size; ++other) {
      if (other != rank) transportContext_->createPair(other);
    }
    setTimeout(kForEver);
  }

  // What this rank listens on for each of all ranks in turn, itself left out: all equally long.
  std::string addresses() {
    std::string all;
    for (int other = 0; other < size; ++other) {
      if (other == rank) continue;
      const std::vector<char> bytes = getPair(other)->address().bytes();
      all.append(bytes.begin(), bytes.end());
    }
    return all;
  }

  // `theirs`: that rank's addresses(), as long as those of this one.
  void Connect(int other, const std::string& theirs) {
    const size_t length = theirs.size() / static_cast<size_t>(size - 1);
    const size_t place = static_cast<size_t>(rank < other ? rank : rank - 1);
    getPair(other)->connect({theirs.begin() + static_cast<ptrdiff_t>(place * length),
                             theirs.begin() + static_cast<ptrdiff_t>((place + 1) * length)});
  }

  void Break() { transport_->Break(); }

 private:
  std::shared_ptr<BreakableTransport> transport_;
};

class MeshGroup final : public GlooGroup {
 public:
  explicit MeshGroup(std::unique_ptr<Mesh> mesh) : mesh_(std::move(mesh)) {}
  ~MeshGroup() override { Break(GroupBroken("it was given up")); }

  int rank() const override { return mesh_->rank; }
  int size() const override { return mesh_->size; }

  absl::Status Connect(const Meet& meet) override {
    const std::string mine = mesh_->addresses();
    const auto all = meet(mine);
    if (!all.ok()) return all.status();
    if (static_cast<int>(all->size()) != size()) {
      return absl::InvalidArgumentError(absl::StrCat("found ", all->size(), " ranks, expected ", size()));
    }
    for (size_t other = 0; other < all->size(); ++other) {
      if ((*all)[other].size() == mine.size()) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("rank ", other, " gave ", (*all)[other].size(), " bytes of addresses, expected ", mine.size()));
    }
    for (int other = 0; other < size(); ++other) {
      if (other == rank()) continue;
      absl::Status status = Call([&] { mesh_->Connect(other, (*all)[static_cast<size_t>(other)]); });
      if (!status.ok()) return status;
    }
    MutexLock lock(mutex_);
    return broken_;
  }

  using LearnerGroup::Sum;
  absl::Status Sum(std::span<float> numbers) override {
    if (numbers.empty()) return absl::OkStatus();
    return Call([&] {
      gloo::AllreduceOptions options(mesh_);
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
      gloo::AllgatherOptions options(mesh_);
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
      gloo::AllgathervOptions options(mesh_);
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

  void Break(const absl::Status& status) override {
    {
      MutexLock lock(mutex_);
      if (!broken_.ok()) return;
      broken_ = status;
    }
    mesh_->Break();
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

  const std::shared_ptr<Mesh> mesh_;
  Mutex mutex_;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::shared_ptr<GlooGroup>> GlooGroup::Create(int rank, int size, const std::string& host) {
  // Gloo does not survive a name that cannot be resolved.
  const auto resolved = ResolveHost(host);
  if (!resolved.ok()) return absl::InvalidArgumentError(resolved.status().message());
  try {
    auto device = gloo::transport::tcp::CreateDevice(gloo::transport::tcp::attr(resolved->ip.c_str()));
    return std::make_shared<MeshGroup>(std::make_unique<Mesh>(rank, size, std::move(device)));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("cannot listen for other learners on ", host, ": ", TextOf(error)));
  }
}

}  // namespace understudy
