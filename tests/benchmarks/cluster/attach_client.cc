#include "tests/benchmarks/cluster/attach_client.h"

#include <utility>

#include "common/rpc/protocol.h"

namespace understudy::simulation {

std::shared_ptr<AttachClient> AttachClient::Begin(v1::Workers::Stub& stub, v1::WorkerHello hello,
                                                  OnAssignment on_assignment, OnEnd on_end) {
  std::shared_ptr<AttachClient> client(new AttachClient(std::move(on_assignment), std::move(on_end)));
  client->self_ = client;
  stub.async()->Attach(&client->context_, client.get());
  // Heartbeats are written from outside of the reactions.
  client->AddHold();
  client->StartRead(&client->incoming_);
  {
    MutexLock lock(client->mutex_);
    *client->outgoing_.mutable_hello() = std::move(hello);
    client->outgoing_.mutable_hello()->set_protocol_version(kProtocolVersion);
    client->StartWrite(&client->outgoing_);
  }
  client->StartCall();
  return client;
}

void AttachClient::Heartbeat(int64_t epoch, int64_t steps_produced) {
  MutexLock lock(mutex_);
  next_.mutable_heartbeat()->set_epoch(epoch);
  next_.mutable_heartbeat()->set_steps_produced(steps_produced);
  waiting_ = true;
  WriteNext();
}

void AttachClient::Leave() {
  MutexLock lock(mutex_);
  leaving_ = true;
  WriteNext();
}

void AttachClient::WriteNext() {
  if (writing_ || ended_) return;
  if (std::exchange(waiting_, false)) {
    outgoing_ = next_;
    writing_ = true;
    StartWrite(&outgoing_);
  } else if (leaving_) {
    writing_ = true;
    StartWritesDone();
  }
}

void AttachClient::OnReadDone(bool ok) {
  if (ok) {
    on_assignment_(incoming_);
    StartRead(&incoming_);
    return;
  }
  {
    MutexLock lock(mutex_);
    ended_ = true;
  }
  RemoveHold();
}

void AttachClient::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  if (ok) WriteNext();
}

void AttachClient::OnDone(const grpc::Status& status) {
  on_end_(status);
  const std::shared_ptr<AttachClient> last_reference = std::move(self_);
}

}  // namespace understudy::simulation
