/* Every counter of a hub: X(member, metric name, labels or NULL, sentence). Those of one name stand side by side. */
#ifndef WSM_LIB_HUB_COUNTERS_H
#define WSM_LIB_HUB_COUNTERS_H

#include <stdint.h>

#define WSM__COUNTERS(X)                                                                                               \
    X(conns_accepted, "wsm_connections_accepted_total", NULL, "Connections taken up.")                                 \
    X(conns_opened, "wsm_connections_opened_total", NULL, "Connections that got through the handshake.")               \
    X(conns_resumed, "wsm_connections_resumed_total", NULL, "Connections that asked to resume.")                       \
    X(conns_closed, "wsm_connections_closed_total", NULL, "Connections that have ended.")                              \
    X(conns_refused, "wsm_connections_refused_total", NULL, "Connections refused over HTTP.")                          \
    X(conns_slow, "wsm_connections_slow_total", NULL, "Connections closed as slow consumers (4008).")                  \
    X(conns_superseded, "wsm_connections_superseded_total", NULL, "Primary connections replaced by a newer one.")      \
    X(conns_surplus, "wsm_connections_surplus_total", NULL, "Connections over an agent's number (4014).")              \
    X(conns_timed_out, "wsm_connections_timed_out_total", NULL, "Connections without a sign of life (4012).")          \
    X(auth_failed, "wsm_auth_failures_total", NULL, "Tokens that were refused.")                                       \
    X(http_requests, "wsm_http_requests_total", NULL, "HTTP requests given to the host.")                              \
    X(bytes_in, "wsm_bytes_received_total", NULL, "Bytes received.")                                                   \
    X(bytes_out, "wsm_bytes_sent_total", NULL, "Bytes reported as sent.")                                              \
    X(received, "wsm_messages_received_total", NULL, "Messages received, from clients and from the host.")             \
    X(acked, "wsm_messages_acked_total", NULL, "Messages that were carried out.")                                      \
    X(duplicates, "wsm_messages_duplicate_total", NULL, "Messages answered as duplicates.")                            \
    X(errored, "wsm_messages_refused_total", NULL, "Messages answered with an error.")                                 \
    X(unanswered, "wsm_messages_orphaned_total", NULL, "Messages whose sender had gone before the answer.")            \
    X(rate_limited, "wsm_messages_rate_limited_total", NULL, "Messages refused for their rate.")                       \
    X(appended, "wsm_records_appended_total", NULL, "Records given to the log.")                                       \
    X(append_failed, "wsm_records_failed_total", NULL, "Records that the log could not keep.")                         \
    X(applied, "wsm_records_applied_total", NULL, "Records folded into the state.")                                    \
    X(voided, "wsm_records_void_total", NULL, "Records that apply refused.")                                           \
    X(corrupt, "wsm_records_corrupt_total", NULL, "Records that came back broken from the log.")                       \
    X(enqueued, "wsm_deliveries_total", NULL, "Frames meant for the queues of connections.")                           \
    X(sent, "wsm_deliveries_sent_total", NULL, "Frames of the queues that were handed out to be written.")             \
    X(dropped_overflow, "wsm_drops_total", "reason=\"overflow\"", "Frames given up before they were written.")         \
    X(dropped_shed, "wsm_drops_total", "reason=\"shed\"", "Frames given up before they were written.")                 \
    X(dropped_closed, "wsm_drops_total", "reason=\"closed\"", "Frames given up before they were written.")             \
    X(dropped_left, "wsm_drops_total", "reason=\"left\"", "Frames given up before they were written.")                 \
    X(dropped_status, "wsm_drops_total", "reason=\"status\"", "Frames given up before they were written.")             \
    X(holes, "wsm_log_holes_total", NULL, "Times that the log left records out and was asked for them again.")         \
    X(replays, "wsm_replays_total", NULL, "Replays begun.")                                                            \
    X(replayed, "wsm_replayed_records_total", NULL, "Records sent again in replays.")                                  \
    X(gaps, "wsm_gaps_total", NULL, "Gap notices sent.")                                                               \
    X(pages_read, "wsm_log_pages_total", NULL, "Pages asked of the log.")                                              \
    X(presence_changes, "wsm_presence_changes_total", NULL, "Changes of presence announced.")                          \
    X(trims, "wsm_log_trims_total", NULL, "Times that the log was told to let old records go.")                        \
    X(mentions, "wsm_mentions_total", NULL, "Deliveries made by mentions and spawns.")                                 \
    X(mentions_delivered, "wsm_mentions_delivered_total", NULL, "Deliveries that went to a connection.")               \
    X(snapshots, "wsm_snapshots_total", NULL, "Snapshots given to the log.")                                           \
    X(log_suppressed, "wsm_log_lines_suppressed_total", NULL,                                                          \
      "Log lines left out because too many were of their kind.")                                                       \
    X(audit_suppressed, "wsm_events_suppressed_total", "kind=\"audit\"",                                               \
      "Events left out because too many were of their name.")                                                          \
    X(security_suppressed, "wsm_events_suppressed_total", "kind=\"security\"",                                         \
      "Events left out because too many were of their name.")                                                          \
    X(no_memory, "wsm_out_of_memory_total", NULL, "Times that memory or the budget ran out.")

typedef struct wsm__counters {
#define WSM__COUNTER_MEMBER(member, name, labels, help) uint64_t member;
    WSM__COUNTERS(WSM__COUNTER_MEMBER)
#undef WSM__COUNTER_MEMBER
} wsm__counters;

#endif
