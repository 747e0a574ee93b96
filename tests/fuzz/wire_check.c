/* See wire_check.h. */
#include "wire_check.h"

#include <stdlib.h>
#include <string.h>

#include "ref_json.h"
#include "ref_utf8.h"

bool wire_code_may_be_sent(unsigned code) {
    static const unsigned registered[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014};
    for (size_t i = 0; i < sizeof registered / sizeof *registered; i++)
        if (registered[i] == code) return true;
    return code >= 3000 && code <= 4999;
}

static void check_json(const unsigned char *text, size_t len) {
    static const ref_json_limits limits = {64, 1000000, 4096};
    ref_json_verdict verdict;
    ref_json *json = ref_json_parse(text, len, &limits, &verdict);
    if (!json) fuzz_show("no JSON", text, len);
    FUZZ_EXPECT(json && json->kind == REF_OBJECT);
    ref_json_free(json);
}

unsigned wire_check_frames(const void *bytes, size_t len, const wire_checks *checks) {
    const unsigned char *at = bytes;
    unsigned closed = 0;
    while (len > 0) {
        FUZZ_EXPECT(closed == 0); /* nothing follows a close */
        FUZZ_EXPECT(len >= 2 && (at[0] & 0xf0) == 0x80);
        int opcode = at[0] & 0x0f;
        FUZZ_EXPECT(opcode == 1 || opcode == 2 || opcode == 8 || opcode == 9 || opcode == 10);
        FUZZ_EXPECT(((at[1] & 0x80) != 0) == checks->masked);
        size_t size = at[1] & 0x7f, head = 2;
        if (size == 126) {
            FUZZ_EXPECT(len >= 4);
            size = (size_t)at[2] << 8 | at[3];
            FUZZ_EXPECT(size >= 126);
            head = 4;
        } else if (size == 127) {
            size = 0;
            FUZZ_EXPECT(len >= 10);
            for (int i = 2; i < 10; i++) size = size << 8 | at[i];
            FUZZ_EXPECT(size > 0xffff);
            head = 10;
        }
        FUZZ_EXPECT(opcode < 8 || size <= 125);
        const unsigned char *mask = at + head;
        if (checks->masked) head += 4;
        FUZZ_EXPECT(len >= head && len - head >= size);
        unsigned char *payload = (unsigned char *)fuzz_copy(at + head, size);
        for (size_t i = 0; checks->masked && i < size; i++) payload[i] ^= mask[i % 4];
        if (opcode == 1) {
            FUZZ_EXPECT(ref_utf8_valid_len(payload, size) == size);
            if (checks->json) check_json(payload, size);
        }
        if (opcode == 8) {
            closed = 1005;
            FUZZ_EXPECT(size != 1);
            if (size >= 2) {
                closed = (unsigned)payload[0] << 8 | payload[1];
                FUZZ_EXPECT(wire_code_may_be_sent(closed));
                FUZZ_EXPECT(ref_utf8_valid_len(payload + 2, size - 2) == size - 2);
            }
        }
        if (opcode <= 2 && checks->on_message) checks->on_message(checks->user, opcode, payload, size);
        free(payload);
        at += head + size;
        len -= head + size;
    }
    return closed;
}

/* ---- HTTP ---- */

static size_t line_len(const char *at, size_t len) {
    for (size_t i = 0; i + 1 < len; i++) {
        if (at[i] == '\r' && at[i + 1] == '\n') return i;
        FUZZ_EXPECT((unsigned char)at[i] >= 0x20 && (unsigned char)at[i] < 0x7f);
    }
    FUZZ_FAIL("a line that ends");
    return 0;
}

static bool is_named(const char *at, size_t len, const char *name) {
    size_t n = strlen(name);
    return len > n + 2 && memcmp(at, name, n) == 0 && at[n] == ':' && at[n + 1] == ' ';
}

size_t wire_check_response(const void *bytes, size_t len, int *status) {
    const char *at = bytes;
    size_t line = line_len(at, len), used = line + 2, length = 0;
    bool has_length = false, closes = false, upgrades = false;
    FUZZ_EXPECT(line > 13 && memcmp(at, "HTTP/1.1 ", 9) == 0 && at[12] == ' ');
    *status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    FUZZ_EXPECT(*status == 101 || (*status >= 200 && *status < 600));
    while ((line = line_len(at + used, len - used)) > 0) {
        const char *header = at + used;
        const char *colon = memchr(header, ':', line);
        FUZZ_EXPECT(colon && colon > header);
        for (const char *c = header; c < colon; c++) FUZZ_EXPECT(*c != ' ');
        if (is_named(header, line, "Content-Length")) {
            FUZZ_EXPECT(!has_length);
            has_length = true;
            length = strtoul(header + 16, NULL, 10);
        }
        closes = closes || is_named(header, line, "Connection");
        upgrades = upgrades || is_named(header, line, "Sec-WebSocket-Accept");
        used += line + 2;
    }
    used += 2;
    FUZZ_EXPECT(closes);
    FUZZ_EXPECT(upgrades == (*status == 101));
    if (*status == 101) return used;
    FUZZ_EXPECT(has_length == (*status != 204));
    FUZZ_EXPECT(len - used == length);
    return len;
}
