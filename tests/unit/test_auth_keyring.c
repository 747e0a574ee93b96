/* The keyring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "auth/keyring.h"
#include "mem_fault.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static wsm_key key_of(const char *kid, const char *secret) {
    wsm_key key;
    wsm_key_init(&key, sizeof key);
    key.kid = kid;
    key.secret = secret;
    key.secret_len = strlen(secret);
    return key;
}

static int add(wsm__keyring *ring, const char *kid, const char *secret) {
    wsm_key key = key_of(kid, secret);
    return wsm__keyring_add(ring, &key);
}

static const char *first_kid(const wsm__keyring *ring) {
    return wsm__keyring_get(ring, (wsm_slice){NULL, 0})->kid;
}

static void a_key_is_found_by_its_kid_and_the_first_without(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__keyring ring;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__keyring_init(&ring, &mem);

    assert_null(wsm__keyring_get(&ring, (wsm_slice){NULL, 0}));
    assert_int_equal(add(&ring, "a", SECRET), 0);
    assert_int_equal(add(&ring, "b", SECRET "more"), 0);
    assert_string_equal(first_kid(&ring), "a");
    assert_int_equal(wsm__keyring_get(&ring, wsm__slice("bc", 1))->secret_len, 36);
    assert_null(wsm__keyring_get(&ring, wsm__slice_str("bc")));
    assert_null(wsm__keyring_get(&ring, wsm__slice_str("")));
    assert_int_equal(wsm__keyring_remove(&ring, "a"), 0);
    assert_int_equal(wsm__keyring_remove(&ring, "a"), WSM_ERR_NOT_FOUND);
    assert_string_equal(first_kid(&ring), "b");
    wsm__keyring_fini(&ring);

    assert_int_equal(mem.used, 0);
}

static void a_key_of_the_same_kid_takes_the_place_of_the_old_one(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__keyring ring;
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__keyring_init(&ring, &mem);

    assert_int_equal(add(&ring, NULL, SECRET), 0);
    assert_int_equal(add(&ring, "b", SECRET), 0);
    assert_int_equal(add(&ring, NULL, SECRET "new"), 0);
    assert_int_equal(ring.count, 2);
    assert_int_equal(wsm__keyring_get(&ring, (wsm_slice){NULL, 0})->secret_len, 35);
    assert_int_equal(wsm__keyring_remove(&ring, NULL), 0);
    assert_int_equal(ring.count, 1);
    wsm__keyring_fini(&ring);

    assert_int_equal(mem.used, 0);
}

static void there_is_room_for_eight(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__keyring ring;
    char kid[2] = "0";
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__keyring_init(&ring, &mem);

    for (int i = 0; i < WSM__KEYS_MAX; i++) {
        kid[0] = (char)('0' + i);
        assert_int_equal(add(&ring, kid, SECRET), 0);
    }
    assert_int_equal(add(&ring, "one more", SECRET), WSM_ERR_LIMIT);
    assert_int_equal(add(&ring, "7", SECRET), 0); /* replacing needs no room */
    wsm__keyring_fini(&ring);

    assert_int_equal(mem.used, 0);
}

static void weak_or_odd_keys_are_refused(void **state) {
    (void)state;
    test_mem host = {0};
    wsm__mem mem;
    wsm__keyring ring;
    char long_kid[WSM__KID_BYTES_MAX + 2];
    wsm_key key = key_of(NULL, SECRET);
    wsm__mem_init(&mem, test_alloc, &host, 0);
    wsm__keyring_init(&ring, &mem);
    memset(long_kid, 'k', sizeof long_kid);
    long_kid[sizeof long_kid - 1] = 0;

    assert_int_equal(add(&ring, "a", "0123456789abcdef0123456789abcde"), WSM_ERR_INVALID);
    assert_int_equal(add(&ring, "", SECRET), WSM_ERR_INVALID);
    assert_int_equal(add(&ring, "\xff", SECRET), WSM_ERR_INVALID);
    assert_int_equal(add(&ring, long_kid, SECRET), WSM_ERR_INVALID);
    assert_int_equal(wsm__keyring_add(&ring, NULL), WSM_ERR_INVALID);
    key.secret = NULL;
    assert_int_equal(wsm__keyring_add(&ring, &key), WSM_ERR_INVALID);
    key.size = 1;
    assert_int_equal(wsm__keyring_add(&ring, &key), WSM_ERR_INVALID);
    assert_int_equal(ring.count, 0);
    assert_int_equal(host.calls, 0);
}

static void without_memory_the_ring_stays_as_it_was(void **state) {
    (void)state;
    for (size_t n = 3;; n++) {
        test_mem host = {.fail_at = n};
        wsm__mem mem;
        wsm__keyring ring;
        wsm__mem_init(&mem, test_alloc, &host, 0);
        wsm__keyring_init(&ring, &mem);
        assert_int_equal(add(&ring, "a", SECRET), 0);
        size_t used = mem.used;
        int err = add(&ring, "a", SECRET "new");
        if (test_mem_has_failed(&host)) {
            assert_int_equal(err, WSM_ERR_NOMEM);
            assert_int_equal(mem.used, used);
            assert_int_equal(ring.keys[0].secret_len, 32);
        }
        wsm__keyring_fini(&ring);
        assert_int_equal(mem.used, 0);
        if (!test_mem_has_failed(&host)) break;
    }
}

/* Stands in for the host's allocator, and sees what is in a block when it comes back. */
static void *nosy_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    int *secrets_seen = user;
    if (new_size) return realloc(ptr, new_size);
    *secrets_seen += old_size >= 32 && memcmp(ptr, SECRET, 8) == 0;
    free(ptr);
    return NULL;
}

static void secrets_are_wiped_before_their_memory_goes(void **state) {
    (void)state;
    int secrets_seen = 0;
    wsm__mem mem;
    wsm__keyring ring;
    wsm__mem_init(&mem, nosy_alloc, &secrets_seen, 0);
    wsm__keyring_init(&ring, &mem);

    assert_int_equal(add(&ring, "a", SECRET), 0);
    assert_int_equal(add(&ring, "a", SECRET "new"), 0);
    assert_int_equal(add(&ring, "b", SECRET), 0);
    assert_int_equal(wsm__keyring_remove(&ring, "b"), 0);
    wsm__keyring_fini(&ring);

    assert_int_equal(secrets_seen, 0);
    assert_int_equal(mem.used, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_by_its_kid_and_the_first_without),
        cmocka_unit_test(a_key_of_the_same_kid_takes_the_place_of_the_old_one),
        cmocka_unit_test(there_is_room_for_eight),
        cmocka_unit_test(weak_or_odd_keys_are_refused),
        cmocka_unit_test(without_memory_the_ring_stays_as_it_was),
        cmocka_unit_test(secrets_are_wiped_before_their_memory_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
