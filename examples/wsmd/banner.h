/* What wsmd prints on standard output when it is ready. */
#ifndef WSMD_BANNER_H
#define WSMD_BANNER_H

#include "server.h"

/* "wsmd: listening on URL"; with --banner also what a newcomer needs: the dashboard with a token in its fragment, a
 * token for an agent, and a line to try. */
void banner_print(const server *all);

#endif
