// Which of the numbers 0, 1, 2 … (episodes, slots) are open, leased or done.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_LEASE_TABLE_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_LEASE_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace understudy {

// [begin, end)
struct NumberRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool contains(int64_t number) const { return begin <= number && number < end; }
  bool operator==(const NumberRange&) const = default;
};

// Pure, thread-compatible. Memory grows with what is leased or done out of order, not with the numbers done in order.
//
// Invariants: the ranges of two leases never overlap; a number is leased, open or done.
class LeaseTable {
 public:
  // Numbers below `limit` exist.
  explicit LeaseTable(int64_t limit);

  // Leases the lowest open numbers, contiguous ones, at most `most` of them, to `lease`, which must be new. nullopt:
  // none is open.
  std::optional<NumberRange> Take(uint64_t lease, int64_t most);

  // True the first time; false where the number was done before. Ends the number's lease, whoever holds it.
  bool Complete(int64_t number);

  bool IsDone(int64_t number) const;

  // A number that an earlier table has seen done: as if all numbers up to it had been leased, it were done, and the
  // others had been released. Memory grows with the gaps below it. Returns as Complete does.
  bool Restore(int64_t number);

  // The numbers of a lease that are not done, opened again for others. Unknown leases are fine.
  void Release(uint64_t lease);

  // The range that a lease was given; nullopt where it is unknown or over: released, or all of it done.
  std::optional<NumberRange> Find(uint64_t lease) const;

  // How many of its numbers are not done: 0 where Find gives nothing.
  int64_t remaining(uint64_t lease) const;

  // All numbers below this are done.
  int64_t done_prefix() const { return done_prefix_; }

  // Numbers from here on were never leased.
  int64_t next() const { return next_; }

  // Numbers below next() that were leased and are open again.
  int64_t reopened() const { return static_cast<int64_t>(reopened_.size()); }

  // Numbers below next() that are not done.
  int64_t unfinished() const { return next_ - done_prefix_ - static_cast<int64_t>(done_.size()); }

 private:
  struct Lease {
    NumberRange range;
    int64_t remaining = 0;
  };

  int64_t limit_;
  int64_t next_ = 0;
  int64_t done_prefix_ = 0;
  std::set<int64_t> done_;  // beyond the prefix
  std::set<int64_t> reopened_;
  std::map<uint64_t, Lease> leases_;
  std::map<int64_t, uint64_t> lease_by_begin_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_LEASE_TABLE_H_
