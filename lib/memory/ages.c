/* Marks of offsets and times. With one for every sixteenth of the age there are never more than seventeen, unless
 * nobody asks; then the newest one is moved. */
#include "memory/ages.h"

#include <string.h>

void wsm__ages_note(wsm__ages *ages, uint64_t offset, int64_t time_ms, int64_t age_ms) {
    const wsm__age_mark *last = ages->count > 0 ? &ages->marks[ages->count - 1] : NULL;
    if (last && time_ms - last->time_ms < age_ms / 16) return;
    if (ages->count == WSM__AGES_MARKS) ages->count--;
    ages->marks[ages->count++] = (wsm__age_mark){offset, time_ms};
}

uint64_t wsm__ages_passed(wsm__ages *ages, int64_t before_ms) {
    size_t passed = 0;
    while (passed < ages->count && ages->marks[passed].time_ms < before_ms) passed++;
    if (passed == 0) return 0;
    ages->count -= passed - 1; /* the last of them stays: it may not be acted upon yet */
    memmove(ages->marks, ages->marks + passed - 1, ages->count * sizeof *ages->marks);
    return ages->marks[0].offset;
}
