/* The ledger of deliveries. See ledger.h for the idea. */
#include "route/ledger.h"

#include <assert.h>

#include "limits.h"
#include "util/base64.h"
#include "wsm/error.h"

#define KEY_LEN 20u

/* What a mailbox holds about one hidden context. */
typedef struct hidden_box {
    uint32_t key[2]; /* target, idx of the context */
    uint32_t count, bytes;
} hidden_box;

static const char *const words[] = {"",        "queued",   "delivered", "seen",   "working",
                                    "replied", "declined", "failed",    "expired"};

const char *wsm__delivery_word(wsm__delivery_state state) {
    return words[state];
}

wsm__delivery_state wsm__delivery_state_of(wsm_slice word) {
    for (size_t i = 1; i < sizeof words / sizeof *words; i++)
        if (wsm__slice_is(word, words[i])) return (wsm__delivery_state)i;
    return WSM__DELIVERY_NONE;
}

void wsm__ledger_init(wsm__ledger *ledger, wsm__mem *mem, const unsigned char seed[16],
                      const wsm__ledger_limits *limits) {
    *ledger = (wsm__ledger){.mem = mem, .limits = *limits};
    wsm__map_init(&ledger->by_id, mem, seed);
    wsm__map_init(&ledger->hidden, mem, seed);
    wsm__ring_init(&ledger->mailboxes, sizeof(wsm__mailbox *));
    wsm__heap_init(&ledger->due);
}

static wsm__mailbox *mailbox_of(const wsm__ledger *ledger, uint32_t target) {
    return target < ledger->mailboxes.count ? *(wsm__mailbox **)wsm__ring_at(&ledger->mailboxes, target) : NULL;
}

/* All of them, by target and offset. Start with *at NULL and *target 0; the one just returned may be freed if *at was
 * moved on before. NULL: no more. */
static wsm__delivery *next_of_all(const wsm__ledger *ledger, uint32_t *target, const wsm__list **at) {
    for (; *target < ledger->mailboxes.count; (*target)++, *at = NULL) {
        const wsm__mailbox *box = mailbox_of(ledger, *target);
        if (!box) continue;
        if (!*at) *at = box->deliveries.next;
        if (*at == &box->deliveries) continue;
        wsm__delivery *delivery = WSM__CONTAINER(*at, wsm__delivery, in_mailbox);
        *at = (*at)->next;
        return delivery;
    }
    return NULL;
}

static void delivery_free(wsm__ledger *ledger, wsm__delivery *delivery) {
    wsm__heap_disarm(&ledger->due, &delivery->due);
    wsm__frame_unref(delivery->frame);
    wsm__free(ledger->mem, delivery, sizeof *delivery);
}

void wsm__ledger_fini(wsm__ledger *ledger) {
    const wsm__list *at = NULL;
    uint32_t target = 0;
    wsm__delivery *delivery;
    while ((delivery = next_of_all(ledger, &target, &at)) != NULL) delivery_free(ledger, delivery);
    for (uint32_t i = 0; i < ledger->mailboxes.count; i++)
        wsm__free(ledger->mem, mailbox_of(ledger, i), sizeof(wsm__mailbox));
    wsm__ring_fini(&ledger->mailboxes, ledger->mem);
    wsm__map_fini(&ledger->by_id);
    wsm__map_node *cursor = NULL;
    hidden_box *hidden;
    while ((hidden = wsm__map_next(&ledger->hidden, &cursor)) != NULL) wsm__free(ledger->mem, hidden, sizeof *hidden);
    wsm__map_fini(&ledger->hidden);
}

void wsm__ledger_clear(wsm__ledger *ledger) {
    unsigned char seed[16];
    wsm__mem *mem = ledger->mem;
    wsm__ledger_limits limits = ledger->limits;
    memcpy(seed, ledger->by_id.seed, sizeof seed);
    wsm__ledger_fini(ledger);
    wsm__ledger_init(ledger, mem, seed, &limits);
}

/* ---- mailboxes ------------------------------------------------------------------------------------------------------
 */

const wsm__mailbox *wsm__ledger_mailbox(const wsm__ledger *ledger, uint32_t target) {
    return mailbox_of(ledger, target);
}

static wsm__mailbox *mailbox_take(wsm__ledger *ledger, uint32_t target) {
    wsm__mailbox *box = mailbox_of(ledger, target);
    if (box) return box;
    while (ledger->mailboxes.count <= target) {
        wsm__mailbox **place = wsm__ring_push(&ledger->mailboxes, ledger->mem);
        if (!place) return NULL;
        *place = NULL;
    }
    box = wsm__zalloc(ledger->mem, sizeof *box);
    if (!box) return NULL;
    wsm__list_init(&box->deliveries);
    *(wsm__mailbox **)wsm__ring_at(&ledger->mailboxes, target) = box;
    return box;
}

static hidden_box *hidden_of(const wsm__ledger *ledger, uint32_t target, uint32_t context) {
    uint32_t key[2] = {target, context};
    return wsm__map_get(&ledger->hidden, key, sizeof key);
}

/* WSM_ERR_NOMEM: no effect. */
static int hidden_take(wsm__ledger *ledger, uint32_t target, uint32_t context) {
    if (hidden_of(ledger, target, context)) return WSM_OK;
    hidden_box *box = wsm__zalloc(ledger->mem, sizeof *box);
    if (!box) return WSM_ERR_NOMEM;
    *box = (hidden_box){.key = {target, context}};
    if (!wsm__map_put(&ledger->hidden, box->key, sizeof box->key, box)) return WSM_OK;
    wsm__free(ledger->mem, box, sizeof *box);
    return WSM_ERR_NOMEM;
}

static void hidden_let_go(wsm__ledger *ledger, uint32_t target, uint32_t context) { /* if it is empty */
    hidden_box *box = hidden_of(ledger, target, context);
    if (!box || box->count > 0) return;
    uint32_t key[2] = {target, context};
    wsm__map_remove(&ledger->hidden, key, sizeof key);
    wsm__free(ledger->mem, box, sizeof *box);
}

bool wsm__ledger_fits(const wsm__ledger *ledger, const wsm__ledger_item *item, uint32_t target, uint32_t more) {
    const wsm__ledger_limits *limits = &ledger->limits;
    const wsm__mailbox *box = mailbox_of(ledger, target);
    const hidden_box *hidden = item->is_hidden ? hidden_of(ledger, target, item->context) : NULL;
    uint64_t count = box ? box->count - box->hidden_count : 0, held = box ? box->bytes - box->hidden_bytes : 0;
    uint64_t total = ledger->bytes - ledger->hidden_bytes, bytes = item->bytes;
    if (item->is_hidden) {
        count = hidden ? hidden->count : 0;
        held = hidden ? hidden->bytes : 0;
        total = ledger->hidden_bytes;
    }
    if (limits->messages_max && count >= limits->messages_max) return false;
    if (limits->bytes_max && held + bytes > limits->bytes_max) return false;
    return limits->total_bytes_max == 0 || total + bytes * (1 + (uint64_t)more) <= limits->total_bytes_max;
}

/* ---- deliveries -----------------------------------------------------------------------------------------------------
 */

static void key_of(unsigned char key[KEY_LEN], const unsigned char id[16], uint32_t target) {
    memcpy(key, id, 16);
    for (size_t i = 0; i < 4; i++) key[16 + i] = (unsigned char)(target >> (8 * i));
}

wsm__delivery *wsm__ledger_find(const wsm__ledger *ledger, const unsigned char id[16], uint32_t target,
                                uint32_t sender) {
    unsigned char key[KEY_LEN];
    key_of(key, id, target);
    wsm__delivery *delivery = wsm__map_get(&ledger->by_id, key, sizeof key);
    while (delivery && sender != WSM__LEDGER_ANYONE && delivery->sender != sender) delivery = delivery->alike;
    return delivery;
}

/* Backwards: whoever asks has the newest in mind. */
wsm__delivery *wsm__ledger_at(const wsm__ledger *ledger, uint32_t target, uint64_t offset) {
    const wsm__mailbox *box = mailbox_of(ledger, target);
    for (const wsm__list *node = box ? box->deliveries.prev : NULL; box && node != &box->deliveries;
         node = node->prev) {
        wsm__delivery *delivery = WSM__CONTAINER(node, wsm__delivery, in_mailbox);
        if (delivery->offset <= offset) return delivery->offset == offset ? delivery : NULL;
    }
    return NULL;
}

/* WSM_ERR_NOMEM: no effect. */
static int chain(wsm__ledger *ledger, wsm__delivery *delivery) {
    unsigned char key[KEY_LEN];
    key_of(key, delivery->id, delivery->target);
    wsm__delivery *last = wsm__map_get(&ledger->by_id, key, sizeof key);
    if (!last) return wsm__map_put(&ledger->by_id, key, sizeof key, delivery);
    while (last->alike) last = last->alike;
    last->alike = delivery;
    return WSM_OK;
}

static void unchain(wsm__ledger *ledger, const wsm__delivery *delivery) {
    unsigned char key[KEY_LEN];
    key_of(key, delivery->id, delivery->target);
    wsm__delivery *before = wsm__map_get(&ledger->by_id, key, sizeof key);
    if (before == delivery && delivery->alike) {
        (void)wsm__map_put(&ledger->by_id, key, sizeof key, delivery->alike); /* in its place: that needs no memory */
    } else if (before == delivery) {
        wsm__map_remove(&ledger->by_id, key, sizeof key);
    } else {
        while (before->alike != delivery) before = before->alike;
        before->alike = delivery->alike;
    }
}

/* Its age ends, unless it is being worked on. */
static void arm_age(wsm__ledger *ledger, wsm__delivery *delivery) {
    if (ledger->limits.age_s == 0)
        wsm__heap_disarm(&ledger->due, &delivery->due);
    else
        wsm__heap_arm(&ledger->due, &delivery->due,
                      (uint64_t)delivery->queued_ms + (uint64_t)ledger->limits.age_s * 1000);
}

static void enter(wsm__ledger *ledger, wsm__mailbox *box, wsm__delivery *delivery) {
    wsm__list_push(&box->deliveries, &delivery->in_mailbox);
    box->count++;
    box->bytes += delivery->bytes;
    ledger->count++;
    ledger->bytes += delivery->bytes;
    arm_age(ledger, delivery);
    if (!delivery->is_hidden) return;
    hidden_box *hidden = hidden_of(ledger, delivery->target, delivery->context);
    assert(hidden); /* taken before */
    hidden->count++;
    hidden->bytes += delivery->bytes;
    box->hidden_count++;
    box->hidden_bytes += delivery->bytes;
    ledger->hidden_bytes += delivery->bytes;
}

static void leave(wsm__ledger *ledger, wsm__mailbox *box, const wsm__delivery *delivery) {
    box->count--;
    box->bytes -= delivery->bytes;
    ledger->count--;
    ledger->bytes -= delivery->bytes;
    if (!delivery->is_hidden) return;
    hidden_box *hidden = hidden_of(ledger, delivery->target, delivery->context);
    assert(hidden); /* it counts this one */
    hidden->count--;
    hidden->bytes -= delivery->bytes;
    box->hidden_count--;
    box->hidden_bytes -= delivery->bytes;
    ledger->hidden_bytes -= delivery->bytes;
    hidden_let_go(ledger, delivery->target, delivery->context);
}

int wsm__ledger_add(wsm__ledger *ledger, const wsm__ledger_item *item, uint32_t target) {
    wsm__mailbox *box = mailbox_take(ledger, target);
    if (!box) return WSM_ERR_NOMEM;
    if (!wsm__list_is_empty(&box->deliveries) &&
        WSM__CONTAINER(box->deliveries.prev, wsm__delivery, in_mailbox)->offset >= item->offset)
        return WSM_ERR_CONFLICT;
    wsm__delivery *delivery = wsm__zalloc(ledger->mem, sizeof *delivery);
    if (!delivery) return WSM_ERR_NOMEM;
    delivery->offset = item->offset;
    memcpy(delivery->id, item->id, 16);
    delivery->target = target;
    delivery->sender = item->sender;
    delivery->bytes = item->bytes;
    delivery->is_urgent = item->is_urgent;
    delivery->is_hidden = item->is_hidden;
    delivery->context = item->context;
    delivery->queued_ms = item->time_ms < 0 ? 0 : item->time_ms;
    delivery->state = WSM__DELIVERY_QUEUED;
    int err = item->is_hidden ? hidden_take(ledger, target, item->context) : WSM_OK;
    if (!err) err = chain(ledger, delivery);
    if (err) {
        if (item->is_hidden) hidden_let_go(ledger, target, item->context);
        wsm__free(ledger->mem, delivery, sizeof *delivery);
        return WSM_ERR_NOMEM;
    }
    enter(ledger, box, delivery);
    return WSM_OK;
}

static void forget(wsm__ledger *ledger, wsm__delivery *delivery) {
    wsm__mailbox *box = mailbox_of(ledger, delivery->target);
    assert(box); /* it was made for the first delivery, and stays */
    unchain(ledger, delivery);
    wsm__list_remove(&delivery->in_mailbox);
    leave(ledger, box, delivery);
    delivery_free(ledger, delivery);
}

void wsm__ledger_undo(wsm__ledger *ledger, uint64_t offset, uint32_t target) {
    wsm__delivery *delivery = wsm__ledger_at(ledger, target, offset);
    if (delivery) forget(ledger, delivery);
}

wsm__delivery *wsm__ledger_next(const wsm__ledger *ledger, uint32_t target, uint64_t after) {
    const wsm__mailbox *box = mailbox_of(ledger, target);
    for (const wsm__list *node = box ? box->deliveries.next : NULL; box && node != &box->deliveries;
         node = node->next) {
        wsm__delivery *delivery = WSM__CONTAINER(node, wsm__delivery, in_mailbox);
        if (delivery->offset > after) return delivery;
    }
    return NULL;
}

/* ---- states ---------------------------------------------------------------------------------------------------------
 */

bool wsm__ledger_may(const wsm__delivery *delivery, wsm__delivery_state state) {
    switch (state) {
    case WSM__DELIVERY_QUEUED: return delivery->state == WSM__DELIVERY_WORKING; /* its lease has ended */
    case WSM__DELIVERY_SEEN: return delivery->state < WSM__DELIVERY_SEEN;
    case WSM__DELIVERY_EXPIRED: return delivery->state != WSM__DELIVERY_WORKING;
    case WSM__DELIVERY_WORKING:
    case WSM__DELIVERY_REPLIED:
    case WSM__DELIVERY_DECLINED:
    case WSM__DELIVERY_FAILED: return true;
    default: return false;
    }
}

void wsm__ledger_set(wsm__ledger *ledger, wsm__delivery *delivery, wsm__delivery_state state, int64_t time_ms,
                     uint64_t lease_ms) {
    if (state >= WSM__DELIVERY_REPLIED) {
        forget(ledger, delivery);
        return;
    }
    delivery->state = (uint8_t)state;
    if (state != WSM__DELIVERY_WORKING) {
        arm_age(ledger, delivery);
        return;
    }
    delivery->lease_ms = (time_ms < 0 ? 0 : time_ms) + (int64_t)lease_ms;
    wsm__heap_arm(&ledger->due, &delivery->due, (uint64_t)delivery->lease_ms);
}

void wsm__ledger_delivered(wsm__delivery *delivery, uint32_t slot, uint32_t gen) {
    if (delivery->state == WSM__DELIVERY_QUEUED) delivery->state = WSM__DELIVERY_DELIVERED;
    delivery->slot = slot;
    delivery->gen = gen;
}

uint32_t wsm__ledger_lost(wsm__ledger *ledger, uint32_t target, uint32_t slot, uint32_t gen) {
    const wsm__mailbox *box = mailbox_of(ledger, target);
    uint32_t lost = 0;
    for (const wsm__list *node = box ? box->deliveries.next : NULL; box && node != &box->deliveries;
         node = node->next) {
        wsm__delivery *delivery = WSM__CONTAINER(node, wsm__delivery, in_mailbox);
        if (delivery->state != WSM__DELIVERY_DELIVERED || delivery->slot != slot || delivery->gen != gen) continue;
        delivery->state = WSM__DELIVERY_QUEUED;
        lost++;
    }
    return lost;
}

void wsm__ledger_withdraw(wsm__ledger *ledger, uint32_t target, uint32_t slot, uint32_t gen, uint64_t offset) {
    wsm__delivery *delivery = offset > 0 ? wsm__ledger_next(ledger, target, offset - 1) : NULL;
    bool is_it = delivery && delivery->offset == offset && delivery->slot == slot && delivery->gen == gen;
    if (is_it && delivery->state == WSM__DELIVERY_DELIVERED) delivery->state = WSM__DELIVERY_QUEUED;
}

void wsm__ledger_pin(wsm__delivery *delivery, wsm__frame *frame) {
    if (frame) wsm__frame_ref(frame);
    wsm__frame_unref(delivery->frame);
    delivery->frame = frame;
}

wsm__delivery *wsm__ledger_first_due(const wsm__ledger *ledger) {
    wsm__heap_node *node = wsm__heap_first(&ledger->due);
    return node ? WSM__CONTAINER(node, wsm__delivery, due) : NULL;
}

int64_t wsm__ledger_due_ms(const wsm__delivery *delivery) {
    return delivery->due.armed ? (int64_t)delivery->due.when : INT64_MAX;
}

void wsm__ledger_rearm(wsm__ledger *ledger) {
    const wsm__list *at = NULL;
    uint32_t target = 0;
    wsm__delivery *delivery;
    while ((delivery = next_of_all(ledger, &target, &at)) != NULL)
        if (delivery->state == WSM__DELIVERY_WORKING)
            wsm__heap_arm(&ledger->due, &delivery->due, (uint64_t)delivery->lease_ms);
        else
            arm_age(ledger, delivery);
}

void wsm__ledger_defer(wsm__ledger *ledger, wsm__delivery *delivery, int64_t ms) {
    wsm__heap_arm(&ledger->due, &delivery->due, (uint64_t)ms);
}

uint32_t wsm__ledger_count(const wsm__ledger *ledger) {
    return ledger->count;
}

/* ---- snapshot -------------------------------------------------------------------------------------------------------
 * [offset,"id",target,sender,bytes,queued_ms,flags,context,state,lease_ms] each; the id in base64url, flags 1: urgent,
 * 2: about a hidden context; what is delivered stands as queued. */

void wsm__ledger_save(const wsm__ledger *ledger, wsm__buf *buf) {
    const wsm__list *at = NULL;
    uint32_t target = 0;
    const wsm__delivery *delivery;
    bool first = true;
    wsm__buf_putc(buf, '[');
    while ((delivery = next_of_all(ledger, &target, &at)) != NULL) {
        char id[WSM__BASE64_LEN(16)];
        bool works = delivery->state == WSM__DELIVERY_WORKING;
        uint64_t numbers[] = {delivery->target,
                              delivery->sender,
                              delivery->bytes,
                              (uint64_t)delivery->queued_ms,
                              delivery->is_urgent + 2u * delivery->is_hidden,
                              delivery->context};
        wsm__buf_puts(buf, first ? "[" : ",[");
        first = false;
        wsm__buf_put_u64(buf, delivery->offset);
        wsm__buf_puts(buf, ",\"");
        wsm__buf_put(buf, id, wsm__base64url_encode(id, delivery->id, 16));
        wsm__buf_putc(buf, '"');
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            wsm__buf_putc(buf, ',');
            wsm__buf_put_u64(buf, numbers[i]);
        }
        wsm__buf_putc(buf, ',');
        wsm__buf_put_u64(buf, delivery->state == WSM__DELIVERY_DELIVERED ? WSM__DELIVERY_QUEUED : delivery->state);
        wsm__buf_putc(buf, ',');
        wsm__buf_put_u64(buf, works ? (uint64_t)delivery->lease_ms : 0);
        wsm__buf_putc(buf, ']');
    }
    wsm__buf_putc(buf, ']');
}

static bool next_number(wsm_slice row, size_t *at, uint64_t *number) {
    wsm__json_value value;
    return wsm__json_next_element(row, at, &value) && wsm__json_u64(value, WSM__NUMBER_MAX, number);
}

static int load_one(wsm__ledger *ledger, uint32_t agents, wsm_slice row) {
    unsigned char id[32];
    uint64_t offset, target, sender, bytes, queued, urgent, context, state, lease;
    size_t at = 0;
    wsm_slice text;
    wsm__json_value value;
    if (!next_number(row, &at, &offset) || !wsm__json_next_element(row, &at, &value) ||
        value.kind != WSM__JSON_STRING || !wsm__json_string_is_plain(value.raw, &text) || text.len != 22 ||
        wsm__base64url_decode(id, text.ptr, text.len) != 16)
        return WSM_ERR_LOG_CORRUPT;
    if (!next_number(row, &at, &target) || !next_number(row, &at, &sender) || !next_number(row, &at, &bytes) ||
        !next_number(row, &at, &queued) || !next_number(row, &at, &urgent) || !next_number(row, &at, &context) ||
        !next_number(row, &at, &state) || !next_number(row, &at, &lease))
        return WSM_ERR_LOG_CORRUPT;
    bool is_open = state == WSM__DELIVERY_QUEUED || state == WSM__DELIVERY_SEEN || state == WSM__DELIVERY_WORKING;
    bool is_nobody = sender == UINT32_MAX || sender == UINT32_MAX - 1; /* as WSM__ROSTER_NONE, WSM__ROSTER_HUB */
    if (target >= agents || (sender >= agents && !is_nobody) || bytes > UINT32_MAX || context > UINT32_MAX || !is_open)
        return WSM_ERR_LOG_CORRUPT;
    wsm__ledger_item item = {.offset = offset,
                             .id = id,
                             .sender = (uint32_t)sender,
                             .bytes = (uint32_t)bytes,
                             .is_urgent = (urgent & 1) != 0,
                             .is_hidden = (urgent & 2) != 0,
                             .context = (uint32_t)context,
                             .time_ms = (int64_t)queued};
    int err = wsm__ledger_add(ledger, &item, (uint32_t)target);
    if (err) return err == WSM_ERR_CONFLICT ? WSM_ERR_LOG_CORRUPT : err;
    wsm__delivery *made = wsm__ledger_at(ledger, (uint32_t)target, offset);
    if (made && state != WSM__DELIVERY_QUEUED)
        wsm__ledger_set(ledger, made, (wsm__delivery_state)state, (int64_t)lease, 0);
    return WSM_OK;
}

int wsm__ledger_load(wsm__ledger *ledger, uint32_t agents, wsm_slice array) {
    size_t at = 0;
    wsm__json_value value;
    int err = WSM_OK;
    while (!err && wsm__json_next_element(array, &at, &value))
        err = value.kind == WSM__JSON_ARRAY ? load_one(ledger, agents, value.raw) : WSM_ERR_LOG_CORRUPT;
    return err;
}
