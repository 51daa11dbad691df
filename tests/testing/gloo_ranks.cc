#include "tests/testing/gloo_ranks.h"

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <thread>

#include "common/process/mutex.h"

namespace understudy::testing {
namespace {

// Of the whole test program: Gloo writes to connections that others have closed.
[[maybe_unused]] const auto kBefore = std::signal(SIGPIPE, SIG_IGN);

// Where all give their addresses, and get everybody's.
class Meeting {
 public:
  explicit Meeting(int size) : addresses_(static_cast<size_t>(size)) {}

  std::vector<std::string> Join(int rank, const std::string& addresses) {
    MutexLock lock(mutex_);
    addresses_[static_cast<size_t>(rank)] = addresses;
    ++there_;
    changed_.NotifyAll();
    while (there_ < addresses_.size()) changed_.Wait(mutex_);
    return addresses_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t there_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> addresses_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

OnRanks::OnRanks(int size) : groups_(static_cast<size_t>(size)) {
  Meeting meeting(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      auto group = GlooGroup::Create(rank, size, "127.0.0.1");
      ASSERT_TRUE(group.ok()) << group.status();
      const absl::Status connected =
          (*group)->Connect([&](const std::string& mine) { return meeting.Join(rank, mine); });
      ASSERT_TRUE(connected.ok()) << connected;
      groups_[static_cast<size_t>(rank)] = *std::move(group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void RunRanks(int size, const std::function<void(LearnerGroup& group)>& program) {
  OnRanks ranks(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      program(ranks[rank]);
      // So that nobody waits for who has failed.
      if (::testing::Test::HasFailure()) ranks.Leave(rank);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace understudy::testing
