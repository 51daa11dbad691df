// Decides which ranks the actors of one training stage serve, if several learners train it together.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_RANK_SHARES_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_RANK_SHARES_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace understudy {

// With at least as many actors as ranks, each actor serves one rank, and the ranks' numbers of actors differ by at most
// one. With fewer actors, each rank is served by one actor, and the actors' numbers of ranks differ by at most one.
//
// Pure, thread-compatible. Add and Remove cost O(log n). Balance costs O(log n) and the number of ranks for each actor
// that came, went or moves.
class RankShares {
 public:
  // `ranks` = 0: the stage has no learners, and its actors serve no rank.
  explicit RankShares(int ranks) : actors_of_(ranks) {}

  // Add an actor, which must be new, or remove one. Ranks change only in Balance: the two may cancel out.
  void Add(const std::string& actor);
  void Remove(const std::string& actor);

  // Balances the ranks with the fewest moves. Returns the actors whose ranks have changed.
  std::set<std::string> Balance();

  size_t size() const { return ranks_of_.size(); }
  bool empty() const { return ranks_of_.empty(); }
  // Returns the ranks of each actor, in ascending order; none before the first Balance after it came.
  const std::map<std::string, std::vector<int>>& ranks() const { return ranks_of_; }
  // Returns the actor whose removal moves the fewest others. There must be an actor.
  const std::string& Spare() const;

 private:
  // Returns an actor with the fewest ranks, if possible one of `changed`.
  std::string LeastBurdened(const std::set<std::string>& changed) const;
  std::string MostBurdened() const;
  size_t FewestActors() const;
  size_t MostActors() const;
  void Assign(const std::string& actor, size_t rank);
  void Unassign(const std::string& actor, size_t rank);
  void OneRankEach(std::set<std::string>& changed);
  void OneActorEach(std::set<std::string>& changed);

  std::map<std::string, std::vector<int>> ranks_of_;
  std::vector<std::set<std::string>> actors_of_;  // by rank
  std::set<std::string> unplaced_;                // actors that serve no rank yet
  bool several_ = false;                          // actors may serve several ranks
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_RANK_SHARES_H_
