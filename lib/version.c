/* The version that was linked, as opposed to the one whose headers a program saw. */
#include "wsm/version.h"

const char *wsm_version(void) {
    return WSM_VERSION;
}
