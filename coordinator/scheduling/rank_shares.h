// Which ranks the actors of a training stage serve, where several learners train it together.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_RANK_SHARES_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_RANK_SHARES_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace understudy {

// Where there are as many actors as ranks, or more, each serves one rank, and the ranks' numbers of actors differ by at
// most one. Where there are fewer, each rank is served by one actor, and the actors' numbers of ranks differ by at most
// one. Pure, thread-compatible. Add and Remove cost O(log n), Balance that and the number of ranks for each actor that
// came, went or moves.
class RankShares {
 public:
  // 0: a stage without learners, whose actors serve no rank.
  explicit RankShares(int ranks) : actors_of_(ranks) {}

  // Actors that are new, and that are known. Ranks change in Balance alone, for some of both may cancel out.
  void Add(const std::string& actor);
  void Remove(const std::string& actor);

  // Shares the ranks anew, with the fewest moves. Returns the actors whose ranks are others than before.
  std::set<std::string> Balance();

  size_t size() const { return ranks_of_.size(); }
  bool empty() const { return ranks_of_.empty(); }
  // By actor: the ranks that it serves, in ascending order; none before the first Balance since it came.
  const std::map<std::string, std::vector<int>>& ranks() const { return ranks_of_; }
  // The actor that can be taken away with the fewest moves of others. There must be one.
  const std::string& Spare() const;

 private:
  // An actor, if it is one of those that have changed, is preferred to others that serve as many.
  std::string LeastBurdened(const std::set<std::string>& changed) const;
  std::string MostBurdened() const;
  size_t FewestActors() const;
  size_t MostActors() const;
  void Give(const std::string& actor, size_t rank);
  void Take(const std::string& actor, size_t rank);
  void OneRankEach(std::set<std::string>& changed);
  void OneActorEach(std::set<std::string>& changed);

  std::map<std::string, std::vector<int>> ranks_of_;
  std::vector<std::set<std::string>> actors_of_;  // by rank
  std::set<std::string> unplaced_;                // actors that serve no rank yet
  bool several_ = false;                          // actors may serve several ranks
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_RANK_SHARES_H_
