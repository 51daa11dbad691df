#include "learner/group/join_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::StageKey Stage(int64_t epoch) {
  v1::StageKey stage;
  stage.set_experiment_id("e");
  stage.set_epoch(epoch);
  return stage;
}

// A learner's part in it: every one has the service, and rank 0's is used.
struct Member {
  RanksService service;
  std::unique_ptr<RpcServer> server = *RpcServer::Start({}, {&service});
  Cancellation cancellation;

  absl::StatusOr<std::unique_ptr<JoinedGroup>> Join(int rank, int size, const std::string& first, int64_t epoch = 7) {
    return JoinGroup({.stage = Stage(epoch), .rank = rank, .size = size, .first_address = first}, service,
                     cancellation);
  }
};

// `size` members that join as ranks in their order.
class Members {
 public:
  explicit Members(int size) : members_(static_cast<size_t>(size)) {}
  Member& operator[](int rank) { return members_[static_cast<size_t>(rank)]; }
  const std::string& first() { return members_[0].server->address(); }

  std::vector<std::unique_ptr<JoinedGroup>> JoinAll() {
    std::vector<std::unique_ptr<JoinedGroup>> joined(members_.size());
    std::vector<std::thread> threads;
    for (size_t rank = 0; rank < members_.size(); ++rank) {
      threads.emplace_back([&, rank] {
        const int size = static_cast<int>(members_.size());
        // As a learner does: again, where somebody was lost on the way.
        while (joined[rank] == nullptr) {
          auto group = members_[rank].Join(static_cast<int>(rank), size, first());
          if (group.ok()) joined[rank] = *std::move(group);
          if (group.ok() || IsGroupBroken(group.status())) continue;
          // So that nobody waits for who has failed.
          for (Member& member : members_) member.cancellation.Cancel("a rank has failed");
          FAIL() << group.status();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return joined;
  }

 private:
  std::vector<Member> members_;
};

TEST(JoinGroup, RanksMeetInWhateverOrderTheyCome) {
  Members members(3);
  std::vector<std::unique_ptr<JoinedGroup>> joined = members.JoinAll();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 3; ++rank) {
    threads.emplace_back([&, rank] {
      LearnerGroup& group = joined[static_cast<size_t>(rank)]->group();
      EXPECT_EQ(group.rank(), rank);
      EXPECT_EQ(group.size(), 3);
      EXPECT_EQ(joined[static_cast<size_t>(rank)]->ranks_here(), 3);
      std::vector<float> numbers = {1};
      ASSERT_TRUE(group.Sum(numbers).ok());
      EXPECT_EQ(numbers[0], 3);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(JoinGroup, AloneWaitsForNobody) {
  Member member;
  const auto joined = member.Join(0, 1, "");
  ASSERT_TRUE(joined.ok());
  EXPECT_EQ((*joined)->group().size(), 1);
}

TEST(JoinGroup, WhoeverGoesBreaksTheGroupOfAllAndTheyCanMeetAgain) {
  Members members(3);
  for (const int leaver : {0, 1, 2}) {
    SCOPED_TRACE(leaver);
    std::vector<std::unique_ptr<JoinedGroup>> joined = members.JoinAll();
    std::vector<std::thread> threads;
    for (int rank = 0; rank < 3; ++rank) {
      if (rank == leaver) continue;
      threads.emplace_back([&, rank] {
        std::vector<float> numbers(100);
        EXPECT_TRUE(IsGroupBroken(joined[static_cast<size_t>(rank)]->group().Sum(numbers)));
      });
    }
    joined[static_cast<size_t>(leaver)].reset();
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(JoinGroup, ACancelledRankWaitsNoMore) {
  Members members(2);
  {
    std::thread alone([&] { EXPECT_TRUE(absl::IsCancelled(members[0].Join(0, 2, members.first()).status())); });
    members[0].cancellation.Cancel("another assignment");
    alone.join();
  }
  {
    std::thread alone([&] { EXPECT_TRUE(absl::IsCancelled(members[1].Join(1, 2, members.first()).status())); });
    members[1].cancellation.Cancel("another assignment");
    alone.join();
  }
  Members others(2);
  const std::vector<std::unique_ptr<JoinedGroup>> joined = others.JoinAll();
  std::thread waits([&] {
    std::vector<float> numbers(100);
    EXPECT_TRUE(absl::IsCancelled(joined[1]->group().Sum(numbers)));
  });
  others[1].cancellation.Cancel("another assignment");
  waits.join();
  EXPECT_TRUE(IsGroupBroken(joined[0]->group().Gather("").status()));
}

// One stream of a stranger's making.
absl::Status JoinAs(const std::string& address, const v1::JoinRequest& request) {
  const auto stub = v1::Ranks::NewStub(MakeChannel(address));
  grpc::ClientContext context;
  const auto reader = stub->Join(&context, request);
  v1::Roster roster;
  while (reader->Read(&roster)) {
  }
  return FromGrpc(reader->Finish());
}

TEST(JoinGroup, OtherStagesEpochsRanksAndReleasesAreRefused) {
  Members members(2);
  std::thread waits([&] { members[0].Join(0, 2, "").status().IgnoreError(); });
  const auto refused = [&](const std::function<void(v1::JoinRequest&)>& change) {
    v1::JoinRequest request;
    request.set_protocol_version(kProtocolVersion);
    *request.mutable_stage() = Stage(7);
    request.set_rank(1);
    change(request);
    absl::Status status;
    do {  // until rank 0 is there, too
      status = JoinAs(members.first(), request);
    } while (absl::StrContains(status.message(), "not rank 0") && !absl::StrContains(status.message(), "but of"));
    return status.ToString();
  };
  EXPECT_THAT(refused([](auto& request) { request.set_protocol_version(1); }), HasSubstr("protocol version 1"));
  EXPECT_THAT(refused([](auto& request) { *request.mutable_stage() = Stage(6); }), HasSubstr("epoch 6, but of"));
  EXPECT_THAT(refused([](auto& request) { request.set_rank(0); }), HasSubstr("rank: found 0, expected 1 to 1"));
  EXPECT_THAT(refused([](auto& request) { request.set_rank(2); }), HasSubstr("rank: found 2"));
  EXPECT_THAT(refused([](auto& request) { request.set_rank(-1); }), HasSubstr("rank: found -1"));
  EXPECT_THAT(refused([](auto& request) { request.set_addresses(std::string(1 << 17, 'x')); }),
              HasSubstr("addresses of 131072 bytes"));
  members[0].cancellation.Cancel("enough");
  waits.join();
}

TEST(JoinGroup, AddressesThatAreNoneFailTheMeetingAndNothingElse) {
  Members members(2);
  absl::Status first;
  std::thread waits([&] { first = members[0].Join(0, 2, "").status(); });
  v1::JoinRequest request;
  request.set_protocol_version(kProtocolVersion);
  *request.mutable_stage() = Stage(7);
  request.set_rank(1);
  char host[256] = "";
  ASSERT_EQ(gethostname(host, sizeof(host) - 1), 0);
  request.set_host(host);
  request.set_addresses("nonsense");
  while (absl::IsFailedPrecondition(JoinAs(members.first(), request))) {
  }
  waits.join();
  EXPECT_THAT(std::string(first.message()), HasSubstr("rank 1 gave 8 bytes of addresses"));
  // They can meet all the same.
  const std::vector<std::unique_ptr<JoinedGroup>> joined = members.JoinAll();
  std::thread second([&] { EXPECT_TRUE(joined[1]->group().Gather("b").ok()); });
  const auto gathered = joined[0]->group().Gather("a");
  second.join();
  ASSERT_TRUE(gathered.ok()) << gathered.status();
  EXPECT_THAT(*gathered, ElementsAre("a", "b"));
}

}  // namespace
}  // namespace understudy
