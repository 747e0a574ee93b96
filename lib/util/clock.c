/* Times as text. The calendar is counted in eras of 400 years (146 097 days) whose years begin on the first of March,
 * so that the leap day is the last day of its year and the months' lengths follow one linear rule: (153 * month + 2) /
 * 5 days have passed before the month, with March as 0. */
#include "util/clock.h"

#define DAY_MS     86400000
#define ERA_DAYS   146097
#define MARCH_0000 (-719468)         /* days from the Unix epoch to 0000-03-01 */
#define FIRST_MS   (-62167219200000) /* 0000-01-01T00:00:00.000Z */
#define LAST_MS    253402300799999   /* 9999-12-31T23:59:59.999Z */

typedef struct date {
    int year, month, day; /* month and day from 1 */
} date;

static date date_of_days(int64_t days) {
    days -= MARCH_0000;
    int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
    int in_era = (int)(days - era * ERA_DAYS);
    int year = (in_era - in_era / 1460 + in_era / 36524 - in_era / (ERA_DAYS - 1)) / 365;
    int in_year = in_era - (365 * year + year / 4 - year / 100);
    int march = (5 * in_year + 2) / 153;
    int month = march < 10 ? march + 3 : march - 9;
    return (date){(int)era * 400 + year + (month <= 2), month, in_year - (153 * march + 2) / 5 + 1};
}

static int64_t days_of_date(date at) {
    int year = at.year - (at.month <= 2);
    int era = (year >= 0 ? year : year - 399) / 400;
    int in_era_year = year - era * 400;
    int march = at.month > 2 ? at.month - 3 : at.month + 9;
    int in_year = (153 * march + 2) / 5 + at.day - 1;
    int in_era = in_era_year * 365 + in_era_year / 4 - in_era_year / 100 + in_year;
    return (int64_t)era * ERA_DAYS + in_era + MARCH_0000;
}

static void put_digits(char *out, int value, int count) {
    while (count--) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void wsm__time_format(char out[WSM__TIME_LEN], int64_t ms) {
    if (ms < FIRST_MS) ms = FIRST_MS;
    if (ms > LAST_MS) ms = LAST_MS;
    int64_t days = (ms >= 0 ? ms : ms - (DAY_MS - 1)) / DAY_MS;
    int in_day = (int)(ms - days * DAY_MS);
    date at = date_of_days(days);
    put_digits(out, at.year, 4);
    put_digits(out + 5, at.month, 2);
    put_digits(out + 8, at.day, 2);
    put_digits(out + 11, in_day / 3600000, 2);
    put_digits(out + 14, in_day / 60000 % 60, 2);
    put_digits(out + 17, in_day / 1000 % 60, 2);
    put_digits(out + 20, in_day % 1000, 3);
    out[4] = out[7] = '-';
    out[10] = 'T';
    out[13] = out[16] = ':';
    out[19] = '.';
    out[23] = 'Z';
}

/* The value of `count` digits, or -1. */
static int take_digits(const char *text, int count) {
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static bool take_date(const char *text, date *at) {
    static const signed char month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    *at = (date){take_digits(text, 4), take_digits(text + 5, 2), take_digits(text + 8, 2)};
    if (text[4] != '-' || text[7] != '-' || at->year < 0) return false;
    if (at->month < 1 || at->month > 12 || at->day < 1 || at->day > month_days[at->month - 1]) return false;
    bool leap = at->year % 4 == 0 && (at->year % 100 != 0 || at->year % 400 == 0);
    return at->month != 2 || at->day != 29 || leap;
}

/* hh:mm of a time of day or of an offset, in minutes, or -1. */
static int take_minutes(const char *text) {
    int hour = take_digits(text, 2), minute = take_digits(text + 3, 2);
    if (text[2] != ':' || hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1;
    return hour * 60 + minute;
}

/* `.` and one to nine digits, in whole milliseconds; `*at` moves behind them. -1: there is no digit, or too many. */
static int take_fraction(const char *text, size_t len, size_t *at) {
    if (*at == len || text[*at] != '.') return 0;
    size_t first = ++*at;
    int ms = 0, unit = 100;
    for (; *at < len && text[*at] >= '0' && text[*at] <= '9'; ++*at, unit /= 10) ms += (text[*at] - '0') * unit;
    return *at == first || *at - first > 9 ? -1 : ms;
}

/* `Z`, or the sign and hh:mm that end the text. */
static bool take_offset(const char *text, size_t len, int *minutes) {
    *minutes = 0;
    if (len == 1) return *text == 'Z' || *text == 'z';
    if (len != 6 || (*text != '+' && *text != '-')) return false;
    int offset = take_minutes(text + 1);
    *minutes = *text == '-' ? -offset : offset;
    return offset >= 0;
}

bool wsm__time_parse(const char *text, size_t len, int64_t *ms) {
    date day;
    int offset;
    if (len < 20 || !take_date(text, &day) || (text[10] != 'T' && text[10] != 't') || text[16] != ':') return false;
    int minutes = take_minutes(text + 11), seconds = take_digits(text + 17, 2);
    size_t at = 19;
    int fraction = take_fraction(text, len, &at);
    if (minutes < 0 || seconds < 0 || seconds > 60 || fraction < 0) return false;
    if (!take_offset(text + at, len - at, &offset)) return false;
    int64_t utc_minutes = days_of_date(day) * 1440 + minutes - offset;
    if (seconds == 60) { /* a leap second, at the end of a UTC day only; it counts as the last moment before */
        if ((utc_minutes + 1) % 1440 != 0) return false;
        seconds = 59;
        fraction = 999;
    }
    *ms = utc_minutes * 60000 + (int64_t)seconds * 1000 + fraction;
    return true;
}
