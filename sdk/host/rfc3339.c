/*
 * Times in files: RFC 3339 in UTC with whole seconds, 2026-11-23T18:00:00Z.
 */
#include "rfc3339.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define DAY_S 86400
#define DAYS_400_YEARS 146097
/* 9999-12-31T23:59:59Z */
#define LAST_S INT64_C(253402300799)

/* Days of 400 years' cycle before March 1 of year y, counted from 0000. */
static int64_t
days_before_march(int64_t y)
{
	return y * 365 + y / 4 - y / 100 + y / 400;
}

/* Days from March 1 to the first of month m, where March is 0. */
static int64_t
days_before_month(int64_t m)
{
	return (153 * m + 2) / 5;
}

/*
 * Days from 1970-01-01. Years are taken to begin in March, so that the leap
 * day is the last of its year.
 */
static int64_t
days_from_date(int64_t year, int64_t month, int64_t day)
{
	const int64_t y = month <= 2 ? year - 1 : year;
	const int64_t m = month <= 2 ? month + 9 : month - 3;

	/* 719468 days lie between 0000-03-01 and 1970-01-01. */
	return days_before_march(y) + days_before_month(m) + day - 1 - 719468;
}

static int64_t
days_in_month(int64_t year, int64_t month)
{
	const int64_t next_year = month == 12 ? year + 1 : year;
	const int64_t next_month = month == 12 ? 1 : month + 1;

	return days_from_date(next_year, next_month, 1) -
	    days_from_date(year, month, 1);
}

/* The number in n digits; the caller has checked that they are digits. */
static int64_t
number(const char *digits, size_t n)
{
	int64_t v = 0;

	while (n-- > 0)
		v = v * 10 + (*digits++ - '0');

	return v;
}

/* Does text have a digit wherever shape has a 0, and shape's byte elsewhere? */
static bool
has_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; text++, shape++) {
		if (*shape == '0' ? *text < '0' || *text > '9' :
		    *text != *shape)
			return false;
	}
	return *text == '\0';
}

fo_err
fo_time_parse(const char *text, int64_t *ret_s)
{
	int64_t year, month, day, hour, minute, second;

	if (!has_shape(text, "0000-00-00T00:00:00Z"))
		return FO_ERR_FORMAT;
	year = number(text, 4);
	month = number(text + 5, 2);
	day = number(text + 8, 2);
	hour = number(text + 11, 2);
	minute = number(text + 14, 2);
	second = number(text + 17, 2);
	if (year < 1970 || month < 1 || month > 12)
		return FO_ERR_FORMAT;
	if (day < 1 || day > days_in_month(year, month))
		return FO_ERR_FORMAT;
	/* Leap seconds do not exist in seconds since 1970. */
	if (hour > 23 || minute > 59 || second > 59)
		return FO_ERR_FORMAT;

	*ret_s = days_from_date(year, month, day) * DAY_S + hour * 3600 +
	    minute * 60 + second;
	return FO_OK;
}

/* The inverse of days_from_date. */
static void
date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	const int64_t z = days + 719468;
	const int64_t cycle = z / DAYS_400_YEARS;
	const int64_t in_cycle = z % DAYS_400_YEARS;
	const int64_t y = (in_cycle - in_cycle / 1460 + in_cycle / 36524 -
	    in_cycle / 146096) / 365;
	const int64_t in_year = in_cycle - days_before_march(y);
	const int64_t m = (5 * in_year + 2) / 153;

	*ret_day = (int)(in_year - days_before_month(m) + 1);
	*ret_month = (int)(m < 10 ? m + 3 : m - 9);
	*ret_year = (int)(cycle * 400 + y + (m < 10 ? 0 : 1));
}

/* A number in so many digits, and what follows; returns where to go on. */
static char *
put_digits(char *to, int number, int digits, char after)
{
	for (int i = digits; i > 0; i--) {
		to[i - 1] = (char)('0' + number % 10);
		number /= 10;
	}
	to[digits] = after;
	return to + digits + 1;
}

fo_err
fo_time_format(int64_t s, char ret[FO_TIME_SIZE])
{
	int year, month, day, in_day;

	if (s < 0 || s > LAST_S)
		return FO_ERR_ARG;
	date_from_days(s / DAY_S, &year, &month, &day);
	in_day = (int)(s % DAY_S);
	ret = put_digits(ret, year, 4, '-');
	ret = put_digits(ret, month, 2, '-');
	ret = put_digits(ret, day, 2, 'T');
	ret = put_digits(ret, in_day / 3600, 2, ':');
	ret = put_digits(ret, in_day / 60 % 60, 2, ':');
	ret = put_digits(ret, in_day % 60, 2, 'Z');
	*ret = '\0';
	return FO_OK;
}
