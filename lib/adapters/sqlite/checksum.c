/* CRC-64/XZ: the polynomial of ECMA-182, bits reflected, all ones before and after.
 *
 * A CRC and no cryptographic hash, because it is to find what disks and memory do, not what people do: it finds every
 * burst of up to 64 bits and misses anything else once in 2^64. 64 bits rather than the 32 of CRC-32C, since a log that
 * is read again and again over years checks far more than 2^32 records.
 *
 * Eight bytes a step ("slicing by 8"): table[0][b] is the remainder of the byte b, and table[k][b] that of b followed
 * by k zero bytes. The remainder of eight bytes is then the sum of eight look-ups that do not wait for each other. The
 * tables are made when a store is opened and belong to it; there is no global. */
#include "checksum.h"

#define POLYNOMIAL 0xC96C5795D7870F42u /* 0x42F0E1EBA9EA3693 reflected */

void wsm__crc64_init(wsm__crc64 *crc) {
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t sum = byte;
        for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ ((sum & 1) ? POLYNOMIAL : 0);
        crc->table[0][byte] = sum;
    }
    for (int zeros = 1; zeros < 8; zeros++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t sum = crc->table[zeros - 1][byte];
            crc->table[zeros][byte] = (sum >> 8) ^ crc->table[0][sum & 0xff];
        }
    }
}

static uint64_t load_le64(const unsigned char *p) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = (value << 8) | p[i];
    return value;
}

uint64_t wsm__crc64_update(const wsm__crc64 *crc, uint64_t sum, const void *bytes, size_t len) {
    const unsigned char *p = bytes;
    sum = ~sum;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t x = sum ^ load_le64(p);
        sum = 0;
        for (int i = 0; i < 8; i++) sum ^= crc->table[7 - i][(x >> (8 * i)) & 0xff];
    }
    for (; len > 0; len--, p++) sum = (sum >> 8) ^ crc->table[0][(sum ^ *p) & 0xff];
    return ~sum;
}
