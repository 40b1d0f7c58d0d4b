/*
 * Times in files, forth and back.
 */
#include <string.h>

#include <criterion/criterion.h>

#include "host/rfc3339.h"

static const struct {
	const char *text;
	int64_t s;
} good[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01T00:00:01Z", 1 },
	{ "1999-12-31T23:59:59Z", 946684799 },
	{ "2000-02-29T00:00:00Z", 951782400 },
	{ "2000-03-01T00:00:00Z", 951868800 },
	{ "2024-02-29T12:34:56Z", 1709210096 },
	{ "2026-11-23T18:00:00Z", 1795456800 },
	{ "2038-01-19T03:14:08Z", 2147483648 },
	{ "2100-03-01T00:00:00Z", 4107542400 },
	{ "9999-12-31T23:59:59Z", 253402300799 },
};

Test(rfc3339, reads_and_writes_the_same_second)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char text[FO_TIME_SIZE];
		int64_t s = -1;

		cr_expect_eq(fo_time_parse(good[i].text, &s), FO_OK, "%s",
		    good[i].text);
		cr_expect_eq(s, good[i].s, "%s", good[i].text);
		cr_expect_eq(fo_time_format(good[i].s, text), FO_OK);
		cr_expect_str_eq(text, good[i].text);
	}
}

Test(rfc3339, every_day_of_400_years_is_read_as_it_was_written)
{
	for (int64_t day = 0; day < 146097; day++) {
		char text[FO_TIME_SIZE];
		int64_t s = -1;

		cr_assert_eq(fo_time_format(day * 86400, text), FO_OK);
		cr_assert_eq(fo_time_parse(text, &s), FO_OK, "%s", text);
		cr_assert_eq(s, day * 86400, "%s", text);
	}
}

Test(rfc3339, refuses_other_forms_and_days_that_do_not_exist)
{
	static const char *const bad[] = {
		"", "2026-11-23", "2026-11-23T18:00:00", "2026-11-23T18:00Z",
		"2026-11-23t18:00:00z", "2026-11-23 18:00:00Z",
		"2026-11-23T18:00:00.5Z", "2026-11-23T18:00:00+00:00",
		"2026-11-23T18:00:00ZZ", " 2026-11-23T18:00:00Z",
		"2026-1-23T18:00:00Z", "12026-11-23T18:00:00Z",
		"1969-12-31T23:59:59Z", "2026-00-01T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-11-00T00:00:00Z",
		"2026-11-31T00:00:00Z", "2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z", "2026-11-23T24:00:00Z",
		"2026-11-23T18:60:00Z", "2026-11-23T18:00:60Z",
		"202/-01-01T00:00:00Z", "202:-01-01T00:00:00Z",
		"-026-11-23T18:00:00Z", "2026-11-23T+8:00:00Z",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t s = 42;

		cr_expect_eq(fo_time_parse(bad[i], &s), FO_ERR_FORMAT, "%s",
		    bad[i]);
		cr_expect_eq(s, 42, "%s", bad[i]);
	}
}

Test(rfc3339, writes_nothing_before_1970_or_after_9999)
{
	char text[FO_TIME_SIZE] = "untouched";

	cr_expect_eq(fo_time_format(-1, text), FO_ERR_ARG);
	cr_expect_eq(fo_time_format(253402300800, text), FO_ERR_ARG);
	cr_expect_eq(fo_time_format(INT64_MAX, text), FO_ERR_ARG);
	cr_expect_str_eq(text, "untouched");
}
