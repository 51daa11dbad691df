// A checkpoint's content, as a learner gets it from a store that may be damaged: what ParseCheckpoint lets pass has
// every column that training goes on from, finite, and stays what it was when it is written again.
#include <google/protobuf/util/message_differencer.h>

#include <cmath>
#include <cstring>
#include <string>

#include "learner/checkpoint.h"
#include "tests/fuzz/fuzz.h"

namespace understudy {
namespace {

void CheckFloats(const std::string& column, size_t bytes) {
  fuzz::Require(column.size() == bytes, "columns are as long as the parameters");
  for (size_t at = 0; at < column.size(); at += sizeof(float)) {
    float number = 0;
    std::memcpy(&number, column.data() + at, sizeof(number));
    fuzz::Require(std::isfinite(number), "and finite");
  }
}

void CheckValid(const v1::Checkpoint& checkpoint) {
  const size_t bytes = checkpoint.parameters().size();
  fuzz::Require(bytes > 0 && bytes % sizeof(float) == 0, "parameters are whole floats");
  CheckFloats(checkpoint.parameters(), bytes);
  CheckFloats(checkpoint.optimizer().first_moments(), bytes);
  CheckFloats(checkpoint.optimizer().second_moments(), bytes);
  fuzz::Require(checkpoint.iteration() >= 1 && checkpoint.updates() >= 0 && checkpoint.seconds() >= 0, "counts");
  if (checkpoint.has_ppo()) {
    const v1::PpoState& ppo = checkpoint.ppo();
    fuzz::Require(ppo.slots_size() > 0 && ppo.running_returns_size() == ppo.slots_size(), "a return for each slot");
    for (int i = 0; i < ppo.slots_size(); ++i) {
      fuzz::Require(ppo.slots(i).slot() == i && ppo.slots(i).steps() == ppo.slots(0).steps(), "slots in step");
    }
  } else {
    fuzz::Require(checkpoint.has_bc(), "there is an algorithm's state");
    const v1::BcEpoch& best = checkpoint.bc().best();
    // Those of the last epoch are the checkpoint's.
    if (checkpoint.bc().has_best()) CheckFloats(best.parameters(), best.epoch() == checkpoint.iteration() ? 0 : bytes);
  }
}

}  // namespace
}  // namespace understudy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  const auto checkpoint = ParseCheckpoint({reinterpret_cast<const char*>(data), size});
  if (!checkpoint.ok()) {
    fuzz::RequireRefusal(checkpoint.status());
    return 0;
  }
  CheckValid(*checkpoint);
  const auto again = ParseCheckpoint(checkpoint->SerializeAsString());
  fuzz::Require(again.ok() && google::protobuf::util::MessageDifferencer::Equals(*again, *checkpoint),
                "it can be written again");
  return 0;
}
