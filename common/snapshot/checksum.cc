#include "common/snapshot/checksum.h"

// All of it here: no library that programs would have to load.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/strings/str_format.h"

namespace understudy {

struct RunningChecksum::State : XXH3_state_t {};

RunningChecksum::RunningChecksum() : state_(std::make_unique<State>()) { Reset(); }

RunningChecksum::~RunningChecksum() = default;

void RunningChecksum::Add(std::string_view bytes) { XXH3_64bits_update(state_.get(), bytes.data(), bytes.size()); }

uint64_t RunningChecksum::Value() const { return XXH3_64bits_digest(state_.get()); }

void RunningChecksum::Reset() { XXH3_64bits_reset(state_.get()); }

uint64_t Checksum(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::string ChecksumText(uint64_t checksum) { return absl::StrFormat("%016x", checksum); }

}  // namespace understudy
