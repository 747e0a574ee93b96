/* Shared by the bench programs. */
#define _GNU_SOURCE
#include "common.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <wsm/token.h>

static uint64_t clock_ns(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_cpu_ns(void) {
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t bench_wall_ns(void) {
    return clock_ns(CLOCK_MONOTONIC);
}

bench_usage bench_usage_get(uint64_t connected) {
    return (bench_usage){.cpu_ns = bench_cpu_ns(), .heap = mallinfo2().uordblks, .connected = connected};
}

void bench_die(const char *what) {
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

void bench_raise_files(void) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0) bench_die("getrlimit");
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0) bench_die("setrlimit");
}

void bench_token(char out[BENCH_TOKEN_MAX], const char *agent, int active) {
    wsm_claims claims;
    wsm_key key;
    size_t len;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){agent, strlen(agent)};
    claims.iat = time(NULL);
    claims.exp = claims.iat + 3600;
    claims.permission = active ? WSM_PERMISSION_ACTIVE : WSM_PERMISSION_OBSERVER;
    claims.purpose = active ? WSM_PURPOSE_PRIMARY : WSM_PURPOSE_OBSERVER;
    wsm_key_init(&key, sizeof key);
    key.secret = BENCH_SECRET;
    key.secret_len = strlen(BENCH_SECRET);
    int err = wsm_token_mint(&claims, &key, out, BENCH_TOKEN_MAX, &len);
    if (err) {
        fprintf(stderr, "bench: no token: %s\n", wsm_strerror(err));
        exit(1);
    }
}

size_t bench_request(char *out, size_t cap, const char *token, const char *epoch, uint64_t after) {
    char query[64] = "";
    if (epoch) snprintf(query, sizeof query, "?epoch=%s&after=%llu", epoch, (unsigned long long)after);
    int n = snprintf(out, cap,
                     "GET /ws%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Protocol: wsm.v1\r\nAuthorization: Bearer %s\r\n\r\n",
                     query, token);
    return (size_t)n;
}

/* An exchange of exactly `len` bytes that looks like one: objects and text, few escapes. */
static size_t exchange_write(char *out, size_t len) {
    static const char head[] = "{\"role\":\"assistant\",\"tokens\":128,\"text\":\"";
    static const char words[] = "what one agent stores is heard by all that it concerns, in order and without loss; ";
    size_t n = sizeof head - 1;
    memcpy(out, head, n);
    while (n < len - 2) {
        out[n] = words[n % (sizeof words - 1)];
        n++;
    }
    memcpy(out + n, "\"}", 2);
    return n + 2;
}

size_t bench_update(unsigned char *out, size_t cap, size_t exchange_len, uint64_t number) {
    char *text = (char *)out + 14; /* behind the longest header */
    int head =
        snprintf(text, cap - 14,
                 "{\"type\":\"memory_update\",\"message_id\":\"01890000-0000-7000-8000-%012llx\",\"topic\":\"bench\","
                 "\"exchange\":",
                 (unsigned long long)number);
    size_t len = (size_t)head;
    len += exchange_write(text + len, exchange_len);
    text[len++] = '}';

    size_t n = 0;
    out[n++] = 0x81;
    if (len < 126) {
        out[n++] = (unsigned char)(0x80u | len);
    } else {
        int bytes = len < 65536 ? 2 : 8;
        out[n++] = bytes == 2 ? 0xfe : 0xff;
        for (int i = bytes - 1; i >= 0; i--) out[n++] = (unsigned char)(len >> (8 * i));
    }
    static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    memcpy(out + n, mask, 4);
    n += 4;
    memmove(out + n, text, len);
    for (size_t i = 0; i < len; i++) out[n + i] ^= mask[i & 3];
    return n + len;
}

void *bench_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    size_t *used = user;
    if (new_size == 0) {
        *used -= old_size;
        free(ptr);
        return NULL;
    }
    void *moved = realloc(ptr, new_size);
    if (moved) *used += new_size - old_size;
    return moved;
}

void bench_ignore(void *user, wsm_conn *conn, void *conn_user) {
    (void)user, (void)conn, (void)conn_user;
}
