/* Reading and writing claims. The words of an enumeration stand at the place of their value, those of `can` at their
 * bit. */
#include "auth/claims_json.h"

#include "proto/json_out.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const permission_words[] = {"observer", "active"};
static const char *const kind_words[] = {"agent", "human", "service"};
static const char *const purpose_words[] = {"primary", "observer", "backup"};
static const char *const can_words[] = {"broadcast_emergency", "mention_all", "status", "curator", "admin"};

/* ---- reading: each takes the member `name` of `object`, leaves *value when it is absent, and is false for a wrong
 * type */

static bool read_text(const wsm__json_node *object, const char *name, wsm_slice *value) {
    const wsm__json_node *node = wsm__json_get(object, name);
    return !node || wsm__json_text(node, value);
}

static bool read_time(const wsm__json_node *object, const char *name, int64_t *value) {
    const wsm__json_node *node = wsm__json_get(object, name);
    return !node || wsm__json_seconds(node, value);
}

static bool find_word(wsm_slice text, const char *const *words, size_t count, size_t *idx) {
    for (*idx = 0; *idx < count; ++*idx)
        if (wsm__slice_is(text, words[*idx])) return true;
    return false;
}

static bool read_word(const wsm__json_node *object, const char *name, const char *const *words, size_t count,
                      size_t *value) {
    const wsm__json_node *node = wsm__json_get(object, name);
    wsm_slice text;
    return !node || (wsm__json_text(node, &text) && find_word(text, words, count, value));
}

/* Up to `cap` strings, none of them empty. */
static bool read_list(const wsm__json_node *object, const char *name, wsm_slice *list, size_t cap, size_t *count) {
    const wsm__json_node *node = wsm__json_get(object, name);
    if (!node) return true;
    if (!wsm__json_is_array(node) || wsm__json_count(node) > cap) return false;
    *count = wsm__json_count(node);
    for (size_t i = 0; i < *count; i++)
        if (!wsm__json_text(wsm__json_at(node, i), &list[i])) return false;
    return true;
}

static bool read_can(const wsm__json_node *object, uint32_t *can) {
    const wsm__json_node *node = wsm__json_get(object, "can");
    if (!node) return true;
    if (!wsm__json_is_array(node)) return false;
    for (size_t i = 0, bit; i < wsm__json_count(node); i++) {
        wsm_slice word;
        if (!wsm__json_text(wsm__json_at(node, i), &word)) return false;
        if (find_word(word, can_words, COUNT(can_words), &bit)) *can |= 1u << bit;
    }
    return true;
}

/* RFC 7519, section 4.1.3: a string or an array of strings. The one that is kept is `audience`, or else the first. */
static bool read_audience(const wsm__json_node *object, const char *audience, wsm_slice *value) {
    const wsm__json_node *node = wsm__json_get(object, "aud");
    if (!node) return audience == NULL;
    if (wsm__json_text(node, value)) return !audience || wsm__slice_is(*value, audience);
    if (!wsm__json_is_array(node)) return false;
    bool found = audience == NULL;
    for (size_t i = 0; i < wsm__json_count(node); i++) {
        wsm_slice text;
        if (!wsm__json_text(wsm__json_at(node, i), &text)) return false;
        bool is_it = audience && wsm__slice_is(text, audience);
        if (i == 0 || is_it) *value = text;
        found = found || is_it;
    }
    return found;
}

static bool read_wsm(const wsm__json_node *object, wsm__claims_view *view) {
    wsm_claims *claims = &view->claims;
    const wsm__json_node *wsm = wsm__json_get(object, "wsm");
    size_t permission = WSM_PERMISSION_OBSERVER, kind = WSM_KIND_AGENT, purpose = WSM_PURPOSE_PRIMARY;
    if (!wsm) return true;
    bool valid = wsm__json_is_object(wsm) &&
                 read_word(wsm, "permission", permission_words, COUNT(permission_words), &permission) &&
                 read_word(wsm, "kind", kind_words, COUNT(kind_words), &kind) &&
                 read_word(wsm, "purpose", purpose_words, COUNT(purpose_words), &purpose) &&
                 read_can(wsm, &claims->can) &&
                 read_list(wsm, "specialties", view->specialties, WSM__SPECIALTIES_MAX, &claims->specialties_count) &&
                 read_list(wsm, "contexts", view->contexts, WSM__CONTEXTS_MAX, &claims->contexts_count);
    claims->permission = (wsm_permission)permission;
    claims->kind = (wsm_kind)kind;
    claims->purpose = (wsm_purpose)purpose;
    claims->contexts_present = wsm__json_get(wsm, "contexts") != NULL;
    return valid;
}

int wsm__claims_read(const wsm__json_node *object, const char *audience, wsm__claims_view *view) {
    wsm_claims *claims = &view->claims;
    *claims = (wsm_claims){.size = sizeof *claims, .specialties = view->specialties, .contexts = view->contexts};
    bool valid = read_text(object, "sub", &claims->sub) && read_text(object, "jti", &claims->jti) &&
                 read_time(object, "exp", &claims->exp) && read_time(object, "iat", &claims->iat) &&
                 read_time(object, "nbf", &claims->nbf) && read_audience(object, audience, &claims->aud) &&
                 read_wsm(object, view);
    return valid ? 0 : WSM_ERR_TOKEN_CLAIM;
}

/* ---- writing */

static void write_text(wsm__json_out *out, const char *name, wsm_slice text) {
    if (text.len) wsm__json_str(out, name, text);
}

static void write_time(wsm__json_out *out, const char *name, int64_t seconds) {
    if (seconds) wsm__json_num(out, name, (uint64_t)seconds);
}

static void write_list(wsm__json_out *out, const char *name, const wsm_slice *list, size_t count) {
    wsm__json_name(out, name);
    for (size_t i = 0; i < count; i++) {
        wsm__buf_putc(out->buf, i ? ',' : '[');
        wsm__json_put_string(out->buf, list[i]);
    }
    wsm__buf_puts(out->buf, count ? "]" : "[]");
}

static void write_can(wsm__json_out *out, uint32_t can) {
    wsm_slice list[COUNT(can_words)];
    size_t count = 0;
    for (size_t bit = 0; bit < COUNT(can_words); bit++)
        if (can & 1u << bit) list[count++] = wsm__slice_str(can_words[bit]);
    write_list(out, "can", list, count);
}

static void write_wsm(wsm__buf *buf, const wsm_claims *claims) {
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "permission", wsm__slice_str(permission_words[claims->permission]));
    if (claims->kind != WSM_KIND_AGENT) wsm__json_str(&out, "kind", wsm__slice_str(kind_words[claims->kind]));
    if (claims->purpose != WSM_PURPOSE_PRIMARY)
        wsm__json_str(&out, "purpose", wsm__slice_str(purpose_words[claims->purpose]));
    if (claims->specialties_count) write_list(&out, "specialties", claims->specialties, claims->specialties_count);
    if (claims->contexts_present || claims->contexts_count)
        write_list(&out, "contexts", claims->contexts, claims->contexts_count);
    if (claims->can) write_can(&out, claims->can);
    wsm__json_close(&out);
}

void wsm__claims_write(wsm__buf *buf, const wsm_claims *claims) {
    wsm__json_out out;
    wsm__json_open(&out, buf);
    wsm__json_str(&out, "sub", claims->sub);
    write_text(&out, "aud", claims->aud);
    write_text(&out, "jti", claims->jti);
    write_time(&out, "iat", claims->iat);
    write_time(&out, "nbf", claims->nbf);
    write_time(&out, "exp", claims->exp);
    wsm__json_name(&out, "wsm");
    write_wsm(buf, claims);
    wsm__json_close(&out);
}
