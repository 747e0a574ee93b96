/* Hexadecimal digits by a table: they stand in every id of every message. */
#ifndef WSM_LIB_UTIL_HEX_H
#define WSM_LIB_UTIL_HEX_H

/* One more than a digit's value; 0: no digit. */
extern const unsigned char wsm__hex_digits[256];

/* -1: no digit. Either case. */
static inline int wsm__hex_value(char digit) {
    return wsm__hex_digits[(unsigned char)digit] - 1;
}

#endif
