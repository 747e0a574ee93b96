/* The banner's tokens are made at each start and live for half a day. They stand in the fragment of the URL, which a
 * browser does not send. */
#define _POSIX_C_SOURCE 200809L
#include "banner.h"

#include <stdio.h>
#include <string.h>

#include "token_cmd.h"

#define TTL_S ((int64_t)12 * 3600)

static bool mint(const server *all, const char *name, wsm_kind kind, uint32_t can, char token[TOKEN_CAP]) {
    wsm_claims claims;
    char why[128];
    const char *audience = all->options->hub.audience;
    wsm_claims_init(&claims, sizeof claims);
    claims.sub = (wsm_slice){name, strlen(name)};
    claims.permission = WSM_PERMISSION_ACTIVE;
    claims.kind = kind;
    claims.can = can;
    if (audience != NULL) claims.aud = (wsm_slice){audience, strlen(audience)};
    return token_sign(&all->keys, &claims, TTL_S, token, why, sizeof why);
}

void banner_print(const server *all) {
    char url[96], person[TOKEN_CAP], agent[TOKEN_CAP];
    endpoint_url(&all->endpoint, all->options->tls_cert != NULL ? "https" : "http", url, sizeof url);
    (void)printf("wsmd: listening on %s\n", url);
    if (all->options->banner && mint(all, "operator", WSM_KIND_HUMAN, WSM_CAN_STATUS, person) &&
        mint(all, "ada", WSM_KIND_AGENT, 0, agent)) {
        (void)printf("\nDashboard, good for 12 hours:\n  %s/#token=%s\n", url, person);
        (void)printf("\nToken of agent ada:\n  %s\n", agent);
        (void)printf("\nTry, with the dashboard open:\n  curl -H 'Authorization: Bearer %s' -d "
                     "'{\"exchange\":{\"text\":\"hello\"}}' "
                     "%s/store\n\n",
                     agent, url);
    }
    (void)fflush(stdout);
}
