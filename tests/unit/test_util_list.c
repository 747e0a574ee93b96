/* Intrusive lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util/list.h"

typedef struct item {
    int number;
    wsm__list link;
} item;

static int first_number(const wsm__list *head) {
    return WSM__CONTAINER(wsm__list_first(head), item, link)->number;
}

static void elements_come_out_in_the_order_they_went_in(void **state) {
    (void)state;
    wsm__list head;
    item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    wsm__list_init(&head);
    assert_true(wsm__list_is_empty(&head));
    assert_null(wsm__list_first(&head));
    for (int i = 0; i < 3; i++) wsm__list_push(&head, &items[i].link);
    wsm__list_remove(&items[1].link);
    wsm__list_remove(&items[1].link);
    assert_int_equal(first_number(&head), 1);
    wsm__list_remove(&items[0].link);
    assert_int_equal(first_number(&head), 3);
    wsm__list_remove(&items[2].link);
    assert_true(wsm__list_is_empty(&head));
}

static void splicing_moves_all_to_the_end(void **state) {
    (void)state;
    wsm__list to, from;
    item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    wsm__list_init(&to);
    wsm__list_init(&from);
    wsm__list_push(&to, &items[0].link);
    wsm__list_push(&from, &items[1].link);
    wsm__list_push(&from, &items[2].link);
    wsm__list_splice(&to, &from);
    wsm__list_splice(&to, &from);
    assert_true(wsm__list_is_empty(&from));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(first_number(&to), i);
        wsm__list_remove(wsm__list_first(&to));
    }
    assert_true(wsm__list_is_empty(&to));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_out_in_the_order_they_went_in),
        cmocka_unit_test(splicing_moves_all_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
