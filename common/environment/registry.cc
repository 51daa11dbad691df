#include "common/environment/registry.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/environment/cartpole.h"

namespace understudy {
namespace {

struct Entry {
  std::string_view name;
  int64_t max_episode_steps;
  void (*declare_spaces)(v1::EnvironmentSpec& spec);
  std::unique_ptr<Environment> (*make)(int64_t max_episode_steps);
};

// The environments, by name, ascending. A new one is a line here.
constexpr Entry kEnvironments[] = {
    {"CartPole-v0", 200, CartPole::DeclareSpaces, CartPole::Make},
    {"CartPole-v1", 500, CartPole::DeclareSpaces, CartPole::Make},
};

absl::StatusOr<const Entry*> Find(std::string_view name) {
  for (const Entry& entry : kEnvironments) {
    if (entry.name == name) return &entry;
  }
  return absl::NotFoundError(absl::StrCat("environment: found \"", std::string(name), "\", expected one of ",
                                          absl::StrJoin(EnvironmentNames(), ", ")));
}

}  // namespace

std::vector<std::string> EnvironmentNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kEnvironments) names.emplace_back(entry.name);
  return names;
}

absl::StatusOr<v1::EnvironmentSpec> FindEnvironmentSpec(std::string_view name) {
  const absl::StatusOr<const Entry*> entry = Find(name);
  if (!entry.ok()) return entry.status();
  v1::EnvironmentSpec spec;
  spec.set_name(std::string((*entry)->name));
  spec.set_max_episode_steps((*entry)->max_episode_steps);
  (*entry)->declare_spaces(spec);
  return spec;
}

absl::StatusOr<std::unique_ptr<Environment>> MakeEnvironment(std::string_view name) {
  const absl::StatusOr<const Entry*> entry = Find(name);
  if (!entry.ok()) return entry.status();
  return (*entry)->make((*entry)->max_episode_steps);
}

}  // namespace understudy
