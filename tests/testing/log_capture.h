// Captures what the code under test logs.
#ifndef UNDERSTUDY_TESTS_TESTING_LOG_CAPTURE_H_
#define UNDERSTUDY_TESTS_TESTING_LOG_CAPTURE_H_

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy::testing {

// Takes the place of the default logger while it lives. There may be one at a time. Make it before threads that log,
// and let it outlive them.
class LogCapture {
 public:
  LogCapture() : sink_(std::make_shared<Sink>()), before_(spdlog::default_logger()) {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink_));
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }

  // Waits until `wanted` has been logged. Returns false after thirty seconds.
  bool Await(const std::string& wanted) { return sink_->Await(wanted); }
  // Returns all messages so far, a line each.
  std::string text() { return sink_->text(); }

 private:
  class Sink final : public spdlog::sinks::base_sink<std::mutex> {
   public:
    bool Await(const std::string& wanted) {
      MutexLock lock(text_mutex_);
      const absl::Time deadline = absl::Now() + absl::Seconds(30);
      while (text_.find(wanted) == std::string::npos) {
        if (absl::Now() >= deadline) return false;
        changed_.WaitFor(text_mutex_, deadline - absl::Now());
      }
      return true;
    }
    std::string text() {
      MutexLock lock(text_mutex_);
      return text_;
    }

   private:
    void sink_it_(const spdlog::details::log_msg& message) override {
      MutexLock lock(text_mutex_);
      text_.append(message.payload.data(), message.payload.size()).append("\n");
      changed_.NotifyAll();
    }
    void flush_() override {}

    Mutex text_mutex_;
    CondVar changed_;
    std::string text_ ABSL_GUARDED_BY(text_mutex_);
  };

  std::shared_ptr<Sink> sink_;
  std::shared_ptr<spdlog::logger> before_;
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_LOG_CAPTURE_H_
