// A policy's chunks as messages to an actor, in the bytes of the wire.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_POLICY_FRAMES_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_POLICY_FRAMES_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <memory>

#include "common/snapshot/policy_snapshot.h"

namespace understudy {

// A SinkMessage with chunk `index` (see MakeChunk). Its parameters are the snapshot's own memory, not a copy: gRPC
// holds the snapshot for as long as it needs that.
grpc::ByteBuffer MakePolicyFrame(std::shared_ptr<const PolicySnapshot> snapshot, size_t index);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_POLICY_FRAMES_H_
