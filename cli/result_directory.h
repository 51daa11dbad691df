// The data directory of `understudy run`.
#ifndef UNDERSTUDY_CLI_RESULT_DIRECTORY_H_
#define UNDERSTUDY_CLI_RESULT_DIRECTORY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace understudy {

// Making it is the coordinator's business. Unless it is kept, it goes when this is destroyed, with its parents as far
// as they were not there before and nobody else uses them; what was there when this was made stays. Make it before the
// processes that write to it. Thread-compatible.
class ResultDirectory {
 public:
  // `given`, or, where that is empty, a new name: understudy-data/EXPERIMENT-YYYYmmdd-HHMMSS-PID, in UTC.
  ResultDirectory(const std::string& given, const std::string& experiment, absl::Time now);
  ~ResultDirectory();
  ResultDirectory(const ResultDirectory&) = delete;
  ResultDirectory& operator=(const ResultDirectory&) = delete;

  const std::string& path() const { return path_; }
  void Keep() { missing_.clear(); }

 private:
  std::string path_;
  std::vector<std::string> missing_;  // it and its parents, innermost first, that were not there
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_RESULT_DIRECTORY_H_
