// A set of child processes, whose output and ends are waited for in one place, together with signals and wake-ups.
#ifndef UNDERSTUDY_CLI_PROCESS_GROUP_H_
#define UNDERSTUDY_CLI_PROCESS_GROUP_H_

#include <signal.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/child_process.h"
#include "common/process/file_descriptor.h"

namespace understudy {

struct ProcessEvent {
  enum class Kind {
    kOutput,   // a line that a child wrote to its standard output
    kError,    // a line that a child wrote to its standard error
    kExit,     // a child has ended, and all that it wrote has been reported
    kSignal,   // SIGINT, SIGTERM or SIGHUP came
    kWake,     // Wake was called
    kTimeout,  // nothing of these in time
  };
  Kind kind = Kind::kTimeout;
  int child = -1;       // kOutput, kError, kExit: as Start numbered it
  std::string text;     // kOutput, kError: the line; kExit: how it ended
  bool killed = false;  // kExit: by a signal
};

// Turns what happens to the children, and the signals of the terminal, into one stream of events. Only Wake may be
// called from other threads.
//
// From its making to its end, the calling thread and the threads that it starts have the terminal's signals blocked.
// SIGINT, SIGTERM and SIGHUP become events. SIGTSTP (Ctrl-Z) stops the children and then this process; the children go
// on when this process does. SIGHUP is left alone if it is ignored, as under nohup.
class ProcessGroup {
 public:
  static absl::StatusOr<std::unique_ptr<ProcessGroup>> Make();
  // Kills and reaps what still runs.
  ~ProcessGroup();

  // Starts a child, and returns its number: 0, 1, 2 …
  absl::StatusOr<int> Start(const std::string& program, const std::vector<std::string>& arguments);

  // Starts another program in place of a child, under the same number. The child's kExit must have been taken.
  absl::Status Replace(int child, const std::string& program, const std::vector<std::string>& arguments);

  // Blocks until something has happened, at most until `deadline`.
  ProcessEvent Next(absl::Time deadline);

  // Makes Next return kWake, once. Thread-safe.
  void Wake();

  // Asks all children to end (SIGTERM), and kills those that are still there after `patience`, or when a signal comes.
  // Returns when all are reaped. `seen` gets the events on the way, such as lines that the children write.
  void Stop(absl::Duration patience, const std::function<void(const ProcessEvent&)>& seen);

 private:
  struct Child {
    explicit Child(ChildProcess started) : process(std::move(started)) {}
    ChildProcess process;
    bool reported = false;  // its kExit is queued or taken
  };

  ProcessGroup(FileDescriptor signals, FileDescriptor wake, const sigset_t& previous_mask);
  bool AnyRunning() const;
  // Waits for descriptors, and queues what they say.
  void Poll(absl::Time deadline);
  void TakeSignal();
  // Stops the children, then this process; continues the children when this process is continued.
  void Suspend();
  void ReadLines(int child);
  void Queue(ProcessEvent::Kind kind, int child, std::string text);

  FileDescriptor signals_;
  FileDescriptor wake_;
  sigset_t previous_mask_;
  std::vector<std::unique_ptr<Child>> children_;
  std::deque<ProcessEvent> events_;  // bounded by what one Poll can read: it is called when this is empty
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_PROCESS_GROUP_H_
