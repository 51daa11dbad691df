// The list of all metrics that our processes expose, with what each means. A label has few values: reasons, kinds,
// methods and operations that the code knows. IDs of experiments are label values only while these run.
#ifndef UNDERSTUDY_COMMON_METRICS_CATALOGUE_H_
#define UNDERSTUDY_COMMON_METRICS_CATALOGUE_H_

namespace understudy {

struct Metric {
  enum class Kind { kCounter, kGauge, kHistogram };
  const char* name;
  Kind kind;
  const char* help;
};

inline constexpr auto kCounter = Metric::Kind::kCounter;
inline constexpr auto kGauge = Metric::Kind::kGauge;
inline constexpr auto kHistogram = Metric::Kind::kHistogram;

// Exposed by all processes. Counters start at 0 with the process.
inline constexpr Metric kBuildInfo = {"understudy_build_info", kGauge, "Always 1. Labels: version, process"};
inline constexpr Metric kProcessCpu = {"process_cpu_seconds_total", kCounter, "CPU time of the process, in seconds"};
inline constexpr Metric kProcessMemory = {"process_resident_memory_bytes", kGauge, "Resident memory of the process"};
inline constexpr Metric kProcessFiles = {"process_open_fds", kGauge, "Open file descriptors of the process"};

// The accounting of trajectories for each hop, as TrajectoryAccounting has it. hop="actor" counts what an actor made:
// produced = accepted + rejected + lost + in flight. hop="sink" counts what arrived at a learner or the coordinator:
// produced = accepted + rejected. A learner counts the trajectories of an order once the order has ended.
inline constexpr Metric kProduced = {"understudy_trajectories_produced_total", kCounter,
                                     "Trajectories that an actor made, or that arrived at a sink. Labels: hop"};
inline constexpr Metric kAccepted = {"understudy_trajectories_accepted_total", kCounter,
                                     "Trajectories that count, being durable or consumed. Labels: hop"};
inline constexpr Metric kRejected = {"understudy_trajectories_rejected_total", kCounter,
                                     "Trajectories that do not count. Labels: hop, reason"};
inline constexpr Metric kLost = {"understudy_trajectories_lost_total", kCounter,
                                 "Trajectories whose stream broke before they were acknowledged. Labels: hop"};
inline constexpr Metric kInFlight = {"understudy_trajectories_in_flight", kGauge,
                                     "Trajectories that were sent and are not yet acknowledged. Labels: hop"};
inline constexpr Metric kSuperseded = {
    "understudy_trajectories_superseded_total", kCounter,
    "Accepted trajectories of iterations later than the one whose policy became the result (learner)"};

// Exposed by actors.
inline constexpr Metric kSteps = {"understudy_environment_steps_total", kCounter, "Environment steps taken (actor)"};

// Exposed by sinks and actors.
inline constexpr Metric kPolicyVersion = {"understudy_policy_version", kGauge,
                                          "Policy version last acted with (actor), or last asked for (learner)"};
inline constexpr Metric kPolicyLag = {
    "understudy_policy_lag", kGauge,
    "Iterations by which the version that actors use is behind the one being trained (learner)"};
inline constexpr Metric kRequestsQueued = {"understudy_requests_queued", kGauge,
                                           "Rollout requests that wait in an actor behind the current ones"};
inline constexpr Metric kRequestsLeased = {"understudy_requests_leased", kGauge,
                                           "Rollout requests of a sink that actors have, current or queued"};
inline constexpr Metric kConnectedActors = {"understudy_connected_actors", kGauge,
                                            "Threads of actors that have a stream to a sink"};

// Exposed by learners.
inline constexpr Metric kStage = {"understudy_stage_running", kGauge, "1 while a learner has a stage, else 0"};
inline constexpr Metric kIteration = {"understudy_iteration", kGauge, "Iteration of the current stage (learner)"};
inline constexpr Metric kMeanReturn = {"understudy_mean_return", kGauge,
                                       "Mean return that the current stage reported last (learner)"};
inline constexpr Metric kWithoutActors = {"understudy_without_actors_seconds", kGauge,
                                          "Seconds that an order has waited without any actor (learner)"};
inline constexpr Metric kReportsQueued = {"understudy_reports_queued", kGauge,
                                          "Metrics and checkpoints on their way to the coordinator (learner)"};

// Exposed by coordinators. A coordinator that stands by exposes only the first.
inline constexpr Metric kActive = {"understudy_coordinator_active", kGauge,
                                   "1 if this coordinator is the active one, 0 if it stands by"};
inline constexpr Metric kWorkers = {"understudy_workers", kGauge, "Attached workers, each with a lease. Labels: kind"};
inline constexpr Metric kAssignedWorkers = {"understudy_assigned_workers", kGauge,
                                            "Attached workers that have an assignment. Labels: kind"};
inline constexpr Metric kExperiments = {"understudy_experiments", kGauge, "Unfinished experiments. Labels: status"};
inline constexpr Metric kFinishedExperiments = {"understudy_experiments_finished_total", kCounter,
                                                "Experiments that ended. Labels: status"};
inline constexpr Metric kExperimentStage = {
    "understudy_experiment_stage", kGauge,
    "Number of a running experiment's running stage, from 1. Labels: experiment, kind"};
inline constexpr Metric kExperimentIteration = {"understudy_experiment_iteration", kGauge,
                                                "Iteration of a running experiment's training. Labels: experiment"};
inline constexpr Metric kExperimentMeanReturn = {
    "understudy_experiment_mean_return", kGauge,
    "Mean return that a running experiment's training reported last. Labels: experiment"};
inline constexpr Metric kExperimentProgress = {
    "understudy_experiment_progress_ratio", kGauge,
    "Share of a running experiment's running stage that is done, 0 to 1. Labels: experiment"};
inline constexpr Metric kExperimentActors = {
    "understudy_experiment_actors", kGauge,
    "Actors assigned to a running experiment's running stage. Labels: experiment"};
inline constexpr Metric kExperimentWaiting = {
    "understudy_experiment_waiting", kGauge,
    "1 if a running experiment's running stage waits for something, else 0. Labels: experiment"};
inline constexpr Metric kControlQueue = {"understudy_control_queue_events", kGauge,
                                         "Events that wait for the coordinator's control thread"};
inline constexpr Metric kStoreQueue = {"understudy_store_queue_jobs", kGauge,
                                       "Results of actors that wait for a thread to save them"};

// Durations of calls and of the store's operations.
inline constexpr Metric kRpcDuration = {
    "understudy_rpc_duration_seconds", kHistogram,
    "Seconds from a call's arrival to its end, of calls that are not streams in both directions. Labels: method"};
inline constexpr Metric kRpcCalls = {"understudy_rpc_calls_total", kCounter, "Such calls. Labels: method, code"};
inline constexpr Metric kStoreDuration = {
    "understudy_store_duration_seconds", kHistogram,
    "Seconds that transactions of the store took, with all waiting. Labels: operation"};
inline constexpr Metric kStoreErrors = {"understudy_store_errors_total", kCounter,
                                        "Transactions that the store could not serve: UNAVAILABLE, RESOURCE_EXHAUSTED, "
                                        "DATA_LOSS, INTERNAL, UNKNOWN. Labels: operation, code"};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_CATALOGUE_H_
