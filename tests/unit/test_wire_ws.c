/* The message layer against RFC 6455: a table of what a peer may send, each row whole, byte by byte and in every two
 * pieces, from both sides; then what the table cannot say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "wire/ws.h"
#include "wire_build.h"
#include "wsm/error.h"

static const wsm__ws_limits roomy = {.message_bytes_max = 200000, .fragments_max = 8, .binary = true};
static const wsm__ws_limits tight = {.message_bytes_max = 10, .fragments_max = 3, .binary = false};

typedef enum side { BOTH, SERVER, CLIENT } side;

typedef struct row {
    const char *name, *in, *out;
    const wsm__ws_limits *limits; /* NULL: roomy */
    side side;
} row;

/* ---- the table ---- */

#define BAD(what, in)                                                                                                  \
    { what, in, "E1002", NULL, BOTH }
#define GOOD(what, in, out)                                                                                            \
    { what, in, out, NULL, BOTH }
#define UTF8(what, bytes)                                                                                              \
    { "text: " what, "T:" bytes, "T:" bytes, NULL, BOTH }
#define BAD_UTF8(what, bytes)                                                                                          \
    { "text is refused: " what, "T:" bytes, "E1007", NULL, BOTH }
#define CODE(code)                                                                                                     \
    { "close code " #code " is taken", "X" #code ":bye", "X" #code ":bye", NULL, BOTH }
#define BAD_CODE(code)                                                                                                 \
    { "close code " #code " is refused", "X" #code ":bye", "E1002", NULL, BOTH }
#define TIGHT(what, in, out)                                                                                           \
    { what, in, out, &tight, BOTH }

static const row rows[] = {
    /* 5.7: the examples of the RFC */
    {"the RFC's unmasked text", "#810548656c6c6f", "T:Hello", NULL, CLIENT},
    {"the RFC's masked text", "#818537fa213d7f9f4d5158", "T:Hello", NULL, SERVER},
    {"the RFC's fragmented text", "#010348656c #80026c6f", "T:Hello", NULL, CLIENT},
    {"the RFC's ping", "#890548656c6c6f", "P:Hello", NULL, CLIENT},
    {"the RFC's masked pong", "#8a8537fa213d7f9f4d5158", "O:Hello", NULL, SERVER},

    /* 5.2: lengths */
    GOOD("an empty text", "T", "T"),
    GOOD("an empty binary", "B", "B"),
    GOOD("one byte", "T:a", "T:a"),
    GOOD("125 bytes", "T*125", "T*125"),
    GOOD("126 bytes", "T*126", "T*126"),
    GOOD("127 bytes", "B*127", "B*127"),
    GOOD("128 bytes", "T*128", "T*128"),
    GOOD("65 535 bytes", "B*65535", "B*65535"),
    GOOD("65 536 bytes", "T*65536", "T*65536"),
    GOOD("65 537 bytes", "B*65537", "B*65537"),
    GOOD("a frame of 4 095 bytes with its header", "T*4087", "T*4087"),
    GOOD("a frame of 4 096 bytes with its header", "T*4088", "T*4088"),
    GOOD("a frame of 4 097 bytes with its header", "T*4089", "T*4089"),
    GOOD("a payload of 4 096 bytes", "B*4096", "B*4096"),
    GOOD("a payload of 8 192 bytes", "T*8192", "T*8192"),
    BAD("no bytes with a length of two", "L2T"),
    BAD("one byte with a length of two", "L2T:a"),
    BAD("125 bytes with a length of two", "L2B*125"),
    BAD("no bytes with a length of eight", "L8T"),
    BAD("126 bytes with a length of eight", "L8T*126"),
    BAD("65 535 bytes with a length of eight", "L8B*65535"),
    BAD("a ping with a length of two", "L2P:a"),
    BAD("a ping with a length of eight", "L8P:a"),
    {"a length of 64 bits from a client", "#82ff800000000000000001020304", "E1002", NULL, SERVER},
    {"a length of 64 bits from a server", "#827f8000000000000000", "E1002", NULL, CLIENT},
    {"all bits of the length from a server", "#827fffffffffffffffff", "E1002", NULL, CLIENT},
    {"the largest length from a client", "#82ff7fffffffffffffff01020304", "E1009", NULL, SERVER},
    {"the largest length from a server", "#827f7fffffffffffffff", "E1009", NULL, CLIENT},
    {"a length of 4 GiB from a server", "#827f0000000100000000", "E1009", NULL, CLIENT},

    /* sequences */
    GOOD("nothing", "", ""),
    GOOD("two messages", "T:a T:b", "T:a T:b"),
    GOOD("text after binary", "B:%ff T:b", "B:%ff T:b"),
    GOOD("empty messages in a row", "T T B T", "T T B T"),
    GOOD("a long message between short ones", "T:a T*9000 T:b", "T:a T*9000 T:b"),
    GOOD("two long messages", "T*5000 B*9000", "T*5000 B*9000"),
    GOOD("twenty messages", "T:a T:b T:c T:d T:e T:f T:g T:h T:i T:j T:k T:l T:m T:n T:o T:p T:q T:r T:s T:t",
         "T:a T:b T:c T:d T:e T:f T:g T:h T:i T:j T:k T:l T:m T:n T:o T:p T:q T:r T:s T:t"),
    GOOD("the same bytes as binary and text", "B:abc T:abc", "B:abc T:abc"),

    /* what is not whole yet says nothing */
    GOOD("one byte of a header", "#81", ""),
    {"a header without its mask", "#8185", "", NULL, SERVER},
    {"a header without its payload", "#818537fa213d", "", NULL, SERVER},
    {"a payload without its last byte", "#818537fa213d7f9f4d51", "", NULL, SERVER},
    {"a length without its last byte", "#827f00000000000001", "", NULL, CLIENT},
    GOOD("a fragment alone", "t:Hel", ""),
    GOOD("a message, then a fragment", "T:a t:Hel", "T:a"),

    /* 5.4: fragmentation */
    GOOD("two fragments", "t:Hel C:lo", "T:Hello"),
    GOOD("three fragments", "t:H c:el C:lo", "T:Hello"),
    GOOD("fragments of a byte each", "t:H c:e c:l c:l C:o", "T:Hello"),
    GOOD("binary fragments", "b:%00%01 C:%ff", "B:%00%01%ff"),
    GOOD("an empty first fragment", "t C:Hello", "T:Hello"),
    GOOD("an empty last fragment", "t:Hello C", "T:Hello"),
    GOOD("empty fragments between", "t:Hel c c C:lo", "T:Hello"),
    GOOD("empty fragments alone", "t c c C", "T"),
    GOOD("two fragmented messages", "t:a C:b b:c C:d", "T:ab B:cd"),
    GOOD("long fragments", "t*5000 c*70000 C*5000", "T*80000"),
    GOOD("a ping between fragments", "t:Hel P:x C:lo", "P:x T:Hello"),
    GOOD("a pong between fragments", "t:Hel O:x C:lo", "O:x T:Hello"),
    GOOD("an empty ping between fragments", "t:Hel P C:lo", "P T:Hello"),
    GOOD("pings between all fragments", "P:1 t:H P:2 c:el P:3 C:lo P:4", "P:1 P:2 P:3 T:Hello P:4"),
    GOOD("a close between fragments", "t:Hel X1000 C:lo", "X1000"),
    GOOD("a ping between fragments of binary", "b:%ff P C:%fe", "P B:%ff%fe"),
    GOOD("as many fragments as allowed", "t:1 c:2 c:3 c:4 c:5 c:6 c:7 C:8", "T:12345678"),
    GOOD("as many fragments again in the next message", "t c c c c c c C t c c c c c c C", "T T"),
    {"one fragment too many", "t:1 c:2 c:3 c:4 c:5 c:6 c:7 c:8 C:9", "E1008", NULL, BOTH},
    {"one empty fragment too many", "t c c c c c c c C", "E1008", NULL, BOTH},
    GOOD("pings are no fragments", "t c c P P P P P P c c c c C", "P P P P P P T"),
    BAD("a continuation of nothing", "C:a"),
    BAD("an unfinished continuation of nothing", "c:a"),
    BAD("an empty continuation of nothing", "C"),
    {"a continuation of a finished message", "T:a C:b", "T:a E1002", NULL, BOTH},
    {"a continuation of a finished fragmented one", "t:a C:b C:c", "T:ab E1002", NULL, BOTH},
    BAD("text inside text", "t:a T:b"),
    BAD("fragmented text inside text", "t:a t:b"),
    BAD("binary inside text", "t:a B:b"),
    BAD("text inside binary", "b:a T:b"),
    BAD("binary inside binary", "b:a b:b"),
    BAD("text after a middle fragment", "t:a c:b T:c"),
    {"a continuation after a ping", "P:x C:a", "P:x E1002", NULL, BOTH},

    /* 5.5: control frames */
    GOOD("an empty ping", "P", "P"),
    GOOD("a ping with a payload", "P:Hello", "P:Hello"),
    GOOD("a ping of 125 bytes", "P*125", "P*125"),
    GOOD("a ping that is not text", "P:%00%ff%fe", "P:%00%ff%fe"),
    GOOD("ten pings", "P:0 P:1 P:2 P:3 P:4 P:5 P:6 P:7 P:8 P:9", "P:0 P:1 P:2 P:3 P:4 P:5 P:6 P:7 P:8 P:9"),
    GOOD("a pong that nobody asked for", "O:x", "O:x"),
    GOOD("an empty pong", "O", "O"),
    GOOD("a ping between messages", "T:a P:x T:b", "T:a P:x T:b"),
    BAD("a ping of 126 bytes", "P*126"),
    BAD("a pong of 126 bytes", "O*126"),
    BAD("a close of 126 bytes", "X1000*124"),
    BAD("a ping of 65 536 bytes", "P*65536"),
    BAD("a fragmented ping", "p:a C:b"),
    BAD("a fragmented pong", "o:a"),
    BAD("a fragmented close", "x1000"),
    BAD("an empty fragmented ping", "p"),
    BAD("a fragmented ping between fragments", "t:a p:b C:c"),

    /* 5.5.1 and 7.4: closing */
    GOOD("a close without a code", "X", "X1005"),
    GOOD("a close with a code alone", "X1000", "X1000"),
    GOOD("a close with a reason", "X1001:going_away", "X1001:going_away"),
    GOOD("a reason of 123 bytes", "X1000*123", "X1000*123"),
    GOOD("a reason beyond ASCII", "X1000:%ce%ba%e2%82%ac%f0%9f%98%80", "X1000:%ce%ba%e2%82%ac%f0%9f%98%80"),
    GOOD("nothing counts after a close", "X1000 T:a X1001 #ffffff", "X1000"),
    GOOD("a close after messages", "T:a B:b X1000:bye", "T:a B:b X1000:bye"),
    BAD("half a close code", "X:%03"),
    {"a reason that is not UTF-8", "X1000:%ff", "E1007", NULL, BOTH},
    {"a reason that ends inside a character", "X1000:ok%e2%82", "E1007", NULL, BOTH},
    {"a reason with an overlong form", "X1000:%c0%80", "E1007", NULL, BOTH},
    {"a reason with a surrogate", "X1000:%ed%a0%80", "E1007", NULL, BOTH},
    BAD("a bad code beats a bad reason", "X999:%ff"),
    CODE(1000),
    CODE(1001),
    CODE(1002),
    CODE(1003),
    CODE(1007),
    CODE(1008),
    CODE(1009),
    CODE(1010),
    CODE(1011),
    CODE(1012),
    CODE(1013),
    CODE(1014),
    CODE(3000),
    CODE(3999),
    CODE(4000),
    CODE(4999),
    BAD_CODE(0),
    BAD_CODE(1),
    BAD_CODE(999),
    BAD_CODE(1004),
    BAD_CODE(1005),
    BAD_CODE(1006),
    BAD_CODE(1015),
    BAD_CODE(1016),
    BAD_CODE(1100),
    BAD_CODE(2000),
    BAD_CODE(2999),
    BAD_CODE(5000),
    BAD_CODE(65535),

    /* 5.2: reserved bits, opcodes, masks */
    BAD("RSV1 on text", "R4T:a"),
    BAD("RSV2 on text", "R2T:a"),
    BAD("RSV3 on text", "R1T:a"),
    BAD("all reserved bits on binary", "R7B:a"),
    BAD("RSV1 on a ping", "R4P"),
    BAD("RSV1 on a close", "R4X1000"),
    BAD("RSV1 on a continuation", "t:a R4C:b"),
    {"RSV1 on the second message", "T:a R4T:b", "T:a E1002", NULL, BOTH},
    BAD("RSV1 in the first byte alone", "#c1"),
    BAD("opcode 3", "N3:a"),
    BAD("opcode 4", "N4:a"),
    BAD("opcode 5", "N5"),
    BAD("opcode 6", "N6:a"),
    BAD("opcode 7", "N7:a"),
    BAD("opcode 11", "N11"),
    BAD("opcode 12", "N12:a"),
    BAD("opcode 13", "N13:a"),
    BAD("opcode 14", "N14:a"),
    BAD("opcode 15", "N15:a"),
    BAD("an unfinished opcode 3", "n3:a"),
    BAD("an unfinished opcode 11", "n11:a"),
    BAD("an unknown opcode between fragments", "t:a N3:b C:c"),
    BAD("an unknown opcode in the first byte alone", "#83"),
    {"an unknown opcode after a message", "T:a N11:b", "T:a E1002", NULL, BOTH},
    BAD("the wrong mask on text", "!T:a"),
    BAD("the wrong mask on empty text", "!T"),
    BAD("the wrong mask on a ping", "!P:a"),
    BAD("the wrong mask on a close", "!X1000"),
    BAD("the wrong mask on a continuation", "t:a !C:b"),
    BAD("the wrong mask on a long message", "!T*5000"),
    {"the wrong mask in two bytes from a client", "#8105", "E1002", NULL, SERVER},
    {"the wrong mask in two bytes from a server", "#8185", "E1002", NULL, CLIENT},
    {"a mask of zeroes", "#81850000000048656c6c6f", "T:Hello", NULL, SERVER},

    /* 8.1: UTF-8 */
    UTF8("two bytes", "%c3%a9"),
    UTF8("three bytes", "%e2%82%ac"),
    UTF8("four bytes", "%f0%9f%98%80"),
    UTF8("NUL", "a%00b"),
    UTF8("U+007F", "%7f"),
    UTF8("U+0080", "%c2%80"),
    UTF8("U+07FF", "%df%bf"),
    UTF8("U+0800", "%e0%a0%80"),
    UTF8("U+D7FF", "%ed%9f%bf"),
    UTF8("U+E000", "%ee%80%80"),
    UTF8("a byte order mark", "%ef%bb%bf"),
    UTF8("U+FFFF, no character", "%ef%bf%bf"),
    UTF8("U+10000", "%f0%90%80%80"),
    UTF8("U+10FFFF", "%f4%8f%bf%bf"),
    UTF8("kosme", "%ce%ba%e1%bd%b9%cf%83%ce%bc%ce%b5"),
    BAD_UTF8("a continuation byte alone", "%80"),
    BAD_UTF8("0xFF", "%ff"),
    BAD_UTF8("0xFE", "abc%fe"),
    BAD_UTF8("overlong of two", "%c0%80"),
    BAD_UTF8("overlong of two, the last", "%c1%bf"),
    BAD_UTF8("overlong of three", "%e0%80%80"),
    BAD_UTF8("overlong of three, the last", "%e0%9f%bf"),
    BAD_UTF8("overlong of four", "%f0%80%80%80"),
    BAD_UTF8("overlong of four, the last", "%f0%8f%bf%bf"),
    BAD_UTF8("the first surrogate", "%ed%a0%80"),
    BAD_UTF8("the last surrogate", "%ed%bf%bf"),
    BAD_UTF8("a surrogate pair", "%ed%a0%bd%ed%b8%80"),
    BAD_UTF8("above U+10FFFF", "%f4%90%80%80"),
    BAD_UTF8("0xF5", "%f5%80%80%80"),
    BAD_UTF8("a form of five bytes", "%f8%88%80%80%80"),
    BAD_UTF8("the end after one of two", "%c3"),
    BAD_UTF8("the end after two of three", "a%e2%82"),
    BAD_UTF8("the end after three of four", "%f0%9f%98"),
    BAD_UTF8("a letter inside a character", "%e2%82a"),
    BAD_UTF8("one bad byte among many", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%ffaaaaaaaaaaaaaaaaaaaaaa"),
    GOOD("a character over two fragments", "t:%e2%82 C:%ac", "T:%e2%82%ac"),
    GOOD("a character over four fragments", "t:%f0 c:%9f c:%98 C:%80", "T:%f0%9f%98%80"),
    GOOD("a character around a ping", "t:%e2 P:%ff C:%82%ac", "P:%ff T:%e2%82%ac"),
    GOOD("a character around an empty fragment", "t:%e2%82 c C:%ac", "T:%e2%82%ac"),
    GOOD("binary is no text", "B:%ff%fe b:%c0 C:%80", "B:%ff%fe B:%c0%80"),
    {"a bad byte in the second fragment", "t:abc C:%ff", "E1007", NULL, BOTH},
    {"a bad byte in an unfinished message", "t:%ff", "E1007", NULL, BOTH},
    {"a character that ends with its message", "t:%e2%82 C:a", "E1007", NULL, BOTH},
    {"a fragmented message that ends inside a character", "t:abc C:%e2", "E1007", NULL, BOTH},
    {"a character that an empty fragment cuts off", "t:%e2%82 C", "E1007", NULL, BOTH},
    {"a bad byte before the frame is whole", "#010aff", "E1007", NULL, CLIENT},
    {"a good message, then a bad one", "T:%c3%a9 T:%a9", "T:%c3%a9 E1007", NULL, BOTH},
    {"a bad byte beats what comes after", "t:%ff R7T", "E1007", NULL, BOTH},

    /* limits */
    TIGHT("a message of just the limit", "T*10", "T*10"),
    TIGHT("a message over the limit", "T*11", "E1009"),
    TIGHT("fragments of just the limit", "t*6 C*4", "T*10"),
    TIGHT("fragments over the limit", "t*6 C*5", "E1009"),
    TIGHT("an unfinished fragment over the limit", "t*11", "E1009"),
    TIGHT("the limit, an empty end", "t*10 C", "T*10"),
    TIGHT("a ping may be longer than a message", "P*100 T*10", "P*100 T*10"),
    TIGHT("binary is not taken", "B:a", "E1003"),
    TIGHT("empty binary is not taken", "B", "E1003"),
    TIGHT("fragmented binary is not taken", "b:a C:b", "E1003"),
    TIGHT("too much binary is binary", "B*5000", "E1003"),
    TIGHT("a broken frame beats binary", "R4B:a", "E1002"),
    TIGHT("the wrong mask beats binary", "!B:a", "E1002"),
    TIGHT("a long length in vain beats the limit", "L8T*11", "E1002"),
    TIGHT("three fragments", "t c C:a", "T:a"),
    TIGHT("four fragments", "t c c C:a", "E1008"),
    TIGHT("many messages are no fragments", "T:1 T:2 T:3 T:4 T:5", "T:1 T:2 T:3 T:4 T:5"),
    {"a length over the limit before any payload", "#817e00ff", "E1009", &tight, CLIENT},
    {"a masked length over the limit before any payload", "#818b01020304", "E1009", &tight, SERVER},
    {"a message of the largest size", "T*200000", "T*200000", NULL, BOTH},
    {"a message of the largest size and one", "T*200001", "E1009", NULL, BOTH},
};

/* ---- running a row ---- */

typedef struct engine {
    test_mem fault;
    wsm__mem mem;
    wsm__ws_pool *pool;
    wsm__ws ws;
    build events;
} engine;

static void engine_open(engine *e, const wsm__ws_limits *limits, bool from_client) {
    *e = (engine){0};
    wsm__mem_init(&e->mem, test_alloc, &e->fault, 0);
    e->pool = wsm__ws_pool_new(&e->mem, 4);
    assert_non_null(e->pool);
    wsm__ws_init(&e->ws, &e->mem, e->pool, limits, from_client);
}

static void engine_close(engine *e) {
    wsm__ws_fini(&e->ws);
    wsm__ws_pool_free(e->pool);
    build_free(&e->events);
    assert_int_equal(atomic_load(&e->mem.used), 0);
    assert_int_equal(atomic_load(&e->fault.live), 0);
}

/* One piece, in memory of just its size, so that a byte too far is seen. */
static int engine_feed(engine *e, const void *bytes, size_t len) {
    static const char letters[] = "-TBPOXE";
    char *piece = malloc(len + 1);
    if (len > 0) memcpy(piece + 1, bytes, len);
    size_t at = 0, used;
    wsm__ws_event event;
    int err;
    do {
        err = wsm__ws_recv(&e->ws, piece + 1 + at, len - at, &used, &event);
        at += used;
        assert_true(at <= len);
        if (err == 0 && event.kind != WSM__WS_NONE) {
            assert_true((event.kind == WSM__WS_ERROR) == (event.why != NULL));
            build_event(&e->events, letters[event.kind], event.code, event.payload.ptr, event.payload.len);
        }
    } while (err == 0 && event.kind != WSM__WS_NONE);
    if (err == 0) assert_int_equal(at, len);
    free(piece);
    return err;
}

static void expect_events(engine *e, const build *wanted, const char *how, size_t cut) {
    if (e->events.len == wanted->len && (wanted->len == 0 || memcmp(e->events.ptr, wanted->ptr, wanted->len) == 0))
        return;
    fail_msg("%s %zu: got '%.*s', wanted '%.*s'", how, cut, (int)e->events.len, (const char *)e->events.ptr,
             (int)wanted->len, (const char *)wanted->ptr);
}

static void run_in_steps(const row *r, bool from_client, const build *in, const build *wanted, size_t step) {
    engine e;
    engine_open(&e, r->limits ? r->limits : &roomy, from_client);
    for (size_t at = 0; at < in->len; at += step) {
        size_t len = in->len - at < step ? in->len - at : step;
        assert_int_equal(engine_feed(&e, in->ptr + at, len), 0);
    }
    expect_events(&e, wanted, "steps of", step);
    engine_close(&e);
}

static void run_in_two(const row *r, bool from_client, const build *in, const build *wanted, size_t cut) {
    engine e;
    engine_open(&e, r->limits ? r->limits : &roomy, from_client);
    assert_int_equal(engine_feed(&e, in->ptr, cut), 0);
    assert_int_equal(engine_feed(&e, in->ptr + cut, in->len - cut), 0);
    expect_events(&e, wanted, "cut at", cut);
    engine_close(&e);
}

static void run_side(const row *r, bool from_client) {
    build in = {0}, wanted = {0};
    build_put(&in, "", 0);
    build_frames(&in, r->in, from_client);
    build_events(&wanted, r->out);
    run_in_steps(r, from_client, &in, &wanted, in.len + 1);
    run_in_steps(r, from_client, &in, &wanted, 1);
    run_in_steps(r, from_client, &in, &wanted, 7);
    run_in_steps(r, from_client, &in, &wanted, 4096);
    for (size_t cut = 1; cut < in.len && in.len <= 200; cut++) run_in_two(r, from_client, &in, &wanted, cut);
    build_free(&in);
    build_free(&wanted);
}

static void run_row(void **state) {
    const row *r = *state;
    if (r->side != CLIENT) run_side(r, true);
    if (r->side != SERVER) run_side(r, false);
}

/* ---- what the table cannot say ---- */

static void feed_script(engine *e, const char *script) {
    build in = {0};
    build_frames(&in, script, e->ws.from_client);
    assert_int_equal(engine_feed(e, in.ptr, in.len), 0);
    build_free(&in);
}

static void expect_script(engine *e, const char *script) {
    build wanted = {0};
    build_events(&wanted, script);
    expect_events(e, &wanted, script, 0);
    build_free(&wanted);
    e->events.len = 0;
}

static void an_engine_between_messages_holds_nothing(void **state) {
    (void)state;
    engine e;
    engine_open(&e, &roomy, true);
    feed_script(&e, "T*10000 P:x t:a C:b");
    size_t with_idle_context = atomic_load(&e.mem.used);
    assert_null(e.ws.frame);
    assert_null(e.ws.message.ptr);
    assert_false(wsm__ws_is_mid_message(&e.ws));

    feed_script(&e, "T*20000 #81");
    assert_non_null(e.ws.frame);
    assert_true(wsm__ws_is_mid_message(&e.ws));
    assert_int_equal(atomic_load(&e.mem.used), with_idle_context);
    engine_close(&e);
}

static void a_pool_of_none_keeps_no_context(void **state) {
    (void)state;
    test_mem fault = {0};
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, &fault, 0);
    wsm__ws_pool *pool = wsm__ws_pool_new(&mem, 0);
    size_t empty = atomic_load(&mem.used);
    wsm__ws ws;
    wsm__ws_init(&ws, &mem, pool, &roomy, false);
    wsm__ws_event event;
    size_t used;

    assert_int_equal(wsm__ws_recv(&ws,
                                  "\x81\x01"
                                  "a",
                                  3, &used, &event),
                     0);
    assert_int_equal(event.kind, WSM__WS_TEXT);
    assert_true(atomic_load(&mem.used) > empty + 4096);
    assert_int_equal(wsm__ws_recv(&ws, NULL, 0, &used, &event), 0);
    assert_int_equal(atomic_load(&mem.used), empty);

    wsm__ws_fini(&ws);
    wsm__ws_pool_free(pool);
    assert_int_equal(atomic_load(&mem.used), 0);
}

static void a_short_message_costs_no_allocation(void **state) {
    (void)state;
    engine e;
    engine_open(&e, &roomy, true);
    feed_script(&e, "T:first");
    size_t calls = atomic_load(&e.fault.calls);
    feed_script(&e, "T:second P:x T*4000 B:third");
    assert_int_equal(atomic_load(&e.fault.calls), calls);
    engine_close(&e);
}

static void a_declared_length_is_not_allocated(void **state) {
    (void)state;
    engine e;
    engine_open(&e, &roomy, false);
    assert_int_equal(engine_feed(&e,
                                 "\x82\x7f\0\0\0\0\0\x03\x0d\x40"
                                 "abcde",
                                 15),
                     0);
    assert_true(wsm__ws_is_mid_message(&e.ws));
    assert_true(atomic_load(&e.mem.used) < 6000);
    engine_close(&e);
}

static void the_buffer_never_grows_over_the_limit(void **state) {
    (void)state;
    engine e;
    engine_open(&e, &roomy, true);
    feed_script(&e, "t*199999");
    assert_true(atomic_load(&e.mem.used) < 200000 + 6000);
    feed_script(&e, "C:a");
    expect_script(&e, "T*200000");
    engine_close(&e);
}

static void engines_share_contexts_without_mixing(void **state) {
    (void)state;
    build in = {0}, wanted = {0};
    build_frames(&in, "t:Hel P:x C:lo T*300 X1000:bye", true);
    build_events(&wanted, "P:x T:Hello T*300 X1000:bye");
    engine a, b;
    engine_open(&a, &roomy, true);
    engine_open(&b, &roomy, true);
    wsm__ws_pool *own = b.pool;
    b.ws.pool = a.pool;
    b.ws.message.mem = &a.mem;
    for (size_t i = 0; i < in.len + 5; i++) {
        if (i < in.len) engine_feed(&a, in.ptr + i, 1);
        if (i >= 5) engine_feed(&b, in.ptr + i - 5, 1);
    }
    expect_events(&a, &wanted, "first", 0);
    expect_events(&b, &wanted, "second", 0);
    wsm__ws_fini(&b.ws);
    wsm__ws_pool_free(own);
    build_free(&b.events);
    engine_close(&a);
    build_free(&in);
    build_free(&wanted);
}

static void a_context_amid_a_frame_is_not_lent_again(void **state) {
    (void)state;
    static const char *const unfinished[] = {"#81", "#81ff", "#8185", "#818501020304", "#81850102030405"};
    for (size_t i = 0; i < sizeof unfinished / sizeof *unfinished; i++) {
        engine e;
        engine_open(&e, &roomy, true);
        feed_script(&e, unfinished[i]);
        wsm__ws_fini(&e.ws);
        wsm__ws_init(&e.ws, &e.mem, e.pool, &roomy, true);
        feed_script(&e, "T:a X1000");
        expect_script(&e, "T:a X1000");
        engine_close(&e);
    }
}

static void a_payload_stands_until_the_next_call(void **state) {
    (void)state;
    engine a;
    engine_open(&a, &roomy, false);
    wsm__ws other;
    wsm__ws_init(&other, &a.mem, a.pool, &roomy, false);
    wsm__ws_event event, second;
    size_t used;
    assert_int_equal(wsm__ws_recv(&a.ws,
                                  "\x88\x05\x03\xe8"
                                  "bye",
                                  7, &used, &event),
                     0);
    assert_int_equal(wsm__ws_recv(&other,
                                  "\x81\x04"
                                  "else",
                                  6, &used, &second),
                     0);
    assert_int_equal(event.kind, WSM__WS_CLOSE);
    assert_memory_equal(event.payload.ptr, "bye", 3);
    wsm__ws_fini(&other);
    engine_close(&a);
}

static void a_dead_engine_takes_everything_and_says_nothing(void **state) {
    (void)state;
    engine e;
    engine_open(&e, &roomy, true);
    feed_script(&e, "T:a N3");
    expect_script(&e, "T:a E1002");
    assert_null(e.ws.frame);
    feed_script(&e, "T:b P:c X1000");
    expect_script(&e, "");
    engine_close(&e);
}

static void every_close_code_is_valid_or_not(void **state) {
    (void)state;
    for (unsigned code = 0; code <= 0xffff; code++) {
        bool valid = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
        assert_int_equal(wsm__ws_close_code_is_valid((uint16_t)code), valid);
    }
}

static int run_once(test_mem *fault, size_t budget, const build *in) {
    wsm__mem mem;
    wsm__mem_init(&mem, test_alloc, fault, budget);
    wsm__ws_pool *pool = wsm__ws_pool_new(&mem, 1);
    if (!pool) return WSM_ERR_NOMEM;
    wsm__ws ws;
    wsm__ws_init(&ws, &mem, pool, &roomy, true);
    int err = 0;
    size_t at = 0, used;
    wsm__ws_event event = {.kind = WSM__WS_PING};
    while (err == 0 && (at < in->len || event.kind != WSM__WS_NONE)) {
        err = wsm__ws_recv(&ws, in->ptr + at, in->len - at, &used, &event);
        at += used;
        if (err != 0) assert_int_equal(event.kind, WSM__WS_NONE);
    }
    if (err != 0) {
        assert_int_equal(wsm__ws_recv(&ws, in->ptr, in->len, &used, &event), 0);
        assert_int_equal(event.kind, WSM__WS_NONE);
        assert_int_equal(used, in->len);
    }
    wsm__ws_fini(&ws);
    wsm__ws_pool_free(pool);
    assert_int_equal(atomic_load(&mem.used), 0);
    return err;
}

static void each_failing_allocation_ends_the_engine_cleanly(void **state) {
    (void)state;
    build in = {0};
    build_frames(&in, "T:a t*5000 P:x c*9000 C*30000 B:b", true);
    for (size_t n = 1;; n++) {
        test_mem fault = {.fail_at = n};
        int err = run_once(&fault, 0, &in);
        assert_int_equal(atomic_load(&fault.live), 0);
        if (!test_mem_has_failed(&fault)) break;
        assert_int_equal(err, WSM_ERR_NOMEM);
    }
    build_free(&in);
}

static void contexts_are_charged_to_the_budget(void **state) {
    (void)state;
    build in = {0};
    build_frames(&in, "T:a", true);
    test_mem fault = {0};
    assert_int_equal(run_once(&fault, 4000, &in), WSM_ERR_NOMEM);
    assert_int_equal(run_once(&fault, 6000, &in), 0);
    assert_int_equal(atomic_load(&fault.live), 0);
    build_free(&in);
}

int main(void) {
    enum { ROWS = sizeof rows / sizeof *rows };
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(an_engine_between_messages_holds_nothing),
        cmocka_unit_test(a_pool_of_none_keeps_no_context),
        cmocka_unit_test(a_short_message_costs_no_allocation),
        cmocka_unit_test(a_declared_length_is_not_allocated),
        cmocka_unit_test(the_buffer_never_grows_over_the_limit),
        cmocka_unit_test(engines_share_contexts_without_mixing),
        cmocka_unit_test(a_context_amid_a_frame_is_not_lent_again),
        cmocka_unit_test(a_payload_stands_until_the_next_call),
        cmocka_unit_test(a_dead_engine_takes_everything_and_says_nothing),
        cmocka_unit_test(every_close_code_is_valid_or_not),
        cmocka_unit_test(each_failing_allocation_ends_the_engine_cleanly),
        cmocka_unit_test(contexts_are_charged_to_the_budget),
    };
    static struct CMUnitTest table[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        table[i] = (struct CMUnitTest){
            .name = rows[i].name, .test_func = run_row, .initial_state = (void *)(uintptr_t)&rows[i]};
    }
    int failed = cmocka_run_group_tests_name("wire_ws: the table", table, NULL, NULL);
    return failed + cmocka_run_group_tests_name("wire_ws", others, NULL, NULL);
}
