/* Memory that goes back to how it was, so that a run can be continued from one of its steps as often as wanted, without
 * the steps before it.
 *
 * Between rewind_begin and rewind_end all of malloc comes from one region, in this program and in the libraries that it
 * is linked with. A step is a copy of what of the region is in use; going back copies it into its place again, so every
 * pointer into the region is good again. What a run knows must lie there, and nowhere else. */
#ifndef WSM_TESTS_FUZZ_REWIND_H
#define WSM_TESTS_FUZZ_REWIND_H

#include <stdbool.h>

#define REWIND_STEPS 4

/* False: malloc is not ours, as with a sanitizer or under valgrind. Then there is nothing to end. */
bool rewind_begin(void);
void rewind_end(void); /* all that came from the region is gone */

void rewind_save(int step); /* 0..REWIND_STEPS - 1 */
void rewind_to(int step);   /* saved since rewind_begin */

#endif
