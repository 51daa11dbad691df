// Keeps track of which of the numbers 0, 1, 2 … (episodes or slots of an order) are open, leased or done.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_LEASE_TABLE_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_LEASE_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace understudy {

// The numbers from `begin` up to, but without, `end`.
struct NumberRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool contains(int64_t number) const { return begin <= number && number < end; }
  bool operator==(const NumberRange&) const = default;
};

// A number is open at first, and again after its lease was released. It is leased to one request at a time. It is done
// once it has been completed, and stays so. The ranges of two leases never overlap.
//
// Pure, thread-compatible. Memory grows with the leases, and with the numbers that are done or reopened out of order.
// Numbers that are done in order cost nothing.
class LeaseTable {
 public:
  // The numbers below `limit` exist.
  explicit LeaseTable(int64_t limit);

  // Leases the lowest open number, and open ones that follow it without a gap, at most `most` in all. A lease of
  // reopened numbers ends before next(). `lease` is an id that was not used before. Returns the range; nullopt: no
  // number is open, or `most` is not positive.
  std::optional<NumberRange> Lease(uint64_t lease, int64_t most);

  // Marks a number below next() as done, whichever lease holds it. Returns false if it was done before.
  bool Complete(int64_t number);

  // Marks a number below the limit as done because it was done in an earlier table. Lower numbers that were never
  // leased stay open. Returns false if it was done before. Memory grows with the numbers that are left open.
  bool Restore(int64_t number);

  // Ends a lease, if it exists, and opens its numbers that are not done.
  void Release(uint64_t lease);

  // Returns the range that was leased; nullopt: there is no such lease, it was released, or all of it is done.
  std::optional<NumberRange> Find(uint64_t lease) const;

  // Returns how many numbers of a lease are not done; 0 where Find returns nullopt.
  int64_t remaining(uint64_t lease) const;

  bool IsDone(int64_t number) const;

  // Returns the lowest number that is not done.
  int64_t done_prefix() const { return done_prefix_; }

  // Returns one more than the highest number that was ever leased or restored; 0: none was.
  int64_t next() const { return next_; }

  // Returns how many numbers below next() are open.
  int64_t reopened() const { return static_cast<int64_t>(reopened_.size()); }

  // Returns how many numbers below next() are not done.
  int64_t unfinished() const { return next_ - done_prefix_ - static_cast<int64_t>(done_.size()); }

 private:
  struct Holding {
    NumberRange range;
    int64_t remaining = 0;
  };

  int64_t limit_;
  int64_t next_ = 0;
  int64_t done_prefix_ = 0;
  std::set<int64_t> done_;  // beyond the prefix
  std::set<int64_t> reopened_;
  std::map<uint64_t, Holding> leases_;
  std::map<int64_t, uint64_t> lease_by_begin_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_LEASE_TABLE_H_
