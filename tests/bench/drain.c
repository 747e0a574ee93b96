/* The other side of every bench with sockets: opens connections to a program that it starts, publishes, takes in what
 * comes, and asks the program what that cost. Only the started program's CPU time is ever reported.
 *
 *     drain fanout PROGRAM RECEIVERS EXCHANGE_BYTES MS [FRAME_BYTES]
 *         prints the frame's length, then nanoseconds of CPU per delivery: one message in flight, and bursts of 16.
 *         With FRAME_BYTES the program is `limit`, which sends frames of that length and knows no protocol.
 *     drain idle PROGRAM CONNECTIONS      prints heap bytes per idle connection
 *     drain storm PROGRAM CONNECTIONS     prints nanoseconds of CPU per reconnect with a replay of STORM_REPLAY updates
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common.h"

#define BURST        16
#define OPEN_AT_ONCE 64
#define QUIET_MS     300
#define STALL_MS     20000
#define IDLE_WARM    64 /* connections that fill what all share: pools, tables */
#define STORM_REPLAY 10
#define STORM_BYTES  256

/* One connection, and how far it is in what it reads: the HTTP answer, then frames. */
typedef struct tap {
    int fd;
    unsigned http_end;      /* how much of "\r\n\r\n" has come */
    unsigned char head[10]; /* of the frame */
    unsigned head_len;
    uint64_t left; /* bytes of the frame's payload to come */
    uint64_t frames;
} tap;

typedef struct drain {
    int control, epoll, raw;
    uint16_t port;
    tap *taps; /* the first is the publisher */
    size_t count;
    uint64_t long_frames; /* frames of at least long_min bytes that receivers got: the updates */
    uint64_t long_min;
    uint64_t frame_len; /* of the last long one, with its header */
    uint64_t bytes;     /* that receivers got */
    uint64_t opened;    /* connections that have had their first frame */
    size_t per_agent;   /* connections of one agent, at most 8 */
    uint64_t number;    /* of the last update */
    char epoch[17];
    unsigned char *frame;
} drain;

/* ---- the program ---- */

/* Each side has a processor of its own, so that neither pushes the other around. */
static void pin(unsigned processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1) sched_setaffinity(0, sizeof set, &set);
}

static void start(drain *d, const char *program, const char *argument) {
    int pair[2];
    bench_hello hello;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0) bench_die("socketpair");
    pid_t pid = fork();
    if (pid < 0) bench_die("fork");
    pin(pid == 0 ? 1 : 0);
    if (pid == 0) {
        if (pair[1] != BENCH_CONTROL_FD) dup2(pair[1], BENCH_CONTROL_FD);
        if (pair[0] != BENCH_CONTROL_FD) close(pair[0]);
        execl(program, program, argument, (char *)NULL);
        bench_die(program);
    }
    close(pair[1]);
    d->control = pair[0];
    if (read(d->control, &hello, sizeof hello) != sizeof hello) bench_die(program);
    d->port = hello.port;
}

static bench_usage ask(const drain *d) {
    bench_usage usage;
    if (write(d->control, "u", 1) != 1 || read(d->control, &usage, sizeof usage) != sizeof usage) bench_die("control");
    return usage;
}

/* ---- connections ---- */

/* The first is the writer, the others are readers, some of them the same agent. */
static size_t request_write(const drain *d, char *out, size_t cap, size_t idx, const char *epoch) {
    char token[BENCH_TOKEN_MAX], agent[32] = "writer";
    if (idx) snprintf(agent, sizeof agent, "reader-%zu", idx / d->per_agent);
    bench_token(token, agent, idx == 0);
    return bench_request(out, cap, token, epoch, 0);
}

static void tap_open(drain *d, size_t idx, const char *epoch) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(d->port)};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = idx};
    char request[2048];
    int on = 1;
    tap *t = &d->taps[idx];
    memset(t, 0, sizeof *t);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    t->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (t->fd < 0 || connect(t->fd, (struct sockaddr *)&at, sizeof at) < 0) bench_die("connect");
    setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(d->epoll, EPOLL_CTL_ADD, t->fd, &event) < 0) bench_die("epoll_ctl");
    if (d->raw) return;
    size_t len = request_write(d, request, sizeof request, idx, epoch);
    if (send(t->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len) bench_die("send");
}

/* The bytes of the HTTP answer at the front of `bytes`. */
static size_t skip_http(tap *t, const char *bytes, size_t len) {
    size_t n = 0;
    while (n < len && t->http_end < 4) {
        t->http_end = bytes[n] == "\r\n\r\n"[t->http_end] ? t->http_end + 1 : bytes[n] == '\r';
        n++;
    }
    return n;
}

static unsigned head_size(const tap *t) {
    unsigned code = t->head_len > 1 ? t->head[1] & 0x7fu : 0;
    return code == 127 ? 10 : code == 126 ? 4 : 2;
}

static void frame_begins(drain *d, size_t idx) {
    tap *t = &d->taps[idx];
    unsigned size = head_size(t);
    t->left = size == 2 ? t->head[1] & 0x7fu : 0;
    for (unsigned i = 2; i < size; i++) t->left = t->left << 8 | t->head[i];
    if (t->head[0] == 0x88) {
        fprintf(stderr, "drain: connection %zu was closed by the server\n", idx);
        exit(1);
    }
    if (t->frames++ == 0) d->opened++;
    if (idx && t->left >= d->long_min) {
        d->frame_len = t->left + size;
        d->long_frames++;
    }
    t->head_len = 0;
}

static void tap_take(drain *d, size_t idx, const char *bytes, size_t len) {
    tap *t = &d->taps[idx];
    size_t n = skip_http(t, bytes, len);
    const char *epoch = d->epoch[0] ? NULL : memmem(bytes, len, "\"epoch\":\"", 9);
    if (epoch) snprintf(d->epoch, sizeof d->epoch, "%.16s", epoch + 9);
    while (n < len) {
        if (t->left) {
            size_t part = len - n < t->left ? len - n : (size_t)t->left;
            t->left -= part;
            n += part;
            continue;
        }
        t->head[t->head_len++] = (unsigned char)bytes[n++];
        if (t->head_len >= 2 && t->head_len == head_size(t)) frame_begins(d, idx);
    }
}

/* Take in what has come; 0 when nothing came for `ms`. */
static int take_in(drain *d, int ms) {
    static char bytes[1 << 20];
    struct epoll_event events[256];
    int n = epoll_wait(d->epoll, events, 256, ms);
    for (int i = 0; i < n; i++) {
        size_t idx = events[i].data.u64;
        ssize_t len = recv(d->taps[idx].fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (len == 0 || (len < 0 && errno != EAGAIN)) bench_die("the server has closed a connection");
        if (len < 0) continue;
        if (idx) d->bytes += (uint64_t)len;
        if (!d->raw) tap_take(d, idx, bytes, (size_t)len);
    }
    return n > 0;
}

static void take_in_until(drain *d, const uint64_t *counter, uint64_t value) {
    while (*counter < value)
        if (!take_in(d, STALL_MS)) {
            fprintf(stderr, "drain: %llu of %llu came, then nothing\n", (unsigned long long)*counter,
                    (unsigned long long)value);
            exit(1);
        }
}

/* Open connections first..last-1, a few at a time, and wait until all have had their first frame. */
static void open_all(drain *d, size_t first, size_t last, const char *epoch) {
    d->opened = first;
    for (size_t i = first; i < last; i++) {
        tap_open(d, i, epoch);
        if (!d->raw && i >= d->opened + OPEN_AT_ONCE) take_in_until(d, &d->opened, i - OPEN_AT_ONCE / 2);
    }
    if (!d->raw) take_in_until(d, &d->opened, last);
}

static void be_quiet(drain *d) {
    while (take_in(d, QUIET_MS)) {
    }
}

static void publish(drain *d, size_t exchange_len, unsigned messages) {
    size_t cap = exchange_len + 512, len = 0;
    for (unsigned i = 0; i < messages; i++) {
        if (d->raw)
            d->frame[len++] = 'x';
        else
            len += bench_update(d->frame + len, cap, exchange_len, ++d->number);
    }
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(d->taps[0].fd, d->frame + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0) bench_die("publish");
        sent += (size_t)n;
    }
}

/* ---- what is measured ---- */

/* CPU nanoseconds per delivery, with `burst` messages in flight, over about `ms`. The publisher gets its own updates
 * too. */
static double fanout(drain *d, size_t receivers, size_t exchange_len, size_t frame_len, unsigned burst, unsigned ms) {
    uint64_t rounds = 0, began = 0, cpu = 0;
    for (int warm = 0; warm < 2; warm++) {
        began = bench_wall_ns();
        cpu = ask(d).cpu_ns;
        for (rounds = 0; rounds < 3 || bench_wall_ns() - began < (warm ? ms : ms / 4) * 1000000ull; rounds++) {
            uint64_t each = (uint64_t)burst * receivers;
            uint64_t goal = d->raw ? d->bytes + each * frame_len : d->long_frames + each;
            publish(d, exchange_len, burst);
            take_in_until(d, d->raw ? &d->bytes : &d->long_frames, goal);
        }
        cpu = ask(d).cpu_ns - cpu;
    }
    return (double)cpu / ((double)rounds * burst * (double)(receivers + (d->raw ? 0 : 1)));
}

static void run_fanout(drain *d, char **argv, int argc) {
    size_t receivers = strtoul(argv[3], NULL, 10), exchange_len = strtoul(argv[4], NULL, 10), frame_len = 0;
    unsigned ms = (unsigned)strtoul(argv[5], NULL, 10);
    d->raw = argc > 6;
    if (d->raw) frame_len = strtoul(argv[6], NULL, 10);
    d->long_min = exchange_len;
    start(d, argv[2], d->raw ? argv[6] : NULL);
    open_all(d, 0, receivers + 1, NULL);
    be_quiet(d);
    double one = fanout(d, receivers, exchange_len, frame_len, 1, ms);
    double many = fanout(d, receivers, exchange_len, frame_len, BURST, ms);
    printf("%llu %.1f %.1f\n", (unsigned long long)(d->raw ? frame_len : d->frame_len), one, many);
}

static void run_idle(drain *d, char **argv) {
    size_t count = strtoul(argv[3], NULL, 10);
    start(d, argv[2], NULL);
    d->per_agent = 1;
    open_all(d, 0, IDLE_WARM, NULL);
    be_quiet(d);
    uint64_t before = ask(d).heap;
    open_all(d, IDLE_WARM, IDLE_WARM + count, NULL);
    be_quiet(d);
    printf("%.1f\n", (double)(ask(d).heap - before) / (double)count);
}

static void run_storm(drain *d, char **argv) {
    size_t count = strtoul(argv[3], NULL, 10);
    d->long_min = STORM_BYTES;
    start(d, argv[2], NULL);
    open_all(d, 0, count + 1, NULL);
    be_quiet(d);
    publish(d, STORM_BYTES, STORM_REPLAY);
    take_in_until(d, &d->long_frames, STORM_REPLAY * count);
    for (size_t i = 1; i <= count; i++) close(d->taps[i].fd);
    while (ask(d).connected > 1) usleep(10000);

    uint64_t cpu = ask(d).cpu_ns;
    d->long_frames = 0;
    open_all(d, 1, count + 1, d->epoch);
    take_in_until(d, &d->long_frames, STORM_REPLAY * count);
    printf("%.1f\n", (double)(ask(d).cpu_ns - cpu) / (double)count);
}

int main(int argc, char **argv) {
    static drain d = {.per_agent = 8};
    if (argc < 4) {
        fprintf(stderr, "usage: drain fanout|idle|storm PROGRAM COUNT ...\n");
        return 2;
    }
    bench_raise_files();
    d.epoll = epoll_create1(0);
    d.taps = calloc(20000, sizeof *d.taps);
    d.frame = malloc(BURST * (16384 + 512) * 2);
    if (!d.taps || !d.frame) bench_die("memory");
    if (!strcmp(argv[1], "fanout") && argc > 5)
        run_fanout(&d, argv, argc);
    else if (!strcmp(argv[1], "idle"))
        run_idle(&d, argv);
    else if (!strcmp(argv[1], "storm"))
        run_storm(&d, argv);
    close(d.control);
    return 0;
}
