// What the benchmark programs have in common: one JSON object on standard output, or an error and exit status 1.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_PROGRAM_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_PROGRAM_H_

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace understudy::benchmarks {

// The exit status.
inline int PrintFound(const char* program, const absl::StatusOr<nlohmann::json>& found) {
  if (!found.ok()) {
    std::fprintf(stderr, "%s: %s\n", program, std::string(found.status().message()).c_str());
    return 1;
  }
  std::printf("%s\n", found->dump().c_str());
  return 0;
}

}  // namespace understudy::benchmarks

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_PROGRAM_H_
