/*
 * Times and spans on a command line.
 */
#include "when.h"

#include <stdio.h>
#include <string.h>

#include "host/rfc3339.h"

#include "options.h"

#define DAY_S ((int64_t)86400)
#define CENTURY_S (36500 * DAY_S) /* so that nothing overflows */

static int64_t
unit_of(char letter)
{
	switch (letter) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return DAY_S;
	case 'w':
		return 7 * DAY_S;
	default:
		return 0;
	}
}

bool
span_parse(const char *text, int64_t *ret_s)
{
	const size_t len = strlen(text);
	char number[24];
	int64_t unit, n;

	if (len < 2 || len >= sizeof(number) ||
	    (unit = unit_of(text[len - 1])) == 0)
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)(len - 1), text);
	if (!number_parse(number, 1, CENTURY_S / unit, &n))
		return false;
	*ret_s = n * unit;

	return true;
}

bool
when_parse(const char *text, int64_t now, int64_t *ret)
{
	char full[24];
	int64_t s;

	if (span_parse(text, &s)) {
		*ret = now + s;
		return true;
	}
	if (strlen(text) == strlen("2027-02-23")) {
		snprintf(full, sizeof(full), "%sT00:00:00Z", text);
		text = full;
	}

	return fo_time_parse(text, ret) == FO_OK && *ret > now;
}
