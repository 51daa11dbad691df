// Addresses and policy references as users and peers write them: what is understood, written again, is the same.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/rpc/address.h"
#include "common/rpc/channel.h"
#include "common/snapshot/policy_snapshot.h"
#include "tests/fuzz/fuzz.h"

namespace understudy {
namespace {

void CheckAddress(const std::string& text) {
  const auto address = ParseAddress(text);
  if (!address.ok()) {
    fuzz::RequireRefusal(address.status());
    fuzz::Require(!ValidateAddress(text).ok(), "nobody can connect to what is no address");
    return;
  }
  fuzz::Require(address->port >= 0 && address->port <= 65535, "ports are ports");
  const auto again = ParseAddress(FormatAddress(address->host, address->port));
  fuzz::Require(again.ok() && again->host == address->host && again->port == address->port, "as it was");
  const absl::Status valid = ValidateAddress(text);
  fuzz::Require(valid.ok() == (address->port > 0), "every port but 0 can be connected to");
}

void CheckReference(const std::string& text) {
  const auto reference = ParsePolicyReference(text);
  if (!reference.ok()) return fuzz::RequireRefusal(reference.status());
  fuzz::Require(IsValidName(reference->name) && reference->version >= 0, "a name and a version");
  const std::string written =
      reference->version == 0 ? reference->name : absl::StrCat(reference->name, "@", reference->version);
  const auto again = ParsePolicyReference(written);
  fuzz::Require(again.ok() && again->name == reference->name && again->version == reference->version, "as it was");
}

}  // namespace
}  // namespace understudy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  understudy::CheckAddress(text);
  understudy::CheckReference(text);
  return 0;
}
