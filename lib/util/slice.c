/* The comparisons of slices that are too long for the header. */
#include "util/slice.h"

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool wsm__slice_is_nocase(wsm_slice a, const char *text) {
    if (a.len != strlen(text)) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(text[i])) return false;
    return true;
}

bool wsm__slice_u64(wsm_slice a, uint64_t max, uint64_t *value) {
    if (a.len == 0 || (a.len > 1 && a.ptr[0] == '0')) return false;
    uint64_t sum = 0;
    const uint64_t most = max / 10; /* before one digit more */
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] < '0' || a.ptr[i] > '9') return false;
        uint64_t digit = (uint64_t)(a.ptr[i] - '0');
        if (sum > most || (sum == most && digit > max % 10)) return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}
