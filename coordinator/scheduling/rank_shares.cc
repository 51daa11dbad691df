#include "coordinator/scheduling/rank_shares.h"

#include <algorithm>
#include <utility>

namespace understudy {
namespace {

bool Fewer(const std::set<std::string>& a, const std::set<std::string>& b) { return a.size() < b.size(); }

}  // namespace

void RankShares::Add(const std::string& actor) {
  ranks_of_[actor];
  if (!actors_of_.empty()) unplaced_.insert(actor);
}

void RankShares::Remove(const std::string& actor) {
  const auto found = ranks_of_.find(actor);
  if (found == ranks_of_.end()) return;
  for (const int rank : found->second) actors_of_[rank].erase(actor);
  unplaced_.erase(actor);
  ranks_of_.erase(found);
}

std::set<std::string> RankShares::Balance() {
  std::set<std::string> changed;
  if (actors_of_.empty() || empty()) return changed;
  if (size() >= actors_of_.size()) {
    OneRankEach(changed);
  } else {
    OneActorEach(changed);
  }
  return changed;
}

const std::string& RankShares::Spare() const {
  if (!unplaced_.empty()) return *unplaced_.rbegin();
  if (actors_of_.empty()) return ranks_of_.rbegin()->first;
  if (size() >= actors_of_.size()) return *actors_of_[MostActors()].rbegin();
  // The last of those with the fewest ranks.
  return std::min_element(ranks_of_.rbegin(), ranks_of_.rend(),
                          [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); })
      ->first;
}

void RankShares::OneRankEach(std::set<std::string>& changed) {
  if (std::exchange(several_, false)) {
    for (const auto& [actor, ranks] : ranks_of_) {
      while (ranks.size() > 1) {
        Unassign(actor, ranks.back());
        changed.insert(actor);
      }
    }
  }
  for (const std::string& actor : std::exchange(unplaced_, {})) {
    Assign(actor, FewestActors());
    changed.insert(actor);
  }
  while (actors_of_[MostActors()].size() > actors_of_[FewestActors()].size() + 1) {
    const size_t from = MostActors();
    const std::string actor = *actors_of_[from].rbegin();
    Unassign(actor, from);
    Assign(actor, FewestActors());
    changed.insert(actor);
  }
}

void RankShares::OneActorEach(std::set<std::string>& changed) {
  several_ = true;
  changed.merge(unplaced_);
  unplaced_.clear();
  for (size_t rank = 0; rank < actors_of_.size(); ++rank) {
    while (actors_of_[rank].size() > 1) {
      const std::string actor = *actors_of_[rank].rbegin();
      Unassign(actor, rank);
      changed.insert(actor);
    }
  }
  for (size_t rank = 0; rank < actors_of_.size(); ++rank) {
    if (!actors_of_[rank].empty()) continue;
    const std::string actor = LeastBurdened(changed);
    Assign(actor, rank);
    changed.insert(actor);
  }
  while (true) {
    const std::string from = MostBurdened();
    const std::string to = LeastBurdened(changed);
    if (ranks_of_.at(from).size() <= ranks_of_.at(to).size() + 1) return;
    const size_t rank = ranks_of_.at(from).back();
    Unassign(from, rank);
    Assign(to, rank);
    changed.insert({from, to});
  }
}

std::string RankShares::LeastBurdened(const std::set<std::string>& changed) const {
  const auto key = [&changed](const auto& entry) {
    return std::pair(entry.second.size(), !changed.contains(entry.first));
  };
  return std::min_element(ranks_of_.begin(), ranks_of_.end(),
                          [&key](const auto& a, const auto& b) { return key(a) < key(b); })
      ->first;
}

std::string RankShares::MostBurdened() const {
  return std::max_element(ranks_of_.begin(), ranks_of_.end(),
                          [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); })
      ->first;
}

size_t RankShares::FewestActors() const {
  return std::min_element(actors_of_.begin(), actors_of_.end(), Fewer) - actors_of_.begin();
}

size_t RankShares::MostActors() const {
  return std::max_element(actors_of_.begin(), actors_of_.end(), Fewer) - actors_of_.begin();
}

void RankShares::Assign(const std::string& actor, size_t rank) {
  std::vector<int>& ranks = ranks_of_.at(actor);
  ranks.insert(std::upper_bound(ranks.begin(), ranks.end(), static_cast<int>(rank)), static_cast<int>(rank));
  actors_of_[rank].insert(actor);
}

void RankShares::Unassign(const std::string& actor, size_t rank) {
  std::erase(ranks_of_.at(actor), static_cast<int>(rank));
  actors_of_[rank].erase(actor);
}

}  // namespace understudy
