/* F4: the check of UTF-8 equals a table-driven reference, whole and in every two pieces (I-60). */
#include <stdlib.h>

#include "fuzz.h"
#include "ref_utf8.h"
#include "util/utf8.h"

#define CUT_MAX 512

static bool feed(wsm__utf8 *utf8, const uint8_t *data, size_t len) {
    char *copy = fuzz_copy(data, len);
    bool good = wsm__utf8_feed(utf8, copy, len);
    free(copy);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bool possible = ref_utf8_possible_len(data, size) == size, valid = ref_utf8_valid_len(data, size) == size;
    size_t cuts = size < CUT_MAX ? size : CUT_MAX;
    for (size_t cut = 0; cut <= cuts; cut++) {
        wsm__utf8 utf8;
        wsm__utf8_init(&utf8);
        bool good = feed(&utf8, data, cut);
        FUZZ_EXPECT(good == (ref_utf8_possible_len(data, cut) == cut));
        if (good) FUZZ_EXPECT(wsm__utf8_is_whole(&utf8) == (ref_utf8_valid_len(data, cut) == cut));
        good = good && feed(&utf8, data + cut, size - cut);
        FUZZ_EXPECT(good == possible);
        if (good) FUZZ_EXPECT(wsm__utf8_is_whole(&utf8) == valid);
    }
    wsm__utf8 utf8;
    wsm__utf8_init(&utf8);
    bool good = true;
    for (size_t i = 0; i < size && good; i++) good = feed(&utf8, data + i, 1);
    FUZZ_EXPECT(good == possible);
    char *copy = fuzz_copy(data, size);
    FUZZ_EXPECT(wsm__utf8_is_valid(copy, size) == valid);
    free(copy);
    return 0;
}
