/*
 * Criterion's tests without Criterion's runner, which starts every test as a
 * program of its own and hears of it over a socket. That takes a fifth of a
 * second, too much for some ten thousand mutants; a fork takes a hundredth of
 * it. And qemu-user cannot do it at all, where the program is another
 * processor's. A test program that is linked with this file uses what is
 * defined here instead of the library's.
 *
 *   PROGRAM --list            each test, as suite/test
 *   PROGRAM SUITE/TEST...     run these up to the first that does not pass:
 *                             "failed SUITE/TEST" or "late SUITE/TEST"
 *   PROGRAM --tap [SUITE/TEST REASON]...
 *                             run all but these, which are skipped for that
 *                             reason, and print TAP; a test may take longer
 *                             than it says, for an emulator is slow
 *
 * Exit code: 0 all passed, 1 one did not, 2 for a name that is no test's.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/event.h>

#undef cr_asprintf
#undef cr_log

/* The linker's names of the sections that Test and TestSuite fill. */
extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak)),
    *__stop_cr_sts[] __attribute__((weak));

static struct {
	const struct criterion_test *test;
	const struct criterion_suite *suite;	/* NULL: it has no data */
	jmp_buf end;
	bool began;
	volatile bool failed;
	/* Written by a test's process, why it skips; NULL: nobody asks. */
	char *skipped;
} now;

#define SKIPPED_SIZE 256
/* So many times what a test says that it takes at most. */
#define PATIENCE 20

/* ---- what a test calls --------------------------------------------------- */

void
criterion_send_assert(struct criterion_assert_stats *stats)
{
	if (!stats->passed)
		fprintf(stderr, "%s:%u: %s\n", stats->file, stats->line,
		    stats->message);
}

void
criterion_continue_test(void)
{
	now.failed = true;
}

static _Noreturn void
end_early(void)
{
	if (!now.began)
		_exit(now.failed);
	longjmp(now.end, 1);
}

void
criterion_abort_test(void)
{
	now.failed = true;
	end_early();
}

void
criterion_skip_test(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (now.skipped != NULL)
		vsnprintf(now.skipped, SKIPPED_SIZE, format, args);
	va_end(args);
	end_early();
}

void
cri_asserts_passed_incr(void)
{
}

char *
cr_translate_assert_msg(int index, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, index);
	if (asprintf(&text, "%s", va_arg(args, const char *)) < 0)
		abort();
	va_end(args);
	return text;
}

int
cr_asprintf(char **ret_text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(ret_text, format, args);
	va_end(args);
	return n;
}

void
cr_asprintf_free(char *text)
{
	free(text);
}

void
cr_log(enum criterion_severity severity, const char *format, ...)
{
	(void)severity;
	(void)format;
}

/* ---- one test, in its own process ---------------------------------------- */

static void
call(void (*fixture)(void))
{
	if (fixture != NULL)
		fixture();
}

void
criterion_internal_test_setup(void)
{
	if (now.suite != NULL && now.suite->data != NULL)
		call(now.suite->data->init);
	call(now.test->data->init);
}

void
criterion_internal_test_main(void (*test)(void))
{
	now.began = true;
	if (setjmp(now.end) == 0)
		test();
	now.began = false;
}

void
criterion_internal_test_teardown(void)
{
	call(now.test->data->fini);
	if (now.suite != NULL && now.suite->data != NULL)
		call(now.suite->data->fini);
}

static void
choose(const struct criterion_test *test)
{
	struct criterion_suite **suite;

	now.test = test;
	now.suite = NULL;
	for (suite = __start_cr_sts; suite != __stop_cr_sts; suite++)
		if (strcmp((*suite)->name, test->category) == 0)
			now.suite = *suite;
}

static double
limit_s(void)
{
	if (now.test->data->timeout > 0)
		return now.test->data->timeout;
	return now.suite != NULL && now.suite->data != NULL ?
	    now.suite->data->timeout : 0;
}

/* "failed" or "late", or NULL; with this much patience. */
static const char *
run(double patience)
{
	const double limit = limit_s() * patience;
	struct pollfd end = { .fd = -1, .events = POLLIN };
	int status = 0;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		now.test->test();
		fflush(NULL);
		_exit(now.failed);
	}
	if (pid < 0 || (end.fd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0)
		abort();
	if (poll(&end, 1, limit > 0 ? (int)(limit * 1000) : -1) == 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		return "late";
	}
	close(end.fd);
	return waitpid(pid, &status, 0) == pid && status == 0 ? NULL :
	    "failed";
}

/* ---- all of them ----------------------------------------------------------- */

static const struct criterion_test *
find(const char *name)
{
	struct criterion_test **test;
	const size_t len = strcspn(name, "/");

	for (test = __start_cr_tst; test != __stop_cr_tst; test++)
		if (name[len] == '/' && strlen((*test)->category) == len &&
		    strncmp((*test)->category, name, len) == 0 &&
		    strcmp((*test)->name, name + len + 1) == 0)
			return *test;
	return NULL;
}

static int
list(void)
{
	struct criterion_test **test;

	for (test = __start_cr_tst; test != __stop_cr_tst; test++)
		printf("%s/%s\n", (*test)->category, (*test)->name);
	return 0;
}

/* Why it is not to be run, or NULL. */
static const char *
excuse(const struct criterion_test *test, char **excused)
{
	for (; excused[0] != NULL && excused[1] != NULL; excused += 2)
		if (find(excused[0]) == test)
			return excused[1];
	return NULL;
}

/* Excused are names and reasons in turn, up to NULL. */
static int
run_all(char **excused)
{
	struct criterion_test **test;
	const char *trouble, *reason;
	int n = 0, failed = 0;

	for (char **name = excused; *name != NULL; name += 2)
		if (name[1] == NULL || find(*name) == NULL)
			return 2;
	now.skipped = mmap(NULL, SKIPPED_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (now.skipped == MAP_FAILED)
		abort();
	printf("1..%td\n", __stop_cr_tst - __start_cr_tst);
	for (test = __start_cr_tst; test != __stop_cr_tst; test++) {
		choose(*test);
		now.skipped[0] = '\0';
		reason = excuse(*test, excused);
		trouble = reason == NULL ? run(PATIENCE) : NULL;
		if (trouble == NULL && now.skipped[0] != '\0')
			reason = now.skipped;
		failed += trouble != NULL;
		printf("%s %d - %s/%s%s%s%s%s\n", trouble == NULL ? "ok" :
		    "not ok", ++n, (*test)->category, (*test)->name,
		    trouble == NULL ? "" : ": ", trouble == NULL ? "" : trouble,
		    reason == NULL ? "" : " # SKIP ", reason == NULL ? "" :
		    reason);
	}
	return failed > 0;
}

int
main(int argc, char **argv)
{
	const struct criterion_test *test;
	const char *trouble;

	if (argc == 2 && strcmp(argv[1], "--list") == 0)
		return list();
	if (argc >= 2 && strcmp(argv[1], "--tap") == 0)
		return run_all(argv + 2);
	for (int i = 1; i < argc; i++) {
		if ((test = find(argv[i])) == NULL)
			return 2;
		choose(test);
		if ((trouble = run(1)) != NULL) {
			printf("%s %s\n", trouble, argv[i]);
			return 1;
		}
	}
	return 0;
}
