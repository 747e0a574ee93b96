/* `wsmd token`. Its own flags are taken out; what is left (--data, --config, --set) goes where the server's flags go,
 * so that both find the same directory and the same audience. */
#define _DEFAULT_SOURCE
#include "token_cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "keys.h"

#define TTL_MAX_S 86400
#define LIST_MAX  64

typedef struct order {
    const char *agent, *permission, *kind, *purpose, *ttl, *can, *contexts, *specialties;
    bool help;
} order;

static const struct {
    const char *name;
    size_t offset;
    const char *value, *about;
} flags[] = {
    {"--agent", offsetof(order, agent), "NAME", "who bears it: 1-64 of A-Z a-z 0-9 . _ -, not hub"},
    {"--permission", offsetof(order, permission), "observer|active", "may it write? (active)"},
    {"--kind", offsetof(order, kind), "human|agent|service", "who stands behind it (agent)"},
    {"--purpose", offsetof(order, purpose), "primary|observer|backup", "what its connection is for (primary)"},
    {"--ttl", offsetof(order, ttl), "TIME", "life: a number with s, m or h, at most 24h (1h)"},
    {"--can", offsetof(order, can), "A,B", "of broadcast_emergency mention_all status curator admin"},
    {"--contexts", offsetof(order, contexts), "P,Q", "patterns of contexts that it may read (all)"},
    {"--specialties", offsetof(order, specialties), "A,B", "what the agent is good at"},
};
#define FLAGS_COUNT (sizeof flags / sizeof flags[0])

/* An enum of the protocol with its words, in the order of the numbers. */
static bool read_word(const char *text, const char *const *words, int count, const char *flag, int *number, char *why,
                      size_t cap) {
    for (*number = 0; *number < count; (*number)++) {
        if (strcmp(text, words[*number]) == 0) return true;
    }
    return blame(why, cap, "%s: '%.64s' is none of its values; see `wsmd token --help`", flag, text);
}

static bool read_ttl(const char *text, int64_t *ttl_s) {
    char *end;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 8) return false;
    int64_t number = strtol(text, &end, 10);
    int64_t unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : 0;
    *ttl_s = number * unit;
    return unit != 0 && end[1] == '\0' && *ttl_s > 0 && *ttl_s <= TTL_MAX_S;
}

/* Cut "a,b" into slices. Returns how many, or -1 for too many or an empty one. */
static int split(const char *list, wsm_slice *parts) {
    int count = 0;
    for (const char *at = list;; at++) {
        size_t len = strcspn(at, ",");
        if (len == 0 || count == LIST_MAX) return -1;
        parts[count++] = (wsm_slice){at, len};
        at += len;
        if (*at == '\0') return count;
    }
}

static bool read_list(const char *flag, const char *text, wsm_slice *parts, size_t *count, char *why, size_t cap) {
    int found = text != NULL ? split(text, parts) : 0;
    if (found < 0) return blame(why, cap, "%s: expected a list as in a,b, of at most %d", flag, LIST_MAX);
    *count = (size_t)found;
    return true;
}

static bool read_can(const char *text, uint32_t *can, char *why, size_t cap) {
    static const struct {
        const char *name;
        uint32_t bit;
    } names[] = {{"broadcast_emergency", WSM_CAN_BROADCAST_EMERGENCY},
                 {"mention_all", WSM_CAN_MENTION_ALL},
                 {"status", WSM_CAN_STATUS},
                 {"curator", WSM_CAN_CURATOR},
                 {"admin", WSM_CAN_ADMIN}};
    wsm_slice parts[LIST_MAX];
    size_t count;
    if (!read_list("--can", text, parts, &count, why, cap)) return false;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < sizeof names / sizeof names[0] &&
               (strlen(names[k].name) != parts[i].len || memcmp(names[k].name, parts[i].ptr, parts[i].len) != 0)) {
            k++;
        }
        if (k == sizeof names / sizeof names[0]) {
            return blame(why, cap, "--can: there is no capability '%.*s'", (int)parts[i].len, parts[i].ptr);
        }
        *can |= names[k].bit;
    }
    return true;
}

bool token_sign(const secrets *keys, wsm_claims *claims, int64_t ttl_s, char token[TOKEN_CAP], char *why, size_t cap) {
    unsigned char random[8];
    char jti[2 * sizeof random + 1];
    size_t len;
    wsm_key key;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) return blame(why, cap, "no random bytes");
    for (size_t i = 0; i < sizeof random; i++) (void)snprintf(jti + 2 * i, 3, "%02x", random[i]);
    claims->iat = (int64_t)time(NULL);
    claims->exp = claims->iat + ttl_s;
    claims->jti = (wsm_slice){jti, sizeof jti - 1};
    secrets_get(keys, 0, &key);
    int err = wsm_token_mint(claims, &key, token, TOKEN_CAP, &len);
    claims->jti = (wsm_slice){NULL, 0};
    return err == 0 || blame(why, cap, "the token cannot be made: %s", wsm_strerror(err));
}

/* What the library would refuse, too, but without saying whose fault it is. */
static bool check(const wsm_claims *claims, const char *agent, char *why, size_t cap) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(agent);
    if (len == 0 || len > 64 || strspn(agent, letters) != len || strcmp(agent, "hub") == 0) {
        return blame(why, cap, "--agent: expected 1-64 of A-Z a-z 0-9 . _ -, and not 'hub'");
    }
    bool good = claims->specialties_count <= 16;
    for (size_t i = 0; good && i < claims->specialties_count; i++) good = claims->specialties[i].len <= 64;
    if (!good) return blame(why, cap, "--specialties: expected at most 16 of at most 64 bytes");
    for (size_t i = 0; good && i < claims->contexts_count; i++) good = claims->contexts[i].len <= 128;
    return good || blame(why, cap, "--contexts: expected at most 64 of at most 128 bytes");
}

/* From words to claims. `contexts` and `specialties` give the room that the claims borrow. */
static bool fill(const order *ask, wsm_claims *claims, wsm_slice *contexts, wsm_slice *specialties, int64_t *ttl_s,
                 char *why, size_t cap) {
    static const char *const permissions[] = {"observer", "active"};
    static const char *const kinds[] = {"agent", "human", "service"};
    static const char *const purposes[] = {"primary", "observer", "backup"};
    int permission, kind, purpose;
    wsm_claims_init(claims, sizeof *claims);
    if (ask->agent == NULL) return blame(why, cap, "--agent NAME is missing");
    if (!read_word(ask->permission, permissions, 2, "--permission", &permission, why, cap) ||
        !read_word(ask->kind, kinds, 3, "--kind", &kind, why, cap) ||
        !read_word(ask->purpose, purposes, 3, "--purpose", &purpose, why, cap) ||
        !read_can(ask->can, &claims->can, why, cap) ||
        !read_list("--contexts", ask->contexts, contexts, &claims->contexts_count, why, cap) ||
        !read_list("--specialties", ask->specialties, specialties, &claims->specialties_count, why, cap)) {
        return false;
    }
    if (!read_ttl(ask->ttl, ttl_s)) return blame(why, cap, "--ttl: expected a time as in 90s, 15m or 24h, at most 24h");
    claims->sub = (wsm_slice){ask->agent, strlen(ask->agent)};
    claims->permission = (wsm_permission)permission;
    claims->kind = (wsm_kind)kind;
    claims->purpose = (wsm_purpose)purpose;
    claims->contexts = contexts;
    claims->contexts_present = ask->contexts != NULL;
    claims->specialties = specialties;
    return check(claims, ask->agent, why, cap);
}

/* Take our own flags out of `args`; the others go to `rest`, which has room for `count`. */
static bool take_flags(order *ask, const char *const *args, int count, const char **rest, int *rest_count, char *why,
                       size_t cap) {
    for (int i = 0; i < count; i++) {
        size_t len = strcspn(args[i], "="), k = 0;
        while (k < FLAGS_COUNT && (strlen(flags[k].name) != len || strncmp(args[i], flags[k].name, len) != 0)) k++;
        if (k == FLAGS_COUNT) {
            if (strcmp(args[i], "--help") == 0) ask->help = true;
            rest[(*rest_count)++] = args[i];
            continue;
        }
        const char *value = args[i][len] == '=' ? args[i] + len + 1 : i + 1 < count ? args[++i] : NULL;
        if (value == NULL) return blame(why, cap, "%s needs a value: %s", flags[k].name, flags[k].value);
        memcpy((char *)ask + flags[k].offset, &value, sizeof value);
    }
    return true;
}

static void print_help(void) {
    (void)printf("usage: wsmd token --agent NAME [FLAG...]\n\nPrints a token as the last word of its output.\n\n");
    for (size_t i = 0; i < FLAGS_COUNT; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s %s", flags[i].name, flags[i].value);
        (void)printf("  %-34s %s\n", left, flags[i].about);
    }
    (void)printf("\n--data, --config and --set mean what they mean for the server.\n");
}

static int mint(const order *ask, const options *all, char *why, size_t cap) {
    wsm_claims claims;
    wsm_slice contexts[LIST_MAX], specialties[LIST_MAX];
    int64_t ttl_s = 0;
    secrets keys;
    char token[TOKEN_CAP];
    if (!fill(ask, &claims, contexts, specialties, &ttl_s, why, cap)) return 2;
    const char *audience = all->hub.audience;
    if (audience != NULL) claims.aud = (wsm_slice){audience, strlen(audience)};
    bool is_new = false;
    if (!data_dir_make(all->data, why, cap) || !secrets_load(&keys, all->data, &is_new, why, cap)) return 1;
    if (is_new) { /* a mistyped --data would give a token that no server takes */
        (void)fprintf(stderr, "wsmd token: made %s/secret.key, for a server with the same --data\n", all->data);
    }
    bool good = token_sign(&keys, &claims, ttl_s, token, why, cap);
    secrets_wipe(&keys);
    if (!good) return 2;
    if (puts(token) >= 0 && fflush(stdout) == 0) return 0;
    (void)blame(why, cap, "the token could not be written");
    return 1;
}

int token_cmd(const char *const *args, int count, const char *const *environment) {
    order ask = {.permission = "active", .kind = "agent", .purpose = "primary", .ttl = "1h"};
    options all = {0};
    char why[1024] = "";
    int rest_count = 0, status = 2;
    const char **rest = calloc((size_t)count + 1, sizeof *rest);
    if (rest != NULL && take_flags(&ask, args, count, rest, &rest_count, why, sizeof why)) {
        if (ask.help) {
            print_help();
            status = 0;
        } else if (options_load(&all, rest, rest_count, environment, why, sizeof why)) {
            status = mint(&ask, &all, why, sizeof why);
        }
    }
    if (status != 0) (void)fprintf(stderr, "wsmd token: %s\n", why);
    options_free(&all);
    free(rest);
    return status;
}
