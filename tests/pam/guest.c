/*
 * The module as a guest: after a thousand logins of every kind its host, a
 * program with habits of its own, is as it was before the first.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <locale.h>
#include <malloc.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LOGINS 1000
/* By then whatever is made once, at the first use, has been made. */
#define WARM_UP 100
#define KINDS 3		/* of logins: permitted, refused, not tried */
#define LOGINS_OF_A_KIND 300
/* Less than a byte a login, which nobody can leave behind. */
#define NOISE_BYTES (LOGINS_OF_A_KIND - 1)
#define OUR_REASON 42

static struct world w;

static void
open_world(void)
{
	world_open(&w);
}

static void
close_world(void)
{
	world_close(&w);
}

TestSuite(guest, .init = open_world, .fini = close_world);

/* ---- what a process is --------------------------------------------------- */

/* Lines of proc_pid_status(5) that only the program itself changes. */
static bool
is_own(const char *line)
{
	static const char *const own[] = { "Name:", "Umask:", "Uid:", "Gid:",
		"Groups:", "VmLck:", "VmPin:", "Threads:", "SigPnd:",
		"ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:", "Cap",
		"NoNewPrivs:", "Seccomp", "Speculation", "Cpus_allowed",
		"Mems_allowed", "CoreDumping:", "THP_enabled:" };

	for (size_t i = 0; i < COUNT(own); i++)
		if (strncmp(line, own[i], strlen(own[i])) == 0)
			return true;
	return false;
}

static void
add_file(FILE *to, const char *path, bool (*wanted)(const char *line))
{
	FILE *from = fopen(path, "r");
	char line[1024];

	(void)fprintf(to, "%s:\n", path);
	if (from == NULL)
		return;
	while (fgets(line, sizeof(line), from) != NULL)
		if (wanted == NULL || wanted(line))
			(void)fputs(line, to);
	(void)fclose(from);
}

/* Numbers of descriptors, what they are, where they stand. */
static void
add_descriptors(FILE *to)
{
	char path[300], target[256];
	DIR *dir = opendir("/proc/self/fd");

	cr_assert_not_null(dir);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		const int fd = (int)strtol(e->d_name, NULL, 10);
		ssize_t n;

		if (e->d_name[0] == '.' || fd == dirfd(dir))
			continue;
		n = readlinkat(dirfd(dir), e->d_name, target,
		    sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
		(void)fprintf(to, "%d -> %s, flags %x, fd flags %x\n", fd,
		    target, (unsigned int)fcntl(fd, F_GETFL),
		    (unsigned int)fcntl(fd, F_GETFD));
		(void)fprintf(to, "at %lld\n", (long long)lseek(fd, 0,
		    SEEK_CUR));
	}
	(void)closedir(dir);
}

static void
add_signals(FILE *to)
{
	struct sigaction action;
	stack_t stack;

	for (int s = 1; s <= SIGRTMAX; s++) {
		if (sigaction(s, NULL, &action) != 0)
			continue; /* the C library's own */
		(void)fprintf(to, "signal %d: %p %x", s,
		    action.sa_handler == SIG_DFL ? NULL :
		    *(void **)&action.sa_handler,
		    (unsigned int)action.sa_flags);
		for (int blocked = 1; blocked <= SIGRTMAX; blocked++)
			if (sigismember(&action.sa_mask, blocked) == 1)
				(void)fprintf(to, " %d", blocked);
		(void)fputc('\n', to);
	}
	cr_assert_eq(sigaltstack(NULL, &stack), 0);
	(void)fprintf(to, "stack %p %x %zu\n", stack.ss_sp,
	    (unsigned int)stack.ss_flags, stack.ss_size);
}

static void
add_timers(FILE *to)
{
	static const int kinds[] = { ITIMER_REAL, ITIMER_VIRTUAL,
		ITIMER_PROF };
	struct itimerval timer;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		cr_assert_eq(getitimer(kinds[i], &timer), 0);
		(void)fprintf(to, "timer %d: %s, every %ld s\n", kinds[i],
		    timerisset(&timer.it_value) ? "on" : "off",
		    (long)timer.it_interval.tv_sec);
	}
	add_file(to, "/proc/self/timers", NULL);
}

static void
add_language(FILE *to)
{
	(void)fprintf(to, "locale %s, of the thread %d, point %s\n",
	    setlocale(LC_ALL, NULL), uselocale((locale_t)0) ==
	    LC_GLOBAL_LOCALE, localeconv()->decimal_point);
	(void)fprintf(to, "zone %s %s %ld\n", tzname[0], tzname[1], timezone);
	for (char **e = environ; *e != NULL; e++)
		(void)fprintf(to, "%s\n", *e);
}

static void
add_process(FILE *to)
{
	static const int options[] = { PR_GET_DUMPABLE, PR_GET_KEEPCAPS,
		PR_GET_TIMERSLACK, PR_GET_SECUREBITS };
	char name[PATH_MAX] = "";
	int number = -1;

	(void)fprintf(to, "cwd %s\n", getcwd(name, sizeof(name)));
	for (size_t i = 0; i < COUNT(options); i++)
		(void)fprintf(to, "prctl %d: %d\n", options[i],
		    prctl(options[i]));
	(void)prctl(PR_GET_PDEATHSIG, &number);
	(void)fprintf(to, "death signal %d\n", number);
	(void)prctl(PR_GET_CHILD_SUBREAPER, &number);
	(void)fprintf(to, "subreaper %d\n", number);
	(void)fprintf(to, "nice %d, rounding %d\n", getpriority(PRIO_PROCESS,
	    0), fegetround());
	(void)fprintf(to, "session %ld, group %ld\n", (long)getsid(0),
	    (long)getpgrp());
	(void)fprintf(to, "errors %lx to %lx\n", ERR_peek_error(),
	    ERR_peek_last_error());
}

/* All of it as one text, for a comparison that shows what differs. */
static char *
describe(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	cr_assert_not_null(to);
	add_file(to, "/proc/self/status", is_own);
	add_file(to, "/proc/self/limits", NULL);
	add_file(to, "/proc/self/oom_score_adj", NULL);
	add_file(to, "/proc/self/coredump_filter", NULL);
	add_file(to, "/proc/self/personality", NULL);
	add_file(to, "/proc/thread-self/children", NULL);
	add_descriptors(to);
	add_signals(to);
	add_timers(to);
	add_language(to);
	add_process(to);
	cr_assert_eq(fclose(to), 0);
	return text;
}

/* ---- a host with habits -------------------------------------------------- */

static void
ignore(int signal)
{
	(void)signal;
}

/* Nothing here is as it is when a program starts. */
static void
have_habits(void)
{
	static char stack[64 * 1024];
	const stack_t alternative = { .ss_sp = stack,
		.ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = ignore,
		.sa_flags = SA_RESTART | SA_ONSTACK };
	const struct itimerval hour = { .it_value = { .tv_sec = 3600 } };
	struct rlimit core;
	sigset_t some;

	(void)umask(027);
	cr_assert_eq(sigaltstack(&alternative, NULL), 0);
	cr_assert_eq(sigemptyset(&action.sa_mask), 0);
	cr_assert_eq(sigaddset(&action.sa_mask, SIGTERM), 0);
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	cr_assert_eq(sigaction(SIGPIPE, &action, NULL), 0);
	cr_assert_eq(sigaction(SIGXFSZ, &action, NULL), 0);
	cr_assert_neq(signal(SIGCHLD, SIG_IGN), SIG_ERR);
	cr_assert_eq(sigemptyset(&some), 0);
	cr_assert_eq(sigaddset(&some, SIGUSR2), 0);
	cr_assert_eq(sigaddset(&some, SIGXFSZ), 0);
	cr_assert_eq(sigprocmask(SIG_BLOCK, &some, NULL), 0);
	cr_assert_eq(raise(SIGUSR2), 0);	/* pending from now on */
	cr_assert_eq(raise(SIGXFSZ), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &hour, NULL), 0);
	cr_assert_eq(getrlimit(RLIMIT_CORE, &core), 0);
	core.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_CORE, &core), 0);
	cr_assert_not_null(setlocale(LC_ALL, "C.UTF-8"));
	cr_assert_eq(setenv("TZ", "XYZ-3:30", 1), 0);
	cr_assert_eq(setenv("FIRSTOPS_ID", "the host's", 1), 0);
	tzset();
	cr_assert_eq(prctl(PR_SET_NAME, "host"), 0);
	cr_assert_eq(prctl(PR_SET_TIMERSLACK, 60000UL), 0);
	cr_assert_eq(fesetround(FE_UPWARD), 0);
	cr_assert_eq(chdir("/usr"), 0);
	cr_assert_eq(lseek(open("/proc/self/exe", O_RDONLY), 7, SEEK_SET), 7);
	ERR_clear_error();
	ERR_raise(ERR_LIB_USER, OUR_REASON);
}

/* ---- its logins ---------------------------------------------------------- */

/* Every phase, for a login that is permitted, refused, or not tried. */
static void
log_in(int kind)
{
	static const int answers[] = { PAM_SUCCESS, PAM_AUTH_ERR,
		PAM_CRED_INSUFFICIENT };
	struct client client = { .way = kind == 2 ? CLIENT_SAYS : CLIENT_SIGNS,
		.text = "secret", .world = &w,
		.htu = kind == 1 ? "pam://elsewhere/sshd/deploy" : NULL };
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);
	const bool session = kind == 0 && geteuid() == 0;

	cr_assert_eq(world_phase(pam_authenticate, pamh, 0), answers[kind]);
	cr_assert_eq(world_phase(pam_acct_mgmt, pamh, 0),
	    kind == 0 ? PAM_SUCCESS : PAM_PERM_DENIED);
	(void)world_phase(pam_setcred, pamh, PAM_ESTABLISH_CRED);
	cr_assert_eq(world_phase(pam_open_session, pamh, 0) == PAM_SUCCESS,
	    session);
	cr_assert_eq(world_phase(pam_close_session, pamh, 0) == PAM_SUCCESS,
	    session);
	(void)world_phase(pam_setcred, pamh, PAM_DELETE_CRED);
	cr_assert_eq(pam_end(pamh, answers[kind]), PAM_SUCCESS);
}

static void
log_in_often(int times)
{
	for (int i = 0; i < times; i++)
		log_in(i % KINDS);
}

/* A line that one of two texts has and the other has not. */
static void
expect_same(char *before, char *after)
{
	char *a = before, *b = after, *one, *two;

	do {
		one = strsep(&a, "\n");
		two = strsep(&b, "\n");
		if (one == NULL || two == NULL || strcmp(one, two) != 0) {
			cr_expect_str_eq(two, one);
			break;
		}
	} while (a != NULL || b != NULL);
}

Test(guest, leaves_its_host_as_it_was_over_a_thousand_logins)
{
	char *before, *after;

	log_in_often(3); /* libpam and libcrypto are there from now on */
	have_habits();
	before = describe();
	log_in_often(LOGINS);
	after = describe();
	expect_same(before, after);
	cr_expect_eq(ERR_GET_REASON(ERR_get_error()), OUR_REASON);
	cr_expect_eq(ERR_get_error(), 0UL);
	free(before);
	free(after);
}

/* The numbers of a host that seeded its generators are its own. */
Test(guest, takes_no_number_from_the_generators_of_its_host)
{
	long number;
	int other;

	srandom(7);
	number = random();
	srand(7);
	other = rand();
	srandom(7);
	log_in_often(6);
	cr_expect_eq(random(), number);
	srand(7);
	log_in_often(6);
	cr_expect_eq(rand(), other);
}

/* ---- memory -------------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__

/* The sanitizer's own functions stay, and look for leaks by themselves. */
static size_t
heap_bytes(void)
{
	return 0;
}

#else

/* What glibc's own functions are called for those who replace them. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

/* Bytes in use in the whole program: mallinfo counts what is kept for later. */
static atomic_size_t in_use;

static size_t
heap_bytes(void)
{
	return atomic_load(&in_use);
}

static void *
counted(void *memory)
{
	if (memory != NULL)
		atomic_fetch_add(&in_use, malloc_usable_size(memory));

	return memory;
}

/* Seen by every library of the program. */
#pragma GCC visibility push(default)

void *
malloc(size_t size)
{
	return counted(__libc_malloc(size));
}

void *
calloc(size_t count, size_t size)
{
	return counted(__libc_calloc(count, size));
}

void *
realloc(void *old, size_t size)
{
	const size_t before = old != NULL ? malloc_usable_size(old) : 0;
	void *memory = __libc_realloc(old, size);

	if (memory != NULL || size == 0)
		atomic_fetch_sub(&in_use, before);
	return counted(memory);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return counted(__libc_memalign(alignment, size));
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *memory = aligned_alloc(alignment, size);

	if (memory == NULL)
		return ENOMEM;

	*ret = memory;
	return 0;
}

void
free(void *memory)
{
	if (memory != NULL)
		atomic_fetch_sub(&in_use, malloc_usable_size(memory));
	__libc_free(memory);
}

#pragma GCC visibility pop

#endif

/* Of each kind alone, so that what one leaves is not lost among the others. */
Test(guest, leaves_no_memory_behind)
{
	size_t before, after;

	log_in_often(WARM_UP);
	for (int kind = 0; kind < KINDS; kind++) {
		log_in(kind);
		before = heap_bytes();
		for (int i = 0; i < LOGINS_OF_A_KIND; i++)
			log_in(kind);
		after = heap_bytes();
		cr_expect(after <= before + NOISE_BYTES, "%zu bytes after "
		    "logins of kind %d, %zu before", after, kind, before);
	}
}

/* ---- syslog -------------------------------------------------------------- */

/* The last line that was sent; what came before is read away. */
static const char *
last_line(char *buf, size_t size)
{
	char next[2048];

	buf[0] = '\0';
	while (world_syslog(&w, next, sizeof(next))[0] != '\0')
		(void)snprintf(buf, size, "%s", next);
	return buf;
}

Test(guest, leaves_the_log_of_its_host_open_under_the_hosts_name)
{
	char line[2048], want[64], *before, *after;

	world_private_dev(&w);
	world_config(&w, "syslog");
	openlog("host", LOG_PID | LOG_NDELAY, LOG_LOCAL3);
	(void)setlogmask(LOG_UPTO(LOG_NOTICE));
	before = describe();
	for (int i = 0; i < LOGINS; i++) {
		log_in(i % KINDS);
		cr_expect_not_null(strstr(last_line(line, sizeof(line)),
		    "pam_firstops["), "%s", line);
	}
	after = describe();
	expect_same(before, after);
	cr_expect_eq(setlogmask(0), LOG_UPTO(LOG_NOTICE));
	syslog(LOG_INFO, "nobody is to read this");
	syslog(LOG_NOTICE, "still here");
	(void)snprintf(want, sizeof(want), "host[%ld]: still here",
	    (long)getpid());
	cr_expect_not_null(strstr(last_line(line, sizeof(line)), want), "%s",
	    line);
	(void)snprintf(want, sizeof(want), "<%d>", LOG_LOCAL3 | LOG_NOTICE);
	cr_expect_eq(strncmp(line, want, strlen(want)), 0, "%s", line);
	closelog();
	free(before);
	free(after);
}
