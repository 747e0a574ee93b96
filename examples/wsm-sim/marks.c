/* `wsm-sim run --marks`: how often each fault struck while something was under way, and which pairs never met. A pair
 * that cannot meet stands in a table, with the reason. */
#include <stdbool.h>
#include <stdio.h>

#include "sim_cli.h"

#define COLUMNS 10u
#define SEEDS                                                                                                          \
    100000u /* from so many on a pair that has not met is a failure: the rarest meets once in some thousands */

#define ANY_BUT(during) (0x100u + (during))

#define A_TOKEN   "a token is checked before anything else goes on on its connection"
#define A_VETO    "a veto strikes a message that somebody sends, not what goes on beside"
#define UNWRITTEN "nothing is written while a log loads"
#define A_CRASH   "it is drawn when the process has died, and what was under way in it has ended"

static const struct {
    unsigned fault, during; /* or ANY_BUT */
    const char *why;
} excused[] = {
    {WSM_SIM_TOKEN_LATE, ANY_BUT(WSM_SIM_DURING_JOIN), A_TOKEN},
    {WSM_SIM_TOKEN_NEVER, ANY_BUT(WSM_SIM_DURING_JOIN), A_TOKEN},
    {WSM_SIM_VETO, WSM_SIM_DURING_STARTUP, A_VETO},
    {WSM_SIM_VETO, WSM_SIM_DURING_JOIN, A_VETO},
    {WSM_SIM_VETO, WSM_SIM_DURING_REPLAY, A_VETO},
    {WSM_SIM_VETO, WSM_SIM_DURING_HISTORY, A_VETO},
    {WSM_SIM_VETO, WSM_SIM_DURING_DELIVERY, A_VETO},
    {WSM_SIM_VETO, WSM_SIM_DURING_LEASE, A_VETO},
    {WSM_SIM_VETO, WSM_SIM_DURING_REST, A_VETO},
    {WSM_SIM_NO_RANDOM, ANY_BUT(WSM_SIM_DURING_STARTUP), "a hub draws random bytes as it starts, and then no more"},
    {WSM_SIM_STORE_FAIL, WSM_SIM_DURING_STARTUP, UNWRITTEN},
    {WSM_SIM_SYNC_FAIL, WSM_SIM_DURING_STARTUP, UNWRITTEN},
    {WSM_SIM_DISK_FULL, WSM_SIM_DURING_STARTUP, UNWRITTEN},
    {WSM_SIM_STORE_ORDER, WSM_SIM_DURING_STARTUP, "a log loads in order"},
    {WSM_SIM_BAD_RECORD, WSM_SIM_DURING_STARTUP, A_CRASH},
    {WSM_SIM_BAD_RECORD, WSM_SIM_DURING_SHUTDOWN, A_CRASH},
    {WSM_SIM_BAD_RECORD, WSM_SIM_DURING_PUBLISH_HOST, A_CRASH},
};

static bool is_excused(unsigned row, unsigned fault, unsigned during) {
    if (excused[row].fault != fault) return false;
    return excused[row].during == during || (excused[row].during >= 0x100u && excused[row].during != ANY_BUT(during));
}

static const char *excuse(unsigned fault, unsigned during) {
    for (unsigned i = 0; i < sizeof excused / sizeof excused[0]; i++)
        if (is_excused(i, fault, during)) return excused[i].why;
    return NULL;
}

/* Columns from `first` on. */
static void print_part(const sim_marks *marks, unsigned first) {
    unsigned end = first + COLUMNS < WSM_SIM_DURINGS ? first + COLUMNS : WSM_SIM_DURINGS;
    printf("%-13s", "");
    for (unsigned k = first; k < end; k++) printf(" %12s", wsm_sim_during_name((wsm_sim_during)k));
    printf("\n");
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++) {
        printf("%-13s", wsm_sim_fault_name((wsm_sim_fault_kind)i));
        for (unsigned k = first; k < end; k++)
            if (marks->at[i][k] == 0 && excuse(i, k))
                printf(" %12s", "-");
            else
                printf(" %12llu", marks->at[i][k]);
        printf("\n");
    }
}

/* One line for each row of the table that a dash in the print stands for. */
static void print_excuses(const sim_marks *marks) {
    for (unsigned row = 0; row < sizeof excused / sizeof excused[0]; row++) {
        unsigned fault = excused[row].fault, count = 0;
        for (unsigned k = 0; k < WSM_SIM_DURINGS; k++)
            if (marks->at[fault][k] == 0 && is_excused(row, fault, k))
                printf("%s %s", count++ ? "," : "-", wsm_sim_during_name((wsm_sim_during)k));
        if (count) printf(" and %s: %s\n", wsm_sim_fault_name((wsm_sim_fault_kind)fault), excused[row].why);
    }
}

static unsigned print_missing(const sim_marks *marks) {
    unsigned missing = 0;
    for (unsigned i = 0; i < WSM_SIM_FAULTS; i++)
        for (unsigned k = 0; k < WSM_SIM_DURINGS; k++) {
            if (marks->at[i][k] || excuse(i, k)) continue;
            printf("%s %s", missing++ ? "," : "never met:", wsm_sim_fault_name((wsm_sim_fault_kind)i));
            printf(" and %s", wsm_sim_during_name((wsm_sim_during)k));
        }
    if (missing) printf("\n");
    return missing;
}

unsigned sim_marks_print(const sim_marks *marks, unsigned long long seeds) {
    printf("marks: how often a fault (row) struck while something was under way (column)\n");
    for (unsigned first = 0; first < WSM_SIM_DURINGS; first += COLUMNS) print_part(marks, first);
    print_excuses(marks);
    unsigned missing = print_missing(marks);
    printf("report: marks: %u of %u pairs of fault and operation have not met\n", missing,
           WSM_SIM_FAULTS * WSM_SIM_DURINGS);
    if (missing && seeds < SEEDS) printf("(after %u seeds that is a failure)\n", SEEDS);
    return seeds < SEEDS ? 0 : missing;
}
