// What all fuzzers use. A fuzzer is LLVMFuzzerTestOneInput: it reads anything, and aborts where something is wrong.
#ifndef UNDERSTUDY_TESTS_FUZZ_FUZZ_H_
#define UNDERSTUDY_TESTS_FUZZ_FUZZ_H_

#include <google/protobuf/stubs/logging.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "absl/status/status.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace understudy::fuzz {

// Protobuf writes a line for every text that is no UTF-8: most of the time would go there.
inline const auto kFormerLogHandler = google::protobuf::SetLogHandler(nullptr);

// A property that must hold whatever the input is.
inline void Require(bool holds, const char* property, const std::string& found = "") {
  if (holds) return;
  std::fprintf(stderr, "violated: %s %s\n", property, found.c_str());
  std::abort();
}

// Refusals of what comes from outside blame it, and say why.
inline void RequireRefusal(const absl::Status& status) {
  Require(absl::IsInvalidArgument(status) || absl::IsDataLoss(status), "a refusal is INVALID_ARGUMENT or DATA_LOSS",
          status.ToString());
  Require(!status.message().empty(), "a refusal says what is wrong");
  Require(status.message().size() < 4096, "a refusal is short, whatever it refuses");
}

// Takes an input apart, front to back. Past the end everything is zero and empty.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }
  uint8_t Byte() { return Number<uint8_t>(); }

  template <typename T>
  T Number() {
    T number = 0;
    const std::string_view bytes = Take(sizeof(T));
    if (!bytes.empty()) std::memcpy(&number, bytes.data(), bytes.size());
    return number;
  }

  std::string_view Take(size_t most) {
    const std::string_view part = rest_.substr(0, most);
    rest_.remove_prefix(part.size());
    return part;
  }

  // Two bytes of length, then so many.
  std::string_view Piece() { return Take(Number<uint16_t>()); }
  std::string_view Rest() { return Take(rest_.size()); }

 private:
  std::string_view rest_;
};

// Puts one together, for seeds: the reverse of Input.
class Output {
 public:
  template <typename T>
  Output& Number(T number) {
    bytes_.append(reinterpret_cast<const char*>(&number), sizeof(number));
    return *this;
  }
  Output& Byte(uint8_t byte) { return Number(byte); }
  Output& Piece(std::string_view bytes) { return Number(static_cast<uint16_t>(bytes.size())).Bytes(bytes); }
  Output& Bytes(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace understudy::fuzz

#endif  // UNDERSTUDY_TESTS_FUZZ_FUZZ_H_
