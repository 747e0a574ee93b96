/* F1: bytes of a socket that begin with an HTTP request. The answer is one valid HTTP response, or a 101 and frames, or
 * nothing yet; it is the same for every cut of the input (I-60) and of the output (I-61); nothing of the request is in
 * it: whoever writes CANARY into a request never sees it again.
 *
 * The first byte picks the hub's settings, its second bit plain mode. {T} in the rest stands for a valid token, {E} for
 * the epoch. */
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "wire/http.h"
#include "wire_check.h"

#define CANARY       "Zq7xZq7x"
#define EACH_BYTE    300u /* inputs up to this length go in byte by byte too */
#define PREFIXES_MAX 200u

enum { PLAIN = 1, HELLO = 2, SMALL = 4, ANSWERS = 8, LATER = 16, DEFERS = 32, ORIGINS = 64, HOSTS = 128 };

static const char *const origins[] = {"https://ui.example", "null"};
static const char *const hosts[] = {"hub.example", "h"};

static void setup(box *b, unsigned mode) {
    box_init(b);
    b->config.hello_auth = (mode & HELLO) != 0;
    if (mode & SMALL) {
        b->config.http_line_bytes_max = 40;
        b->config.http_header_bytes_max = 230;
        b->config.http_headers_max = 6;
        b->config.http_body_bytes_max = 10;
    }
    b->answers = mode & LATER ? BOX_ANSWER_LATER : mode & ANSWERS ? BOX_ANSWER_NOW : BOX_NO_ANSWER;
    if (!(mode & (ANSWERS | LATER))) b->host.on_request = NULL;
    b->defers_tokens = (mode & DEFERS) != 0;
    b->config.origins = origins;
    b->config.origins_count = mode & ORIGINS ? 2 : 0;
    b->config.hosts = hosts;
    b->config.hosts_count = mode & HOSTS ? 2 : 0;
}

/* The input with its marks filled in. */
static void expand(box *b, fuzz_in *in, fuzz_text *text) {
    char epoch[17];
    wsm_hub_position(b->hub, epoch);
    while (in->left > 0) {
        bool is_mark = in->left >= 3 && in->at[0] == '{' && in->at[2] == '}';
        if (is_mark && in->at[1] == 'T')
            fuzz_print(text, "%s", box_token());
        else if (is_mark && in->at[1] == 'E')
            fuzz_print(text, "%s", epoch);
        else
            is_mark = false;
        wsm_slice part = fuzz_take(in, is_mark ? 3 : 1);
        if (!is_mark) fuzz_put(text, part.ptr, part.len);
    }
}

/* What the host does later, and time: the same in every run. */
static void settle(box *b, size_t sent_max) {
    b->sent_max = sent_max;
    if (b->defers_tokens && b->conn) {
        wsm_claims claims;
        wsm_claims_init(&claims, sizeof claims);
        claims.sub = (wsm_slice){BOX_AGENT, strlen(BOX_AGENT)};
        claims.exp = b->wall / 1000 + 60;
        int err = wsm_conn_authorize(b->conn, 0, &claims);
        FUZZ_EXPECT(err == 0 || err == WSM_ERR_STATE || err == WSM_ERR_NOMEM);
    }
    if (b->request) wsm_request_respond(b->request, 404, NULL, NULL, 0);
    box_drain(b);
    if (b->conn) box_run(b, 20000); /* whoever has not said enough is sent away */
    box_drain(b);
}

static void finish(box *b, size_t sent_max) {
    settle(b, sent_max);
    box_end(b);
}

static bool begin(box *b, unsigned mode) {
    setup(b, mode);
    return box_start(b) && box_open(b, WSM_PEER_RAW, (mode & PLAIN) != 0);
}

static void check_output(const box *b, bool plain) {
    int status = 0;
    if (b->out.len == 0) return;
    size_t used = wire_check_response(b->out.ptr, b->out.len, &status);
    FUZZ_EXPECT(memmem(b->out.ptr, b->out.len, CANARY, strlen(CANARY)) == NULL);
    wire_checks checks = {.json = !plain};
    wire_check_frames(b->out.ptr + used, b->out.len - used, &checks);
}

/* The parser alone: what it says of a beginning it says of everything that begins so. */
static void check_parser(const fuzz_text *text) {
    static const wsm__http_limits limits[] = {{2048, 8192, 64, 1000}, {30, 60, 3, 4}};
    size_t most = text->len < PREFIXES_MAX ? text->len : PREFIXES_MAX;
    for (int i = 0; i < 4; i++) {
        long (*parse)(const char *, size_t, const wsm__http_limits *, wsm__http_head *) =
            i < 2 ? wsm__http_parse_request : wsm__http_parse_response;
        wsm__http_head head, again;
        long verdict = 0;
        for (size_t len = 0; len <= most; len++) {
            char *copy = fuzz_copy(text->ptr, len);
            long now = parse(copy, len, &limits[i % 2], &head);
            FUZZ_EXPECT(verdict == 0 || now == verdict);
            FUZZ_EXPECT(now <= (long)len);
            if (now > 0 && verdict == 0) FUZZ_EXPECT((size_t)now == len);
            verdict = now;
            free(copy);
        }
        if (most < text->len) continue;
        FUZZ_EXPECT(parse(text->ptr ? text->ptr : "", text->len, &limits[i % 2], &again) == verdict);
    }
}

/* ---- step by step ---- */

struct fuzz_run {
    box b;
    fuzz_text text;
};

fuzz_run *fuzz_run_begin(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    unsigned mode = fuzz_u8(&in);
    fuzz_run *run = malloc(sizeof *run);
    FUZZ_EXPECT(run && begin(&run->b, mode));
    run->text = (fuzz_text){0};
    expand(&run->b, &in, &run->text);
    return run;
}

size_t fuzz_run_len(const fuzz_run *run) {
    return run->text.len;
}

size_t fuzz_run_first(const fuzz_run *run) {
    (void)run;
    return 0; /* of what waits, some goes ahead of the rest: it is the same only if all of it waits */
}

void fuzz_run_recv(fuzz_run *run, size_t from, size_t to) {
    box_recv(&run->b, run->text.ptr + from, to - from);
}

size_t fuzz_run_write(fuzz_run *run, size_t to) {
    return box_write(&run->b, to);
}

size_t fuzz_run_see(fuzz_run *run, fuzz_text *seen) {
    settle(&run->b, 0);
    box_count(&run->b);
    box_tell(&run->b, seen);
    return run->b.out.len;
}

void fuzz_run_end(fuzz_run *run) {
    box_leave(&run->b);
    box_free(&run->b);
    fuzz_text_free(&run->text);
    free(run);
}

/* ---- all at once, and cut at random ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_in in = {data, size};
    unsigned mode = fuzz_u8(&in);
    uint64_t dice = fuzz_hash(data, size), picks = dice >> 32;
    fuzz_text text = {0};
    box whole;

    bool good = begin(&whole, mode);
    if (good) expand(&whole, &in, &text);
    if (good && text.len > 0) box_recv(&whole, text.ptr, text.len);
    if (!good || fuzz_mem_is_short(&whole.mem)) { /* out of memory: then safety is all that is asked */
        if (whole.hub)
            finish(&whole, 0);
        else
            box_end(&whole);
        box_free(&whole);
        fuzz_text_free(&text);
        return 0;
    }
    finish(&whole, 0);
    check_output(&whole, (mode & PLAIN) != 0);
    check_parser(&text);

    for (int round = 0; round < 3 && !fuzz_mem_is_short(&whole.mem) && fuzz_fail_at == 0; round++) {
        box cut;
        if (!fuzz_round(round, 3, picks) || (round == 0 && text.len > EACH_BYTE)) continue;
        FUZZ_EXPECT(begin(&cut, mode));
        for (size_t at = 0, part; at < text.len; at += part) {
            part = round == 0 ? 1 : 1 + (size_t)(fuzz_next(&dice) % (round == 1 ? 16 : text.len));
            if (part > text.len - at) part = text.len - at;
            box_recv(&cut, text.ptr + at, part);
        }
        finish(&cut, round == 0 ? 1 : 1 + (size_t)(fuzz_next(&dice) % 64));
        box_expect_same(&whole, &cut);
        box_free(&cut);
    }
    box_free(&whole);
    fuzz_text_free(&text);
    return 0;
}
