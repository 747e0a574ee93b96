/* Claims: what may be in them, owning them, and what they let their bearer read. */
#include "auth/claims.h"

#include "abi.h"
#include "limits.h"
#include "util/utf8.h"

#define CAN_ALL (WSM_CAN_BROADCAST_EMERGENCY | WSM_CAN_MENTION_ALL | WSM_CAN_STATUS | WSM_CAN_CURATOR | WSM_CAN_ADMIN)

bool wsm__agent_id_is_valid(wsm_slice id) {
    if (id.len == 0 || id.len > WSM__AGENT_ID_MAX) return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool alnum = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && c != '.' && c != '_' && c != '-') return false;
    }
    return true;
}

/* No NUL: it could not stand in a token, and would cut a C string. */
static bool is_text(wsm_slice text, size_t len_max) {
    return text.len > 0 && text.len <= len_max && text.ptr && !memchr(text.ptr, 0, text.len) &&
           wsm__utf8_is_valid(text.ptr, text.len);
}

static bool is_absent_or_text(wsm_slice text, size_t len_max) {
    return text.len == 0 || is_text(text, len_max);
}

static bool is_list(const wsm_slice *list, size_t count, size_t count_max, size_t len_max) {
    if (count > count_max || (count && !list)) return false;
    for (size_t i = 0; i < count; i++)
        if (!is_text(list[i], len_max)) return false;
    return true;
}

static bool is_time(int64_t seconds) {
    return seconds >= 0 && seconds <= (int64_t)WSM__NUMBER_MAX;
}

static bool are_times_valid(const wsm_claims *claims) {
    if (!is_time(claims->exp) || !is_time(claims->iat) || !is_time(claims->nbf) || claims->exp == 0) return false;
    return claims->iat == 0 || (claims->exp > claims->iat && claims->exp - claims->iat <= WSM__TOKEN_LIFE_MAX_S);
}

static bool are_words_valid(const wsm_claims *claims) {
    return (unsigned)claims->permission <= WSM_PERMISSION_ACTIVE && (unsigned)claims->kind <= WSM_KIND_SERVICE &&
           (unsigned)claims->purpose <= WSM_PURPOSE_BACKUP && (claims->can & ~CAN_ALL) == 0;
}

int wsm__claims_check(const wsm_claims *claims) {
    bool valid =
        wsm__agent_id_is_valid(claims->sub) && !wsm__slice_is(claims->sub, "hub") &&
        is_absent_or_text(claims->jti, WSM__JTI_BYTES_MAX) && is_absent_or_text(claims->aud, WSM__TOKEN_BYTES_MAX) &&
        are_times_valid(claims) && are_words_valid(claims) &&
        is_list(claims->specialties, claims->specialties_count, WSM__SPECIALTIES_MAX, WSM__SPECIALTY_BYTES_MAX) &&
        is_list(claims->contexts, claims->contexts_count, WSM__CONTEXTS_MAX, WSM__PATTERN_BYTES_MAX);
    return valid ? 0 : WSM_ERR_INVALID;
}

/* The block: the slices of both lists, then all text. */
static size_t list_bytes(const wsm_slice *list, size_t count) {
    size_t bytes = count * sizeof *list;
    for (size_t i = 0; i < count; i++) bytes += list[i].len;
    return bytes;
}

static wsm_slice text_copy(char **at, wsm_slice text) {
    if (!text.len) return (wsm_slice){NULL, 0};
    wsm_slice copy = {memcpy(*at, text.ptr, text.len), text.len};
    *at += text.len;
    return copy;
}

static const wsm_slice *list_copy(wsm_slice *to, char **at, const wsm_slice *list, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = text_copy(at, list[i]);
    return count ? to : NULL;
}

int wsm__identity_copy(wsm__identity *out, wsm__mem *mem, const wsm_claims *given) {
    wsm_claims claims = {0};
    int err = wsm__abi_copy(&claims, sizeof claims, given);
    if (!err) err = wsm__claims_check(&claims);
    if (err) return err;
    size_t size = claims.sub.len + claims.jti.len + claims.aud.len +
                  list_bytes(claims.specialties, claims.specialties_count) +
                  list_bytes(claims.contexts, claims.contexts_count);
    char *block = wsm__alloc(mem, size);
    if (!block) return WSM_ERR_NOMEM;
    wsm_slice *lists = (wsm_slice *)(void *)block;
    char *text = (char *)(lists + claims.specialties_count + claims.contexts_count);
    claims.sub = text_copy(&text, claims.sub);
    claims.jti = text_copy(&text, claims.jti);
    claims.aud = text_copy(&text, claims.aud);
    claims.specialties = list_copy(lists, &text, claims.specialties, claims.specialties_count);
    claims.contexts = list_copy(lists + claims.specialties_count, &text, claims.contexts, claims.contexts_count);
    claims.contexts_present = claims.contexts_present || claims.contexts_count;
    *out = (wsm__identity){.claims = claims, .block = block, .block_size = size};
    return 0;
}

void wsm__identity_fini(wsm__identity *identity, wsm__mem *mem) {
    wsm__free(mem, identity->block, identity->block_size);
    *identity = (wsm__identity){0};
}

/* `*` stands for any run. When a byte does not fit, only the last star needs to take one more: whatever an earlier one
 * could take, the last one can take as well. So the work is bounded by the product of the lengths. */
static bool matches(wsm_slice pattern, wsm_slice text) {
    size_t p = 0, t = 0, after_star = 0, retry = 0;
    bool starred = false;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            starred = true;
            after_star = ++p;
            retry = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (starred) {
            p = after_star;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') p++;
    return p == pattern.len;
}

bool wsm__identity_may_read(const wsm__identity *identity, wsm_slice context_id) {
    const wsm_claims *claims = &identity->claims;
    if (!claims->contexts_present) return true;
    for (size_t i = 0; i < claims->contexts_count; i++)
        if (matches(claims->contexts[i], context_id)) return true;
    return false;
}
