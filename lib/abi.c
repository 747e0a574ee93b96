/* Copying the structs of the border by the size that each side knows. */
#include "abi.h"

#include <string.h>

#include "wsm/error.h"

static size_t size_of(const void *given) {
    size_t size = 0;
    if (given) memcpy(&size, given, sizeof size);
    return size;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

int wsm__abi_copy(void *known, size_t known_size, const void *given) {
    size_t size = size_of(given);
    if (size < sizeof size) return WSM_ERR_INVALID;
    const unsigned char *bytes = given;
    for (size_t i = known_size; i < size; i++)
        if (bytes[i]) return WSM_ERR_VERSION;
    memcpy(known, given, least(size, known_size));
    memcpy(known, &known_size, sizeof known_size);
    return 0;
}

void wsm__abi_init(void *out, size_t size, const void *defaults, size_t known_size) {
    if (!out || size < sizeof size) return;
    memset(out, 0, size);
    memcpy(out, defaults, least(size, known_size));
    memcpy(out, &size, sizeof size);
}

int wsm__abi_fill(void *out, const void *known, size_t known_size) {
    size_t size = size_of(out);
    if (size < sizeof size) return WSM_ERR_INVALID;
    memcpy((char *)out + sizeof size, (const char *)known + sizeof size, least(size, known_size) - sizeof size);
    return 0;
}
