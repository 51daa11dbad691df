// A file that appears whole or not at all; or a device or pipe, which is written to as it is.
#ifndef UNDERSTUDY_CLI_OUTPUT_FILE_H_
#define UNDERSTUDY_CLI_OUTPUT_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/file_descriptor.h"

namespace understudy {

// A file is written beside its place, under the name with ".tmp" after it, until it is committed. Without that, nothing
// remains. Thread-compatible. Errors name the file.
class OutputFile {
 public:
  // ALREADY_EXISTS: a directory, or a file that may not be replaced. Where `path` is a link, what it leads to is meant.
  static absl::StatusOr<OutputFile> Create(const std::string& path, bool replace);

  OutputFile(OutputFile&&) = default;
  ~OutputFile();

  absl::Status Write(std::string_view bytes);

  // Makes it durable, and puts it in its place.
  absl::Status Commit();

 private:
  OutputFile(std::string path, std::string temporary, FileDescriptor fd);

  std::string path_;
  std::string temporary_;  // empty: a device or pipe
  FileDescriptor fd_;      // open until committed
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_OUTPUT_FILE_H_
