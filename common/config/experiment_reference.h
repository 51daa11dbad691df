// The list of all keys of an experiment file, which `understudy experiments keys` prints.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_REFERENCE_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_REFERENCE_H_

#include <string>

namespace understudy {

// Lists every key with its default, the values that it may have, and its meaning. Every map has a section of its own.
// The text is made from the schema that reads the files (experiments.proto), so it is always complete.
std::string ExperimentReference();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_REFERENCE_H_
