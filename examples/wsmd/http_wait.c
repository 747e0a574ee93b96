/* Waiting requests stand in one list, so that what is left when the hub goes can be freed. */
#define _POSIX_C_SOURCE 200809L
#include "http_wait.h"

#include <stdlib.h>

waiting *waiting_new(server *all, wsm_request *request) {
    waiting *wait = calloc(1, sizeof *wait);
    if (wait == NULL) return NULL;
    wait->request = request;
    wait->next = all->waiting;
    if (all->waiting != NULL) all->waiting->prev = wait;
    all->waiting = wait;
    wsm_request_set_user(request, wait);
    return wait;
}

wsm_request *waiting_take(server *all, waiting *wait) {
    wsm_request *request = wait->request;
    if (request != NULL) wsm_request_set_user(request, NULL);
    if (wait->next != NULL) wait->next->prev = wait->prev;
    if (wait->prev != NULL) wait->prev->next = wait->next;
    if (all->waiting == wait) all->waiting = wait->next;
    free(wait);
    return request;
}

waiting *waiting_from(uint64_t tag) {
    return (waiting *)(uintptr_t)tag;
}

uint64_t waiting_tag(const waiting *wait) {
    return (uint64_t)(uintptr_t)wait;
}

void http_request_end(wsm_request *request) {
    waiting *wait = wsm_request_user(request);
    if (wait != NULL) wait->request = NULL;
}

void http_free(server *all) {
    while (all->waiting != NULL) {
        waiting *next = all->waiting->next;
        free(all->waiting);
        all->waiting = next;
    }
}
