/* The limit: what a server on this machine needs at least to send bytes to many sockets. A loop on epoll that sends the
 * same prebuilt bytes to every receiver, no protocol, no state, no queue but the kernel's.
 *
 *     limit BYTES       (started by drain, see common.h)
 *
 * The first connection is the publisher: each byte it sends asks for one message to every other. Several that came
 * together go out in one writev for each receiver. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common.h"

#define RECEIVERS_MAX 16384
#define BURST_MAX     64

typedef struct receiver {
    int fd;
    size_t owed; /* bytes that did not fit */
} receiver;

typedef struct limit {
    int epoll, listener, publisher;
    receiver *receivers;
    size_t count;
    char *bytes;
    size_t len;
} limit;

static void watch(const limit *l, int fd, uint32_t events, uint64_t tag, int how) {
    struct epoll_event event = {.events = events, .data.u64 = tag};
    if (epoll_ctl(l->epoll, how, fd, &event) < 0) bench_die("epoll_ctl");
}

/* Where in the message the owed bytes begin follows from their number. */
static void receiver_send(const limit *l, size_t idx) {
    receiver *r = &l->receivers[idx];
    int had_to_wait = 0;
    while (r->owed) {
        struct iovec vec[BURST_MAX];
        int count = 0;
        size_t left = r->owed, part = left % l->len ? left % l->len : l->len;
        while (left && count < BURST_MAX) {
            vec[count++] = (struct iovec){l->bytes + l->len - part, part};
            left -= part;
            part = l->len;
        }
        ssize_t n = count == 1 ? send(r->fd, vec[0].iov_base, vec[0].iov_len, MSG_NOSIGNAL) : writev(r->fd, vec, count);
        if (n < 0) {
            if (errno != EAGAIN) bench_die("send");
            had_to_wait = 1;
            break;
        }
        r->owed -= (size_t)n;
    }
    if (had_to_wait) watch(l, r->fd, EPOLLOUT | EPOLLONESHOT, idx, EPOLL_CTL_MOD);
}

static void publish(const limit *l, size_t messages) {
    for (size_t i = 0; i < l->count; i++) {
        int waits = l->receivers[i].owed > 0;
        l->receivers[i].owed += messages * l->len;
        if (!waits) receiver_send(l, i);
    }
}

static void take_up(limit *l) {
    int fd, on = 1;
    while ((fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (l->publisher < 0) {
            l->publisher = fd;
            watch(l, fd, EPOLLIN, UINT64_MAX, EPOLL_CTL_ADD);
        } else if (l->count < RECEIVERS_MAX) {
            watch(l, fd, 0, l->count, EPOLL_CTL_ADD);
            l->receivers[l->count++] = (receiver){.fd = fd};
        } else {
            close(fd);
        }
    }
}

/* 0 when the driver has gone. */
static int answer(const limit *l) {
    char byte;
    if (read(BENCH_CONTROL_FD, &byte, 1) <= 0) return 0;
    bench_usage usage = bench_usage_get(l->count);
    return write(BENCH_CONTROL_FD, &usage, sizeof usage) == sizeof usage;
}

static void serve(limit *l) {
    struct epoll_event events[256];
    char triggers[BURST_MAX];
    for (;;) {
        int n = epoll_wait(l->epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            uint64_t tag = events[i].data.u64;
            if (tag == UINT64_MAX) {
                ssize_t messages = read(l->publisher, triggers, sizeof triggers);
                if (messages > 0) publish(l, (size_t)messages);
                if (messages == 0) return;
            } else if (tag == UINT64_MAX - 1) {
                take_up(l);
            } else if (tag == UINT64_MAX - 2) {
                if (!answer(l)) return;
            } else {
                receiver_send(l, tag);
            }
        }
    }
}

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t at_len = sizeof at;
    limit l = {.publisher = -1, .len = argc > 1 ? strtoul(argv[1], NULL, 10) : 256};
    bench_raise_files();
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l.receivers = calloc(RECEIVERS_MAX, sizeof *l.receivers);
    l.bytes = malloc(l.len);
    l.epoll = epoll_create1(0);
    l.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (!l.receivers || !l.bytes || bind(l.listener, (struct sockaddr *)&at, sizeof at) < 0 ||
        listen(l.listener, 1024) < 0)
        bench_die("limit");
    memset(l.bytes, 'x', l.len);
    getsockname(l.listener, (struct sockaddr *)&at, &at_len);
    watch(&l, l.listener, EPOLLIN, UINT64_MAX - 1, EPOLL_CTL_ADD);
    watch(&l, BENCH_CONTROL_FD, EPOLLIN, UINT64_MAX - 2, EPOLL_CTL_ADD);
    bench_hello hello = {ntohs(at.sin_port)};
    if (write(BENCH_CONTROL_FD, &hello, sizeof hello) != sizeof hello) bench_die("control");
    serve(&l);
    return 0;
}
