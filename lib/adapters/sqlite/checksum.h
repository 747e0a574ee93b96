/* CRC-64/XZ, the checksum of records and snapshots. */
#ifndef WSM_LIB_SQLITE_CHECKSUM_H
#define WSM_LIB_SQLITE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

typedef struct wsm__crc64 {
    uint64_t table[8][256];
} wsm__crc64;

void wsm__crc64_init(wsm__crc64 *crc);

/* Continue `sum` (0 at the start) over `len` bytes. */
uint64_t wsm__crc64_update(const wsm__crc64 *crc, uint64_t sum, const void *bytes, size_t len);

#endif
