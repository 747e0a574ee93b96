/* See ref_utf8.h. */
#include "ref_utf8.h"

/* One row of the table: the range of each byte of a character. */
static const struct {
    size_t count;
    unsigned char low[4], high[4];
} rows[] = {
    {1, {0x00}, {0x7f}},
    {2, {0xc2, 0x80}, {0xdf, 0xbf}},
    {3, {0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}},
    {3, {0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}},
    {3, {0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}},
    {3, {0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}},
    {4, {0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}},
    {4, {0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}},
    {4, {0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}},
};

/* How many bytes of a row the text begins with; `*whole`: all of them. */
static size_t match(const unsigned char *at, size_t len, int *whole) {
    size_t best = 0;
    *whole = 0;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        size_t n = 0;
        while (n < rows[r].count && n < len && at[n] >= rows[r].low[n] && at[n] <= rows[r].high[n]) n++;
        if (n > best) best = n;
        if (n == rows[r].count) {
            *whole = 1;
            return n;
        }
    }
    return best;
}

size_t ref_utf8_valid_len(const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    size_t done = 0;
    int whole = 1;
    while (done < len) {
        size_t n = match(at + done, len - done, &whole);
        if (!whole) break;
        done += n;
    }
    return done;
}

size_t ref_utf8_possible_len(const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    int whole;
    size_t done = ref_utf8_valid_len(bytes, len);
    return done < len ? done + match(at + done, len - done, &whole) : done;
}
