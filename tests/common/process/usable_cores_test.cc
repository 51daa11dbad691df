#include "common/process/usable_cores.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

namespace understudy {
namespace {

// A file system with control groups of our own.
class FakeRoot {
 public:
  FakeRoot() : directory_(::testing::TempDir() + "/usable_cores-" + std::to_string(getpid())) {
    std::filesystem::remove_all(directory_);
  }
  ~FakeRoot() { std::filesystem::remove_all(directory_); }

  FakeRoot& Write(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(directory_ + path).parent_path());
    std::ofstream(directory_ + path) << content;
    return *this;
  }
  std::optional<int> Quota() const { return CoreQuota(directory_); }

 private:
  const std::string directory_;
};

TEST(CoreQuota, IsThatOfVersionTwoRoundedUp) {
  FakeRoot root;
  root.Write("/proc/self/cgroup", "0::/app.slice/learner\n")
      .Write("/sys/fs/cgroup/app.slice/learner/cpu.max", "150000 100000\n");
  EXPECT_EQ(root.Quota(), 2);
  root.Write("/sys/fs/cgroup/app.slice/learner/cpu.max", "200000 100000\n");
  EXPECT_EQ(root.Quota(), 2);
  root.Write("/sys/fs/cgroup/app.slice/learner/cpu.max", "1000 100000\n");
  EXPECT_EQ(root.Quota(), 1);
}

TEST(CoreQuota, IsTheLeastOfAllGroupsAround) {
  FakeRoot root;
  root.Write("/proc/self/cgroup", "0::/pod/container\n")
      .Write("/sys/fs/cgroup/pod/container/cpu.max", "max 100000\n")
      .Write("/sys/fs/cgroup/pod/cpu.max", "300000 100000\n");
  EXPECT_EQ(root.Quota(), 3);
  root.Write("/sys/fs/cgroup/pod/container/cpu.max", "800000 100000\n");
  EXPECT_EQ(root.Quota(), 3);
}

TEST(CoreQuota, OfAContainerIsAtTheRootThatItSees) {
  FakeRoot root;
  root.Write("/proc/self/cgroup", "0::/\n").Write("/sys/fs/cgroup/cpu.max", "250000 100000\n");
  EXPECT_EQ(root.Quota(), 3);
}

TEST(CoreQuota, IsThatOfVersionOne) {
  for (const char* mount : {"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu"}) {
    FakeRoot root;
    // The path is the host's, which a container without a namespace for control groups does not see.
    root.Write("/proc/self/cgroup", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc\n")
        .Write(std::string(mount) + "/cpu.cfs_quota_us", "400000\n")
        .Write(std::string(mount) + "/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(root.Quota(), 4) << mount;
    root.Write(std::string(mount) + "/docker/abc/cpu.cfs_quota_us", "100001\n")
        .Write(std::string(mount) + "/docker/abc/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(root.Quota(), 2) << mount;
  }
}

TEST(CoreQuota, IsNoneWithoutALimitOrWithWhatCannotBeRead) {
  FakeRoot root;
  EXPECT_EQ(root.Quota(), std::nullopt);
  root.Write("/proc/self/cgroup", "rubbish\n1:cpu:\n0::/\n").Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(root.Quota(), std::nullopt);
  for (const char* content : {"", "1", "0 100000", "-1 100000", "100000 0", "a b", "1 2 3"}) {
    root.Write("/sys/fs/cgroup/cpu.max", content);
    EXPECT_EQ(root.Quota(), std::nullopt) << content;
  }
  root.Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n").Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(root.Quota(), std::nullopt);
}

TEST(UsableCores, AreThoseOfTheAffinity) {
  const int before = UsableCores();
  EXPECT_GE(before, 1);
  // On a thread of its own, whose affinity goes with it.
  std::thread([] {
    cpu_set_t all;
    ASSERT_EQ(sched_getaffinity(0, sizeof(all), &all), 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core) {
      if (CPU_ISSET(core, &all)) CPU_SET(core, &one);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    EXPECT_EQ(UsableCores(), 1);
  }).join();
  EXPECT_EQ(UsableCores(), before);
}

}  // namespace
}  // namespace understudy
