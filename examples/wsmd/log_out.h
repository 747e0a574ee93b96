/* wsmd's log: one line an event on standard error, `2026-01-31T12:00:00.000Z level text`. Whatever came from the
 * network is escaped, a line has at most 1 KiB, and of each kind of event at most ten lines a second are written. */
#ifndef WSMD_LOG_OUT_H
#define WSMD_LOG_OUT_H

#include <stdint.h>
#include <wsm/host.h>

#define LOG_KINDS_MAX 64

typedef struct log_out {
    wsm_level level_min;
    struct {
        const char *name; /* static; NULL: free */
        int64_t second;
        unsigned lines;
        uint64_t left_out;
    } kinds[LOG_KINDS_MAX];
} log_out;

/* Thread: any, since it is one write() and reads nothing that changes. */
void log_line(const log_out *log, wsm_level level, const char *line);
void log_format(const log_out *log, wsm_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Thread: the hub's. */
void log_event(log_out *log, wsm_level level, const wsm_event *event);

#endif
