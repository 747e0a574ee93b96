/* What the bench programs share: the measuring of CPU time, tokens, and the line between a driver and the server it
 * measures.
 *
 * The driver (drain) starts the measured program (limit or server) with a socket pair as file descriptor 3. The program
 * first sends a `bench_hello`, then answers each byte it is sent with a `bench_usage`. Closing the line ends it. */
#ifndef WSM_BENCH_COMMON_H
#define WSM_BENCH_COMMON_H

#include <stddef.h>
#include <stdint.h>

#include <wsm/conn.h>

#define BENCH_CONTROL_FD 3
#define BENCH_SECRET     "thirty-two bytes of bench secret!"
#define BENCH_TOKEN_MAX  1024

typedef struct bench_hello {
    uint16_t port;
} bench_hello;

typedef struct bench_usage {
    uint64_t cpu_ns;    /* of the process, user and system */
    uint64_t heap;      /* bytes that malloc has handed out */
    uint64_t connected; /* as the program counts them */
} bench_usage;

/* CPU time of this process, all threads, user and system, in nanoseconds. */
uint64_t bench_cpu_ns(void);
uint64_t bench_wall_ns(void);
bench_usage bench_usage_get(uint64_t connected);

/* A token for `agent`, active and primary or else an observer's, good for an hour. Ends the program on an error. */
void bench_token(char out[BENCH_TOKEN_MAX], const char *agent, int active);

/* The HTTP request that opens a WebSocket with this token; resumes after (epoch, after) if epoch is given. */
size_t bench_request(char *out, size_t cap, const char *token, const char *epoch, uint64_t after);

/* A masked text frame with a memory_update whose exchange has `exchange_len` bytes; returns the frame's length, `cap`
 * is exchange_len + 512 at least. `number` makes its message_id. */
size_t bench_update(unsigned char *out, size_t cap, size_t exchange_len, uint64_t number);

/* Thousands of sockets: raise the limit of open files as far as it goes. */
void bench_raise_files(void);

/* The allocator of a hub whose `user` begins with a size_t: the bytes that it holds. And a callback for connections
 * that such a hub has not. */
void *bench_alloc(void *user, void *ptr, size_t old_size, size_t new_size);
void bench_ignore(void *user, wsm_conn *conn, void *conn_user);

void bench_die(const char *what) __attribute__((noreturn));

#endif
