#include "actor/policy_cache.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/text.h"
#include "common/rollouts/dispatcher.h"

namespace understudy {
namespace {

absl::StatusOr<std::shared_ptr<const Policy>> MakePolicy(PolicySnapshot snapshot, std::shared_ptr<SpareMemory> spare) {
  const std::string name = absl::StrCat("policy ", snapshot.header.name(), "@", snapshot.header.version());
  // Where memory runs out, for one.
  try {
    auto policy = Policy::FromSnapshot(std::move(snapshot));
    if (!policy.ok()) return policy.status();
    return std::shared_ptr<const Policy>(new Policy(*std::move(policy)), [spare = std::move(spare)](Policy* unused) {
      spare->Give(std::move(*unused).ReleaseMemory());
      delete unused;
    });
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat(name, ": ", ErrorText(error.what())));
  }
}

}  // namespace

absl::Status PolicyCache::Add(const v1::PolicyChunk& chunk) {
  const auto snapshot = assembler_.Add(chunk);
  if (!snapshot.ok()) return snapshot.status();
  if (*snapshot == nullptr) return absl::OkStatus();
  const std::string name = (*snapshot)->header.name();
  const int64_t version = (*snapshot)->header.version();
  entries_.push_back({name, version, MakePolicy(std::move(**snapshot), spare_)});
  if (entries_.size() > kPoliciesPerStream) entries_.pop_front();
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Policy>> PolicyCache::Find(const std::string& name, int64_t version) const {
  const auto found = std::find_if(entries_.rbegin(), entries_.rend(),
                                  [&](const Entry& entry) { return entry.name == name && entry.version == version; });
  if (found == entries_.rend()) {
    return absl::NotFoundError(absl::StrCat("policy ", name, "@", version, " was not sent before its request"));
  }
  return found->policy;
}

}  // namespace understudy
