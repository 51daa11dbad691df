// A file that a program writes: it appears at its place whole, or not at all.
#ifndef UNDERSTUDY_COMMON_PROCESS_OUTPUT_FILE_H_
#define UNDERSTUDY_COMMON_PROCESS_OUTPUT_FILE_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/process/file_descriptor.h"

namespace understudy {

// A file that is written out of sight until Commit puts it in its place, synced. Without Commit, nothing remains.
//
// Several processes may write to one place at a time: each writes a file of its own, and the place has one of these
// files whole, the last one that was committed. The file that is being written has no name (O_TMPFILE), so that even
// SIGKILL leaves nothing behind. On file systems without such files it has a random name in the same directory. A
// signal that ends the process by default (such as SIGINT, SIGTERM and SIGHUP) removes that name first.
//
// A device or pipe is written to directly. If the place is a link, the file that it leads to is written. A new file
// takes over the permissions of the file that it replaces, and its owner as far as the process may give files away.
// Other hard links to the replaced file keep the old content.
//
// Thread-compatible. Errors name the file as it was given to Create.
class OutputFile {
 public:
  struct Options {
    bool replace = false;  // a file that is there already
    bool named = false;    // do as on a file system without O_TMPFILE; for tests
  };

  // Begins a file that is to be at `path`.
  // ALREADY_EXISTS: there is a directory, or a file that may not be replaced.
  static absl::StatusOr<OutputFile> Create(const std::string& path, const Options& options);

  OutputFile(OutputFile&&) noexcept;
  ~OutputFile();

  absl::Status Write(std::string_view bytes);

  // Syncs the file and puts it in its place.
  // ALREADY_EXISTS: a file that may not be replaced has appeared there since Create. It stays as it is.
  absl::Status Commit();

 private:
  class TemporaryName;

  OutputFile();
  absl::Status OpenTemporary(const Options& options, mode_t mode);
  absl::Status Replace();
  absl::Status PutWhereNothingIs();

  std::string path_;    // as given, for messages
  std::string target_;  // where the file is to be, links followed; empty: a device or pipe
  bool replace_ = false;
  FileDescriptor fd_;
  std::unique_ptr<TemporaryName> name_;  // nullptr: the file has no name yet
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_OUTPUT_FILE_H_
