/* The tests of the scanner once more, with the loop over strings that machines without SSE2 take. */
#define WSM__SCAN_PORTABLE
#include "test_proto_scan.c"

#include "proto/scan.c"
