#include "common/process/log_fields.h"

#include <utility>

#include "common/process/mutex.h"

namespace understudy {
namespace {

thread_local const LogScope* innermost = nullptr;

struct ProcessFields {
  Mutex mutex;
  std::string worker ABSL_GUARDED_BY(mutex);
};

// Never destroyed: threads may still log at the process's end.
ProcessFields& Process() {
  static ProcessFields& fields = *new ProcessFields;
  return fields;
}

}  // namespace

LogScope::LogScope(LogFields fields) : outer_(std::exchange(innermost, this)), fields_(std::move(fields)) {
  if (outer_ == nullptr) return;
  if (fields_.experiment.empty()) fields_.experiment = outer_->fields_.experiment;
  if (fields_.epoch == 0) fields_.epoch = outer_->fields_.epoch;
  if (fields_.worker.empty()) fields_.worker = outer_->fields_.worker;
}

LogScope::~LogScope() { innermost = outer_; }

void SetLogWorker(const std::string& worker) {
  ProcessFields& process = Process();
  MutexLock lock(process.mutex);
  process.worker = worker;
}

LogFields CurrentLogFields() {
  LogFields fields = innermost == nullptr ? LogFields() : innermost->fields_;
  if (!fields.worker.empty()) return fields;
  ProcessFields& process = Process();
  MutexLock lock(process.mutex);
  fields.worker = process.worker;
  return fields;
}

}  // namespace understudy
