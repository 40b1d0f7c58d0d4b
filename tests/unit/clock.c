/*
 * The machine's clock and boot id.
 */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/clock.h"
#include "support/failing.h"

Test(clock, the_boot_id_is_read_whole_or_not)
{
	static const struct {
		const char *call;
		int error;
	} cases[] = { { "openat", ENOENT }, { "openat", EMFILE },
		{ "read", EIO }, { "read", 0 } };
	char id[FO_BOOT_ID_SIZE] = "", again[FO_BOOT_ID_SIZE] = "";

	cr_assert_eq(fo_clock_system.boot_id(NULL, id), FO_OK);
	cr_expect_eq(strlen(id), FO_BOOT_ID_SIZE - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failing(cases[i].call, 0, cases[i].error);
		cr_expect_eq(fo_clock_system.boot_id(NULL, again), FO_ERR_IO,
		    "%s %d", cases[i].call, cases[i].error);
		failing_none();
		cr_expect_str_eq(again, "");
	}
	cr_assert_eq(fo_clock_system.boot_id(NULL, again), FO_OK);
	cr_expect_str_eq(again, id);
}

Test(clock, tells_the_time_by_both_its_clocks_or_not_at_all)
{
	struct fo_now now = { .s = 0 };

	cr_assert_eq(fo_clock_system.now(NULL, &now), FO_OK);
	cr_expect_gt(now.s, 0);
	cr_expect_gt(now.boot_ms, 0);
	for (int nth = 1; nth <= 2; nth++) {
		now = (struct fo_now){ .s = -7 };
		failing("clock_gettime", nth, EPERM);
		cr_expect_eq(fo_clock_system.now(NULL, &now), FO_ERR_IO);
		failing_none();
		cr_expect_eq(now.s, -7);
	}
}
