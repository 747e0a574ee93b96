/* The bytes on their way out: whatever part of them is reported as written, the same bytes go out (I-61), and a frame
 * leaves when its last byte has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem_fault.h"
#include "wire/outq.h"
#include "wsm/error.h"

typedef struct fixture {
    test_mem fault;
    wsm__mem mem;
    wsm__chain_pool pool;
    wsm__outq q;
} fixture;

static void setup(fixture *f, bool payload_only) {
    *f = (fixture){0};
    wsm__mem_init(&f->mem, test_alloc, &f->fault, 0);
    wsm__chain_pool_init(&f->pool, &f->mem);
    wsm__outq_init(&f->q, payload_only);
}

static void teardown(fixture *f) {
    wsm__outq_fini(&f->q, &f->pool);
    wsm__chain_pool_fini(&f->pool);
    assert_int_equal(atomic_load(&f->mem.used), 0);
    assert_int_equal(atomic_load(&f->fault.live), 0);
}

static void push_text(fixture *f, const char *text) {
    wsm__frame *frame = wsm__frame_of(&f->mem, 1, text, strlen(text), NULL);
    assert_int_equal(wsm__outq_push(&f->q, &f->pool, frame), 0);
    wsm__frame_unref(frame);
}

static void vectors_are_whole_frames_in_order(void **state) {
    (void)state;
    fixture f;
    setup(&f, false);
    push_text(&f, "one");
    push_text(&f, "three");
    wsm_vec vec[4];

    assert_int_equal(wsm__outq_vec(&f.q, vec, 4), 2);
    assert_int_equal(vec[0].len, 5);
    assert_memory_equal(vec[0].base, "\x81\x03one", 5);
    assert_int_equal(vec[1].len, 7);
    assert_memory_equal(vec[1].base, "\x81\x05three", 7);
    assert_int_equal(f.q.bytes, 12);
    assert_int_equal(wsm__outq_vec(&f.q, vec, 1), 1);
    assert_int_equal(wsm__outq_vec(&f.q, vec, 0), 0);
    teardown(&f);
}

static void payloads_go_out_without_headers_to_message_peers(void **state) {
    (void)state;
    fixture f;
    setup(&f, true);
    push_text(&f, "one");
    wsm_vec vec[1];
    uint32_t done = 0;
    assert_int_equal(wsm__outq_vec(&f.q, vec, 1), 1);
    assert_int_equal(vec[0].len, 3);
    assert_memory_equal(vec[0].base, "one", 3);
    assert_int_equal(wsm__outq_sent(&f.q, &f.pool, 3, &done), 3);
    assert_int_equal(done, 1);
    teardown(&f);
}

static void a_part_that_went_shortens_the_front(void **state) {
    (void)state;
    fixture f;
    setup(&f, false);
    push_text(&f, "one");
    push_text(&f, "two");
    wsm_vec vec[2];
    uint32_t done = 0;

    assert_int_equal(wsm__outq_sent(&f.q, &f.pool, 4, &done), 4);
    assert_int_equal(done, 0);
    assert_int_equal(wsm__outq_vec(&f.q, vec, 2), 2);
    assert_int_equal(vec[0].len, 1);
    assert_memory_equal(vec[0].base, "e", 1);

    assert_int_equal(wsm__outq_sent(&f.q, &f.pool, 2, &done), 2);
    assert_int_equal(done, 1);
    assert_int_equal(wsm__outq_vec(&f.q, vec, 2), 1);
    assert_memory_equal(vec[0].base, "\x03two", 4);
    assert_int_equal(f.q.bytes, 4);
    teardown(&f);
}

static void more_than_there_is_counts_as_all(void **state) {
    (void)state;
    fixture f;
    setup(&f, false);
    uint32_t done = 0;
    assert_int_equal(wsm__outq_sent(&f.q, &f.pool, 10, &done), 0);
    push_text(&f, "one");
    push_text(&f, "two");
    assert_int_equal(wsm__outq_sent(&f.q, &f.pool, 1000, &done), 10);
    assert_int_equal(done, 2);
    assert_int_equal(f.q.bytes, 0);
    teardown(&f);
}

static void an_empty_payload_can_leave(void **state) {
    (void)state;
    fixture f;
    setup(&f, true);
    push_text(&f, "");
    uint32_t done = 0;
    assert_int_equal(wsm__outq_sent(&f.q, &f.pool, 0, &done), 0);
    assert_int_equal(done, 1);
    assert_int_equal(f.q.count, 0);
    teardown(&f);
}

static void the_queue_holds_a_reference_of_its_own(void **state) {
    (void)state;
    fixture f, other;
    setup(&f, false);
    setup(&other, false);
    wsm__frame *frame = wsm__frame_of(&f.mem, 1, "shared", 6, NULL);
    uint32_t done = 0;
    assert_int_equal(wsm__outq_push(&f.q, &f.pool, frame), 0);
    assert_int_equal(wsm__outq_push(&other.q, &other.pool, frame), 0);
    wsm__frame_unref(frame);
    wsm__outq_sent(&f.q, &f.pool, 8, &done);
    wsm_vec vec[1];
    assert_int_equal(wsm__outq_vec(&other.q, vec, 1), 1);
    assert_memory_equal(vec[0].base, "\x81\x06shared", 8);
    teardown(&other);
    teardown(&f);
}

/* What comes out when `sent` is reported in pieces drawn from `seed`, with vectors of up to `cap`. */
static size_t drain(fixture *f, uint32_t seed, size_t cap, char *out) {
    size_t len = 0;
    uint32_t done = 0, pushed = f->q.count;
    while (f->q.bytes > 0) {
        wsm_vec vec[8];
        size_t count = wsm__outq_vec(&f->q, vec, cap), handed = 0, went = 0;
        for (size_t i = 0; i < count; i++) handed += vec[i].len;
        seed = seed * 1664525u + 1013904223u;
        size_t part = (seed >> 8) % (handed + 1);
        for (size_t i = 0; i < count && went < part; i++) {
            size_t take = vec[i].len < part - went ? vec[i].len : part - went;
            memcpy(out + len + went, vec[i].base, take);
            went += take;
        }
        assert_int_equal(wsm__outq_sent(&f->q, &f->pool, part, &done), part);
        len += part;
    }
    assert_int_equal(done, pushed);
    return len;
}

static void any_pattern_of_partial_writes_gives_the_same_bytes(void **state) {
    (void)state;
    static char wanted[2][4096], got[4096];
    size_t wanted_len[2] = {0, 0};
    for (uint32_t seed = 0; seed < 600; seed++) {
        fixture f;
        size_t form = seed % 2;
        setup(&f, form == 1);
        for (int i = 0; i < 20; i++) {
            char text[80];
            memset(text, 'a' + i, sizeof text);
            text[i * 4] = 0;
            push_text(&f, text);
            if (seed < 2) {
                if (form == 0) {
                    wanted[form][wanted_len[form]++] = (char)0x81;
                    wanted[form][wanted_len[form]++] = (char)(i * 4);
                }
                memcpy(wanted[form] + wanted_len[form], text, (size_t)i * 4);
                wanted_len[form] += (size_t)i * 4;
            }
        }
        assert_int_equal(drain(&f, seed, 1 + seed % 8, got), wanted_len[form]);
        assert_memory_equal(got, wanted[form], wanted_len[form]);
        teardown(&f);
    }
}

static void a_push_without_memory_has_no_effect(void **state) {
    (void)state;
    fixture f;
    setup(&f, false);
    wsm__frame *frame = wsm__frame_of(&f.mem, 1, "one", 3, NULL);
    f.fault.fail_at = atomic_load(&f.fault.calls) + 1;
    assert_int_equal(wsm__outq_push(&f.q, &f.pool, frame), WSM_ERR_NOMEM);
    assert_int_equal(f.q.bytes, 0);
    assert_int_equal(f.q.count, 0);
    assert_int_equal(wsm__outq_push(&f.q, &f.pool, frame), 0);
    wsm__frame_unref(frame);
    teardown(&f);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_are_whole_frames_in_order),
        cmocka_unit_test(payloads_go_out_without_headers_to_message_peers),
        cmocka_unit_test(a_part_that_went_shortens_the_front),
        cmocka_unit_test(more_than_there_is_counts_as_all),
        cmocka_unit_test(an_empty_payload_can_leave),
        cmocka_unit_test(the_queue_holds_a_reference_of_its_own),
        cmocka_unit_test(any_pattern_of_partial_writes_gives_the_same_bytes),
        cmocka_unit_test(a_push_without_memory_has_no_effect),
    };
    return cmocka_run_group_tests_name("wire_outq", tests, NULL, NULL);
}
