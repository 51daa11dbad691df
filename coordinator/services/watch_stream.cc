#include "coordinator/services/watch_stream.h"

#include <utility>

#include "common/rpc/channel.h"

namespace understudy {

WatchStream* WatchStream::Begin(Coordinator& coordinator, const std::string& experiment) {
  std::shared_ptr<WatchStream> stream(new WatchStream(coordinator, experiment));
  stream->self_ = stream;
  coordinator.Watch(experiment, stream);
  return stream.get();
}

void WatchStream::Show(const v1::Experiment& experiment) {
  MutexLock lock(mutex_);
  if (close_) return;
  pending_ = experiment;
  if (IsAtRest(experiment.status())) close_ = absl::OkStatus();
  Proceed();
}

void WatchStream::Close(absl::Status status) {
  MutexLock lock(mutex_);
  if (!close_) close_ = std::move(status);
  Proceed();
}

void WatchStream::Proceed() {
  if (writing_ || finished_) return;
  if (pending_) {
    outgoing_ = *std::exchange(pending_, std::nullopt);
    writing_ = true;
    StartWrite(&outgoing_);
  } else if (close_) {
    finished_ = true;
    Finish(ToGrpc(*close_));
  }
}

void WatchStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  if (!ok) {
    pending_.reset();
    close_ = absl::UnavailableError("the stream is broken");
  }
  Proceed();
}

void WatchStream::OnCancel() {
  MutexLock lock(mutex_);
  pending_.reset();
  if (!close_) close_ = absl::CancelledError("the watcher has gone");
  Proceed();
}

void WatchStream::OnDone() { coordinator_.Unwatch(experiment_, std::exchange(self_, nullptr)); }

}  // namespace understudy
