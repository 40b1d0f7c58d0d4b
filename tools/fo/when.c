/*
 * Times and spans on a command line.
 */
#include "when.h"

#include <stdio.h>
#include <string.h>

#include "host/rfc3339.h"

#include "options.h"

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

/* A date as the first second of it; a time as it is. */
static bool
date_parse(const char *text, int64_t *ret)
{
	char full[24];

	if (strlen(text) == strlen("2027-02-23")) {
		snprintf(full, sizeof(full), "%sT00:00:00Z", text);
		text = full;
	}

	return fo_time_parse(text, ret) == FO_OK;
}

bool
when_parse(const char *text, int64_t now, int64_t *ret)
{
	int64_t s;

	if (span_parse(text, &s)) {
		*ret = now + s;
		return true;
	}

	return date_parse(text, ret) && *ret > now;
}

/* How many days ago the last such day was, 1 to 7; 0: no day of that name. */
static int64_t
days_since(const char *name, int64_t now)
{
	static const char *const days[] = { "thursday", "friday", "saturday",
		"sunday", "monday", "tuesday", "wednesday" };
	const int64_t today = now / DAY_S % 7; /* 1970 began on a Thursday */
	int64_t day;

	for (day = 0; day < 7; day++)
		if (strcmp(name, days[day]) == 0 || (strlen(name) == 3 &&
		    strncmp(name, days[day], 3) == 0))
			return (today - day + 6) % 7 + 1;

	return 0;
}

bool
past_parse(const char *text, int64_t now, int64_t *ret)
{
	const int64_t today = now - now % DAY_S;
	int64_t s;

	if (strcmp(text, "today") == 0)
		*ret = today;
	else if (strcmp(text, "yesterday") == 0)
		*ret = today - DAY_S;
	else if ((s = days_since(text, now)) != 0)
		*ret = today - s * DAY_S;
	else if (span_parse(text, &s))
		*ret = s < now ? now - s : 0;
	else
		return date_parse(text, ret);

	return true;
}
