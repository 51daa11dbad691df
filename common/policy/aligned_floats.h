// A vector of floats that begins at a cache line.
#ifndef UNDERSTUDY_COMMON_POLICY_ALIGNED_FLOATS_H_
#define UNDERSTUDY_COMMON_POLICY_ALIGNED_FLOATS_H_

#include <cstddef>
#include <new>
#include <vector>

namespace understudy {

// The length of a cache line, and of the longest vector register. If the rows of a matrix are multiples of it, no
// vector register's worth of numbers lies in two lines. That would cost two accesses.
inline constexpr std::align_val_t kCacheLine{64};

template <typename T>
struct CacheLineAllocator {
  using value_type = T;

  CacheLineAllocator() = default;
  template <typename Other>
  explicit CacheLineAllocator(const CacheLineAllocator<Other>&) {}

  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), kCacheLine)); }
  void deallocate(T* numbers, size_t) { ::operator delete(numbers, kCacheLine); }
  bool operator==(const CacheLineAllocator&) const { return true; }
};

using AlignedFloats = std::vector<float, CacheLineAllocator<float>>;

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_ALIGNED_FLOATS_H_
