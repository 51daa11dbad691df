// The keys of an experiment file, for people.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_REFERENCE_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_REFERENCE_H_

#include <string>

namespace understudy {

// Every key with its default and what it may hold, a section for each map; made from the schema that files are read by.
std::string ExperimentReference();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_REFERENCE_H_
