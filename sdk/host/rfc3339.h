/*
 * Times in files: RFC 3339 in UTC with whole seconds, 2026-11-23T18:00:00Z.
 */
#ifndef FO_HOST_RFC3339_H
#define FO_HOST_RFC3339_H

#include <stdint.h>

#include <firstops/error.h>

#define FO_TIME_SIZE 21	/* 2026-11-23T18:00:00Z and NUL */

/* FO_ERR_FORMAT: not this form, not a date that exists, before 1970. */
FO_MUST_CHECK fo_err fo_time_parse(const char *text, int64_t *ret_s);
/* FO_ERR_ARG: before 1970 or after 9999. Reads no time zone, no locale. */
FO_MUST_CHECK fo_err fo_time_format(int64_t s, char ret[FO_TIME_SIZE]);

#endif
