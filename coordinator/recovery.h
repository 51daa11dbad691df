// What a coordinator does with the store that an earlier one left.
#ifndef UNDERSTUDY_COORDINATOR_RECOVERY_H_
#define UNDERSTUDY_COORDINATOR_RECOVERY_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/storage/store.h"

namespace understudy {

// Marks experiments that have not finished FAILED, and deletes datasets that are not complete: nobody collects them any
// more. Idempotent. The store's error.
absl::Status RecoverStore(Store& store, absl::Time now);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_RECOVERY_H_
