#include "common/rpc/channel.h"

#include <grpc/support/log.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/process/mutex.h"
#include "common/rpc/address.h"

namespace understudy {
namespace {

// How often gRPC looks after the sockets of channels that no call waits on: by itself every 5 s. A call fails at once
// while its channel is not connected, so that after an outage nobody waits on it, and it would not connect until then.
// gRPC takes this from the environment alone, the first time that it is used: hence before main, while there is but one
// thread. What a user has set stays.
[[maybe_unused]] const int kBackupPolling = setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "50", 0);

// Debian's Abseil looks for deadlocks with every mutex that gRPC locks, in one graph of all, behind one lock: a seventh
// of a coordinator's time with 10,000 workers, and more of their latency.
[[maybe_unused]] const bool kNoDeadlockGraph = [] {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return true;
}();

constexpr absl::Duration kComplaintInterval = absl::Seconds(10);

// The errors of gRPC: when one was logged last, and how many have come since then.
struct Complaints {
  Mutex mutex;
  absl::Time last ABSL_GUARDED_BY(mutex) = absl::InfinitePast();
  int unlogged ABSL_GUARDED_BY(mutex) = 0;
};

void TakeMessage(gpr_log_func_args* message) {
  if (message->severity != GPR_LOG_SEVERITY_ERROR) {
    spdlog::debug("grpc: {}", message->message);
    return;
  }
  static Complaints& complaints = *new Complaints;  // gRPC's threads may outlive main
  MutexLock lock(complaints.mutex);
  if (absl::Now() - complaints.last < kComplaintInterval) {
    ++complaints.unlogged;
    return;
  }
  if (complaints.unlogged == 0) {
    spdlog::warn("grpc: {}", message->message);
  } else {
    spdlog::warn("grpc: {} (and {} complaints more since the last one)", message->message, complaints.unlogged);
  }
  complaints.last = absl::Now();
  complaints.unlogged = 0;
}

grpc::ChannelArguments MakeArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // Despite its name this is how long one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(kLongestReconnectPause)));
  // A pod or a container that is started anew has the same name and another address; by itself gRPC asks for it again
  // only after thirty seconds.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return arguments;
}

std::shared_ptr<grpc::Channel> Make(const std::string& address,
                                    const std::shared_ptr<grpc::ChannelCredentials>& credentials,
                                    const grpc::ChannelArguments& arguments) {
  TakeGrpcLog();
  return grpc::CreateCustomChannel(address, credentials == nullptr ? grpc::InsecureChannelCredentials() : credentials,
                                   arguments);
}

}  // namespace

absl::Status ValidateAddress(const std::string& address) {
  const absl::StatusOr<HostPort> parsed = ParseAddress(address);
  if (!parsed.ok()) return parsed.status();
  if (parsed->port > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("address '", address, "': nobody listens on port 0, expected one from 1 to 65535"));
}

Backoff::Backoff(absl::Duration first, absl::Duration most, uint32_t seed)
    : first_(first), most_(most), current_(first), random_(seed) {}

absl::Duration Backoff::Next() {
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  const absl::Duration wait = current_ * share;
  current_ = std::min(current_ * 2, most_);
  return wait;
}

void Backoff::Reset() { current_ = first_; }

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  return Make(address, credentials, MakeArguments());
}

std::shared_ptr<grpc::Channel> MakeOwnChannel(const std::string& address,
                                              const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments arguments = MakeArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return Make(address, credentials, arguments);
}

void SetDeadline(grpc::ClientContext& context, absl::Duration timeout) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

absl::Status FromGrpc(const grpc::Status& status) {
  const std::string& message = status.error_message();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      absl::string_view(message.data(), message.size()));
}

absl::Status ExplainConnecting(const absl::Status& status, bool tls) {
  absl::string_view why = status.message();
  // Debian 12 and 13 have gRPC 1.51, which says "…; last error: UNKNOWN: ipv4:127.0.0.1:50051: …". What does not look
  // like that is left as it is.
  const size_t begin = why.find("last error: ");
  if (!absl::IsUnavailable(status) || !absl::StartsWith(why, "failed to connect to all addresses") ||
      begin == absl::string_view::npos) {
    return status;
  }
  why.remove_prefix(begin);
  for (const absl::string_view scheme : {" ipv4:", " ipv6:"}) {
    const size_t found = why.find(scheme);
    if (found != absl::string_view::npos) why.remove_prefix(found + scheme.size());
  }
  const auto explained = [&why](absl::string_view reason) {
    return absl::UnavailableError(absl::StrCat(why.substr(0, why.find(": ")), ": ", reason));
  };
  if (absl::StrContains(why, "wrong version number")) {
    return explained("it does not speak TLS; start it with --tls_dir DIR, or leave --tls_dir out here");
  }
  if (absl::StrContains(why, "certificate verify failed")) {
    return explained(
        "its certificate is not believed: certificate verify failed; its authority is not in ca.crt of the --tls_dir "
        "given here, its time is over, or it is not a server's");
  }
  if (absl::StrContains(why, "Hostname Verification")) {
    return explained(
        "its certificate is not for this host name or address; call it by one that the certificate is for, or make "
        "one for this, as deploy/tls/make-certificates --host does");
  }
  if (absl::StrContains(why, "Socket closed") || absl::StrContains(why, "Connection reset") ||
      absl::StrContains(why, "Broken pipe")) {
    return explained(tls ? "it ends the connection at once, as one that does not believe the certificate shown here: "
                           "is it of an authority in its ca.crt, and still valid?"
                         : "it ends the connection at once, as one that wants TLS: give --tls_dir DIR");
  }
  if (absl::StrContains(why, "timed out") || absl::StrContains(why, "handshaker shutdown") ||
      absl::StrContains(why, "Handshake read failed")) {
    return explained("it does not answer");
  }
  const size_t detail = why.find("Failed to connect to remote host: ");
  if (detail == absl::string_view::npos) return absl::UnavailableError(why);
  return explained(absl::StripPrefix(why.substr(detail), "Failed to connect to remote host: "));
}

grpc::Status ToGrpc(const absl::Status& status) {
  std::string message(status.message());
  if (message.size() > kMaxStatusMessageBytes) {
    // Not in the middle of a character of UTF-8.
    size_t end = kMaxStatusMessageBytes;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;
    message.resize(end);
    message.append("…");
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()), message);
}

void TakeGrpcLog() { gpr_set_log_function(TakeMessage); }

}  // namespace understudy
