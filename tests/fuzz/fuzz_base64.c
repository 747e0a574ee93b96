/* Base64: whoever decodes gets bytes whose only text is the one he had (so a token cannot be changed and stay the
 * same), and what is encoded is decoded again. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "util/base64.h"

typedef long (*decode_fn)(unsigned char *, const char *, size_t);
typedef size_t (*encode_fn)(char *, const void *, size_t);

static void check(const uint8_t *data, size_t size, decode_fn decode, encode_fn encode) {
    char *text = fuzz_copy(data, size);
    unsigned char *bytes = malloc(size / 4 * 3 + 2);
    char *again = malloc(WSM__BASE64_LEN(size) + 1);
    if (!bytes || !again) abort();
    long len = decode(bytes, text, size);
    FUZZ_EXPECT(len >= -1 && len <= (long)(size / 4 * 3 + 2));
    if (len >= 0) {
        FUZZ_EXPECT(encode(again, bytes, (size_t)len) == size);
        FUZZ_EXPECT(memcmp(again, text, size) == 0);
    }
    size_t text_len = encode(again, data, size);
    unsigned char *back = malloc(text_len / 4 * 3 + 2);
    if (!back) abort();
    FUZZ_EXPECT(decode(back, again, text_len) == (long)size);
    FUZZ_EXPECT(size == 0 || memcmp(back, data, size) == 0);
    free(back);
    free(again);
    free(bytes);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check(data, size, wsm__base64_decode, wsm__base64_encode);
    check(data, size, wsm__base64url_decode, wsm__base64url_encode);
    return 0;
}
