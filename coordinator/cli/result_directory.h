// The data directory of `understudy run`.
#ifndef UNDERSTUDY_COORDINATOR_CLI_RESULT_DIRECTORY_H_
#define UNDERSTUDY_COORDINATOR_CLI_RESULT_DIRECTORY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace understudy {

// Unless it is kept, whatever the run has made of it goes when this is destroyed; what was there before stays. Make it
// before the processes that write to it. Thread-compatible.
class ResultDirectory {
 public:
  // `given`, or, where that is empty, a new name below understudy-data/, which is made where it is missing:
  // NAME-YYYYmmdd-HHMMSS-PID, in UTC. The directory itself is the coordinator's to make. PERMISSION_DENIED and the like
  // say what to do.
  static absl::StatusOr<ResultDirectory> Choose(const std::string& given, const std::string& experiment,
                                                absl::Time now);

  ResultDirectory(ResultDirectory&& other) noexcept;
  ~ResultDirectory();

  const std::string& path() const { return path_; }
  void Keep() { kept_ = true; }

 private:
  ResultDirectory(std::string path, bool kept, std::string made_parent);

  std::string path_;
  bool kept_;
  std::string made_parent_;  // empty: it was there
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_CLI_RESULT_DIRECTORY_H_
