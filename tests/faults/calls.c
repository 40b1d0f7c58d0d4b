/*
 * Run a program and disturb its system calls: one can be the last thing that
 * it does, or fail without having been made.
 *
 *   calls [-o LOG] [-e NAME=ERRNO] [-n N=ERRNO] [-k N | -K N] -- COMMAND...
 *
 *   -o  one line a call: number, name, result, what its descriptor is, paths
 *   -e  every call of that name fails with that number of errno
 *   -n  the Nth call fails, the first after execve being number 1
 *   -k  the program is killed before the Nth call is made
 *   -K  it is killed right after
 *
 * Exit code: the program's; 137 if it was killed; 125 if it cannot be run.
 */
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <sys/reg.h>
#elif !defined(__aarch64__)
#error "write skip_call and set_result for this processor"
#endif

#define EXIT_OURS 125
#define EXIT_KILLED 137
#define FAILURES_MAX 8
#define PATH_ARGS 2

/* A call that has a name here; fd and path are which argument, or -1. */
struct call {
	uint64_t number;
	const char *name;
	int fd;
	int path[PATH_ARGS];
};

static const struct call calls[] = {
	{ SYS_openat, "openat", 0, { 1, -1 } },
	{ SYS_close, "close", 0, { -1, -1 } },
	{ SYS_read, "read", 0, { -1, -1 } },
	{ SYS_pread64, "pread64", 0, { -1, -1 } },
	{ SYS_write, "write", 0, { -1, -1 } },
	{ SYS_pwrite64, "pwrite64", 0, { -1, -1 } },
	{ SYS_lseek, "lseek", 0, { -1, -1 } },
	{ SYS_fstat, "fstat", 0, { -1, -1 } },
	{ SYS_newfstatat, "newfstatat", 0, { 1, -1 } },
	{ SYS_getdents64, "getdents64", 0, { -1, -1 } },
	{ SYS_readlinkat, "readlinkat", 0, { 1, -1 } },
	{ SYS_fcntl, "fcntl", 0, { -1, -1 } },
	{ SYS_flock, "flock", 0, { -1, -1 } },
	{ SYS_fsync, "fsync", 0, { -1, -1 } },
	{ SYS_ftruncate, "ftruncate", 0, { -1, -1 } },
	{ SYS_fchmod, "fchmod", 0, { -1, -1 } },
	{ SYS_fchown, "fchown", 0, { -1, -1 } },
	{ SYS_mkdirat, "mkdirat", 0, { 1, -1 } },
	{ SYS_mknodat, "mknodat", 0, { 1, -1 } },
	{ SYS_symlinkat, "symlinkat", 1, { 0, 2 } },
	{ SYS_linkat, "linkat", 0, { 1, 3 } },
	{ SYS_renameat2, "renameat2", 0, { 1, 3 } },
	{ SYS_unlinkat, "unlinkat", 0, { 1, -1 } },
#ifdef SYS_renameat
	{ SYS_renameat, "renameat", 0, { 1, 3 } },
#endif
#ifdef SYS_unlink
	{ SYS_unlink, "unlink", -1, { 0, -1 } },
#endif
	{ SYS_socket, "socket", -1, { -1, -1 } },
	{ SYS_connect, "connect", 0, { -1, -1 } },
	{ SYS_sendmsg, "sendmsg", 0, { -1, -1 } },
	{ SYS_getrandom, "getrandom", -1, { -1, -1 } },
	{ SYS_rt_sigaction, "rt_sigaction", -1, { -1, -1 } },
};

/* What fails: a name, or a number. */
struct failure {
	const char *name;
	long number;
	long error;
};

struct plan {
	FILE *log;
	struct failure failures[FAILURES_MAX];
	size_t failures_count;
	long kill_before;	/* 0: none */
	long kill_after;
};

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "calls: %s: %s\n", what, strerror(errno));
	exit(EXIT_OURS);
}

/* ---- the processor ------------------------------------------------------ */

#if defined(__x86_64__)

/* At its entry: make no call at all. */
static void
skip_call(pid_t pid)
{
	if (ptrace(PTRACE_POKEUSER, pid, sizeof(long) * ORIG_RAX, -1L) != 0)
		die("skip");
}

/* At its exit: what the program sees. */
static void
set_result(pid_t pid, long result)
{
	if (ptrace(PTRACE_POKEUSER, pid, sizeof(long) * RAX, result) != 0)
		die("result");
}

#else

static void
skip_call(pid_t pid)
{
	int number = -1;
	struct iovec part = { &number, sizeof(number) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part) != 0)
		die("skip");
}

static void
set_result(pid_t pid, long result)
{
	uint64_t regs[34];	/* x0 to x30, sp, pc, pstate */
	struct iovec part = { regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part) != 0)
		die("registers");
	regs[0] = (uint64_t)result;
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part) != 0)
		die("result");
}

#endif

/* ---- the log ------------------------------------------------------------ */

static const struct call *
call_of(uint64_t number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return &calls[i];

	return NULL;
}

/* A text of the program; cut at the end of its page if it is not whole. */
static void
read_text(pid_t pid, uint64_t address, char ret[PATH_MAX])
{
	struct iovec to = { ret, PATH_MAX - 1 };
	struct iovec from = { (void *)(uintptr_t)address, PATH_MAX - 1 };
	ssize_t n = process_vm_readv(pid, &to, 1, &from, 1, 0);

	if (n < 0) {
		from.iov_len = 4096 - address % 4096;
		n = process_vm_readv(pid, &to, 1, &from, 1, 0);
	}
	ret[n < 0 ? 0 : n] = '\0';
}

/* All but the result, which is not there yet. */
static void
log_entry(FILE *log, pid_t pid, long n, const struct call *call,
    const uint64_t args[6])
{
	char link[64], text[PATH_MAX] = "-";
	ssize_t len;

	fprintf(log, "%ld\t%s\t", n, call != NULL ? call->name : "-");
	if (call != NULL && call->fd >= 0) {
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid,
		    (int)args[call->fd]);
		len = readlink(link, text, sizeof(text) - 1);
		snprintf(text + (len < 0 ? 0 : len), 2, "%s",
		    len < 0 ? "-" : "");
	}
	fprintf(log, "%s", text);
	for (int i = 0; call != NULL && i < PATH_ARGS; i++) {
		if (call->path[i] < 0)
			continue;
		read_text(pid, args[call->path[i]], text);
		fprintf(log, "\t%s", text);
	}
}

/* ---- running ------------------------------------------------------------ */

/* With what a call is to fail, or 0. */
static long
error_of(const struct plan *plan, long n, const struct call *call)
{
	const struct failure *f;

	for (size_t i = 0; i < plan->failures_count; i++) {
		f = &plan->failures[i];
		if (f->name == NULL ? f->number == n :
		    call != NULL && strcmp(f->name, call->name) == 0)
			return f->error;
	}
	return 0;
}

/* Go on to the next stop at a call; the exit code if there is none. */
static int
next_stop(pid_t pid, int signal)
{
	int status;

	if (ptrace(PTRACE_SYSCALL, pid, 0, signal) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		die("wait");
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	if (WSTOPSIG(status) == (SIGTRAP | 0x80))
		return -1;

	return next_stop(pid, WSTOPSIG(status) == SIGTRAP ? 0 :
	    WSTOPSIG(status));
}

static int
end_it(pid_t pid)
{
	int status;

	if (kill(pid, SIGKILL) != 0)
		die("kill");
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		;
	return EXIT_KILLED;
}

/* From stop to stop; the child has stopped itself before its execve. */
static int
watch(pid_t pid, const struct plan *plan)
{
	struct ptrace_syscall_info info;
	const struct call *call;
	long n = -1, error;
	int code;

	while ((code = next_stop(pid, 0)) == -1) {
		n++; /* execve is number 0 */
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
		    &info) < (long)sizeof(info.entry))
			die("what call");
		call = call_of(info.entry.nr);
		if (plan->log != NULL)
			log_entry(plan->log, pid, n, call,
			    (const uint64_t *)info.entry.args);
		if (n > 0 && n == plan->kill_before)
			return end_it(pid);
		if ((error = n > 0 ? error_of(plan, n, call) : 0) != 0)
			skip_call(pid);
		if ((code = next_stop(pid, 0)) != -1) {
			if (plan->log != NULL)
				fprintf(plan->log, "\t?\n");
			break;
		}
		if (error != 0)
			set_result(pid, -error);
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
		    &info) < 0)
			die("what result");
		if (plan->log != NULL)
			fprintf(plan->log, "\t%lld\n",
			    (long long)info.exit.rval);
		if (n > 0 && n == plan->kill_after)
			return end_it(pid);
	}
	return code;
}

static int
run(char **argv, const struct plan *plan)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
	const pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 &&
		    raise(SIGSTOP) == 0)
			execv(argv[0], argv);
		_exit(EXIT_OURS);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, options) != 0)
		die("trace");

	return watch(pid, plan);
}

/* "57=5" or "fsync=28". */
static void
add_failure(struct plan *plan, char *text, bool by_name)
{
	char *equals = strchr(text, '=');
	struct failure *f;

	if (equals == NULL || plan->failures_count == FAILURES_MAX) {
		errno = EINVAL;
		die(text);
	}
	f = &plan->failures[plan->failures_count++];
	*equals = '\0';
	f->name = by_name ? text : NULL;
	f->number = by_name ? -1 : strtol(text, NULL, 10);
	f->error = strtol(equals + 1, NULL, 10);
}

int
main(int argc, char **argv)
{
	struct plan plan = { .log = NULL };
	int option, code;

	while ((option = getopt(argc, argv, "+o:e:n:k:K:")) != -1) {
		switch (option) {
		case 'o':
			if ((plan.log = fopen(optarg, "we")) == NULL)
				die(optarg);
			break;
		case 'e':
		case 'n':
			add_failure(&plan, optarg, option == 'e');
			break;
		case 'k':
			plan.kill_before = strtol(optarg, NULL, 10);
			break;
		case 'K':
			plan.kill_after = strtol(optarg, NULL, 10);
			break;
		default:
			return EXIT_OURS;
		}
	}
	if (optind == argc)
		return EXIT_OURS;
	code = run(argv + optind, &plan);
	if (plan.log != NULL && fclose(plan.log) != 0)
		die("log");

	return code;
}
