/* Every limit that is no setting, with its reason. Limits that a host may set stand in wsm_config (include/wsm/hub.h)
 * with their defaults in hub/config.c. */
#ifndef WSM_LIB_LIMITS_H
#define WSM_LIB_LIMITS_H

#define WSM__NUMBER_MAX                                                                                                \
    9007199254740991ull /* 2^53 - 1: the largest whole number that every JSON reader keeps exactly */
#define WSM__TIME_MS_MAX         253402300799999ull /* the end of the year 9999: no timestamp tells a later one */
#define WSM__MESSAGE_BYTES_HARD  (16u << 20)        /* a message may never be configured larger */
#define WSM__TOKEN_BYTES_MAX     4096u              /* RFC 8725 wants a bound; a real one has some 300 bytes */
#define WSM__TOKEN_LIFE_MAX_S    86400              /* a stolen token is worth a day at most */
#define WSM__TOKEN_LEEWAY_S      30                 /* clocks of different machines */
#define WSM__SECRET_BYTES_MIN    32u                /* RFC 7518, section 3.2: at least the hash's length */
#define WSM__AGENT_ID_MAX        64u
#define WSM__CONTEXT_ID_MAX      128u
#define WSM__SPECIALTIES_MAX     16u
#define WSM__CONTEXTS_MAX        64u    /* patterns in a token */
#define WSM__PARTICIPANTS_HARD   256u   /* of a sidebar; the setting is below it */
#define WSM__PROSE_BYTES_MAX     16384u /* a task, a criterion, a finding in words: pages, not books */
#define WSM__REASON_BYTES_MAX    2048u  /* a reason, a note: a paragraph */
#define WSM__ITEMS_MAX           1024u  /* offsets that a merge names, parts of a context that a message lists */
#define WSM__PULL_MAX            500u   /* records of a page that somebody asks for */
#define WSM__WATCHES_MAX         16u    /* contexts that a connection watches: each is kept as it was told */
#define WSM__WATCH_MS_MIN        100u /* between two deltas: people see no more, and a context costs some time to write */
#define WSM__WATCH_MS_MAX        600000u
#define WSM__STATUS_S            5u /* between two system_status, if nobody says otherwise: as the design has it */
#define WSM__STATUS_S_MAX        3600u
#define WSM__MENTION_TARGETS_MAX 16u /* of one message; groups count as one */
#define WSM__MENTION_BYTES_MAX   16384u
#define WSM__CALLEES_MAX         256u  /* agents that one message may call, groups included */
#define WSM__CALLEES_ANSWER_MAX  8192u /* of names and outcomes in an ack */
#define WSM__CLOSE_REASON_MAX    123u  /* RFC 6455, section 5.5: 125 bytes less the code */

#define WSM__MEM_KEPT       16u         /* of so many parts of the budget one is kept for what was accepted, */
#define WSM__MEM_KEPT_MIN   (64u << 10) /* and of a small one this much, but not more than an eighth */
#define WSM__SHED_BYTES_MIN (16u << 10) /* in a queue: giving up shorter ones troubles many and frees nothing */
#define WSM__HOLE_WAIT_MS   10000u      /* for records that the log left out: everything behind them waits as long */

#define WSM__AHEAD_BYTES_MAX (16u << 20) /* of records that wait, at a start, for what later heads tell of them */

#define WSM__SNAPSHOT_IDS 1024u /* in a snapshot: some four microseconds and a hundred bytes each */

/* A flood of one kind of log line, or of one name of event, must not hide the others, or fill a disk. */
#define WSM__LOG_KINDS       16u
#define WSM__LOG_LINES_PER_S 10u

#endif
