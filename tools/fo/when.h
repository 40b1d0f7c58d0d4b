/*
 * Times and spans on a command line: 90d, 12h, 2027-02-23.
 */
#ifndef FO_TOOL_WHEN_H
#define FO_TOOL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_S ((int64_t)86400)

/* 30s, 45m, 12h, 90d or 4w in seconds: at least one, at most a century. */
bool span_parse(const char *text, int64_t *ret_s);

/* Such a span from now, or a date, or a time in UTC, that is to come. */
#define WHEN_BAD "--expires \"%s\": must be a time to come, as 90d, 12h, 4w," \
    " 2027-02-23 or 2027-02-23T18:00:00Z"
bool when_parse(const char *text, int64_t now, int64_t *ret);

/*
 * A time that is past, in UTC: a span ago, a date, a time, "today",
 * "yesterday", or the last day of that name, "tuesday" or "tue".
 */
bool past_parse(const char *text, int64_t now, int64_t *ret);

#endif
