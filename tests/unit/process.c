/*
 * Processes: what /proc says of them, and what it cannot be brought to say.
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "host/process.h"
#include "support/failing.h"

Test(process, a_process_is_known_by_its_start)
{
	uint64_t mine = 0, again = 0, other = 0;

	cr_expect_eq(fo_process_start(getpid(), &mine), FO_OK);
	cr_expect_eq(fo_process_start(getpid(), &again), FO_OK);
	cr_expect_eq(fo_process_start(1, &other), FO_OK);
	cr_expect_eq(mine, again);
	cr_expect_gt(mine, other);
	cr_expect_eq(fo_process_start(0, &mine), FO_ERR_NOT_FOUND);
	cr_expect_eq(fo_process_start(-1, &mine), FO_ERR_NOT_FOUND);
	cr_expect_eq(fo_process_start(0x7fffffff, &mine), FO_ERR_NOT_FOUND);
	cr_expect_eq(mine, again, "untouched");
}

/* The name of a command can hold brackets and spaces. */
Test(process, a_process_of_an_odd_name_is_known_too)
{
	uint64_t before = 0, after = 0;
	int fd = open("/proc/self/comm", O_WRONLY | O_CLOEXEC);

	cr_assert_eq(fo_process_start(getpid(), &before), FO_OK);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, ") R 1 (a", 8), 8);
	close(fd);
	cr_expect_eq(fo_process_start(getpid(), &after), FO_OK);
	cr_expect_eq(after, before);
}

Test(process, the_start_of_a_process_is_field_22_and_a_number)
{
#define TWENTY " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"
	static const struct {
		const char *text;
		uint64_t want;	/* 0: none */
	} cases[] = {
		{ "1 (a)" TWENTY " 4711 0 0", 4711 },
		{ "1 (a)" TWENTY " 9", 9 },
		{ "1 (a) R 1 (b)" TWENTY " 17", 17 },
		{ "1 (a)" TWENTY " 18446744073709551615", UINT64_MAX },
		{ "1 (a)" TWENTY " 18446744073709551616", 0 },
		{ "1 (a)" TWENTY " -1", 0 },
		{ "1 (a)" TWENTY " +1", 0 },
		{ "1 (a)" TWENTY "  1", 0 },
		{ "1 (a)" TWENTY " x", 0 },
		{ "1 (a)" TWENTY " ", 0 },
		{ "1 (a)" TWENTY, 0 },
		{ "1 (a)", 0 },
		{ "1 a" TWENTY " 4711", 0 },
		{ "", 0 },
	};
	struct fo_process process;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		process = (struct fo_process){ 0 };
		cr_expect_eq(fo_process_parse(cases[i].text, &process),
		    cases[i].want != 0, "\"%s\"", cases[i].text);
		cr_expect_eq(process.start, cases[i].want);
	}
}

Test(process, parent_and_state_are_fields_4_and_3)
{
	static const struct {
		const char *text;
		pid_t parent;
		char state;	/* '\0': not understood */
	} cases[] = {
#define REST(threads) " 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 " threads " 18 99"
		{ "7 (a) S 4711" REST("1"), 4711, 'S' },
		{ "7 (a) R 0) T 12" REST("1"), 12, 'T' },
		{ "7 (a) Z 1" REST("1"), 1, 'Z' },
		{ "7 (a) Z 1" REST("2"), 1, 'R' },
		{ "7 (a) S 1" REST("0"), 1, 'S' },
		{ "7 (a) S x" REST("1"), 0, '\0' },
		{ "7 (a) S -1" REST("1"), 0, '\0' },
		{ "7 (a) S 2147483647" REST("1"), 2147483647, 'S' },
		{ "7 (a) S 2147483648" REST("1"), 0, '\0' },
		{ "7 (a) S 1" REST("x"), 0, '\0' },
	};
	struct fo_process process;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		process = (struct fo_process){ .pid = 7 };
		cr_expect_eq(fo_process_parse(cases[i].text, &process),
		    cases[i].state != '\0', "\"%s\"", cases[i].text);
		cr_expect_eq(process.parent, cases[i].parent);
		cr_expect_eq(process.state, cases[i].state);
		cr_expect_eq(process.pid, 7, "left alone");
	}
}

Test(process, a_process_is_its_parents_child)
{
	struct fo_process mine, parents;

	cr_assert_eq(fo_process_read(getpid(), &mine), FO_OK);
	cr_assert_eq(fo_process_read(getppid(), &parents), FO_OK);
	cr_expect_eq(mine.pid, getpid());
	cr_expect_eq(mine.parent, parents.pid);
	cr_expect_eq(mine.state, 'R');
	cr_expect_leq(parents.start, mine.start);
}

Test(process, the_audit_session_is_what_the_kernel_says_or_none)
{
	char text[16] = "";
	const int fd = open("/proc/self/sessionid", O_RDONLY | O_CLOEXEC);
	uint32_t want = FO_AUDIT_NONE;

	if (fd >= 0) {
		cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
		close(fd);
		want = (uint32_t)strtoul(text, NULL, 10);
	}
	cr_expect_eq(fo_process_audit(getpid()), want);
	cr_expect_eq(fo_process_audit(0x7fffffff), FO_AUDIT_NONE);
	failing("read", 0, EIO);
	cr_expect_eq(fo_process_audit(getpid()), FO_AUDIT_NONE);
	failing_none();
	failing("openat", 0, ENOENT);
	cr_expect_eq(fo_process_audit(getpid()), FO_AUDIT_NONE);
	failing_none();
}

/* A child in an audit session of its own, which is what the kernel says. */
Test(process, an_audit_session_of_its_own_has_a_number)
{
	char path[64], text[16] = "";
	uint32_t want;
	pid_t pid;
	int fd, ends[2];

	cr_assert_eq(pipe(ends), 0);
	if ((pid = fork()) == 0) {
		fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);
		(void)!write(ends[1], fd >= 0 && write(fd, "0", 1) == 1 ?
		    "y" : "n", 1);
		for (;;)
			(void)pause();
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(read(ends[0], text, 1), 1);
	if (text[0] == 'y') {
		(void)snprintf(path, sizeof(path), "/proc/%ld/sessionid",
		    (long)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		cr_assert_geq(fd, 0);
		cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
		want = (uint32_t)strtoul(text, NULL, 10);
		cr_expect_neq(want, FO_AUDIT_NONE);
		cr_expect_eq(fo_process_audit(pid), want);
	}
	(void)kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	if (text[0] == 'n')
		cr_skip_test("the kernel has no audit sessions to make here");
}

Test(process, a_process_that_cannot_be_looked_at_may_well_be_there)
{
	static const struct {
		const char *call;
		int error;
		fo_err want;
	} cases[] = {
		{ "openat", ENOENT, FO_ERR_NOT_FOUND },
		{ "openat", EACCES, FO_ERR_IO },
		{ "openat", EMFILE, FO_ERR_IO },
		{ "read", ESRCH, FO_ERR_NOT_FOUND },
		{ "read", EIO, FO_ERR_IO },
		{ "read", 0, FO_ERR_IO },
	};
	uint64_t start = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failing(cases[i].call, 0, cases[i].error);
		cr_expect_eq(fo_process_start(getpid(), &start),
		    cases[i].want, "%s %d", cases[i].call, cases[i].error);
		failing_none();
	}
	cr_expect_eq(start, 0, "untouched on failure");
	cr_expect_eq(fo_process_start(0, &start), FO_ERR_NOT_FOUND);
	cr_expect_eq(fo_process_start(-1, &start), FO_ERR_NOT_FOUND);
}
