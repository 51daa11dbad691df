// A file descriptor that is closed with its owner.
#ifndef UNDERSTUDY_COMMON_PROCESS_FILE_DESCRIPTOR_H_
#define UNDERSTUDY_COMMON_PROCESS_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace understudy {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  // Takes it over; -1: none.
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_FILE_DESCRIPTOR_H_
