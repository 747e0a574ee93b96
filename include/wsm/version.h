/* The library's version. The numbers are those of the headers; the function tells what is linked. */
#ifndef WSM_VERSION_H
#define WSM_VERSION_H

#include "types.h"

#define WSM_VERSION_MAJOR 0
#define WSM_VERSION_MINOR 1
#define WSM_VERSION_PATCH 0
#define WSM_VERSION       "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH" of the library that is linked. Static. Any thread. */
WSM_API const char *wsm_version(void);

#ifdef __cplusplus
}
#endif

#endif
