// An experiment file, and the same experiment from the wire: what is accepted is valid, stays so, and is complete.
#include <google/protobuf/util/message_differencer.h>

#include <string>

#include "common/config/experiment_file.h"
#include "common/config/experiment_validation.h"
#include "tests/fuzz/fuzz.h"

namespace understudy {
namespace {

void RequireOneLine(const absl::Status& status) {
  fuzz::Require(absl::IsInvalidArgument(status), "a bad file is INVALID_ARGUMENT", status.ToString());
  const std::string message(status.message());
  fuzz::Require(message.starts_with("f.yaml:"), "names file and line", message);
  for (const char c : message) {
    // Our own words may hold other letters; control characters could only come from the file.
    fuzz::Require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "is one line of printable text", message);
  }
  fuzz::Require(message.size() < 4096, "is short", message);
}

}  // namespace
}  // namespace understudy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto experiment = ParseExperiment(text, "f.yaml");
  if (!experiment.ok()) {
    RequireOneLine(experiment.status());
  } else {
    fuzz::Require(ValidateExperiment(*experiment).ok(), "what is accepted is valid");
    v1::ExperimentSpec again = *experiment;
    FillInDefaults(again);
    fuzz::Require(google::protobuf::util::MessageDifferencer::Equals(again, *experiment), "and has its defaults");
    v1::ExperimentSpec sent;
    fuzz::Require(sent.ParseFromString(experiment->SerializeAsString()), "and arrives over the wire");
    fuzz::Require(ValidateExperiment(sent).ok(), "as valid as it was");
  }
  // The same bytes as a message: what Submit gets.
  v1::ExperimentSpec spec;
  if (!spec.ParseFromString(text)) return 0;
  FillInDefaults(spec);
  if (const absl::Status valid = ValidateExperiment(spec); !valid.ok()) fuzz::RequireRefusal(valid);
  return 0;
}
