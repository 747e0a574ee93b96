/* A look into a message: its members, as raw JSON or as text. */
#define _POSIX_C_SOURCE 200809L /* struct sigaction, for libuv */

#include "wsmcat.h"

wsm_slice member(const members *m, const char *key) {
    for (size_t i = 0; i < m->count; i++)
        if (m->list[i].key.len == strlen(key) && memcmp(m->list[i].key.ptr, key, m->list[i].key.len) == 0)
            return m->list[i].value;
    return (wsm_slice){NULL, 0};
}

void text_clean(char *text) {
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) *p = ' ';
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = p[1] = ' ';
    }
}

void member_text(const members *m, const char *key, char *out, size_t cap) {
    if (wsm_json_string(member(m, key), out, cap) < 0) out[0] = '\0';
    text_clean(out);
}

int members_of(members *m, wsm_slice json) {
    m->count = 0;
    return json.ptr ? wsm_json_members(json.ptr, json.len, m->list, MEMBERS, &m->count, NULL, NULL) : WSM_ERR_INVALID;
}
