/*
 * What the signer's process cannot do any more: each attempt in a process of
 * its own, which has the filter.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "signer/sandbox.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOBODY 65534

/* An attempt: 0, or the errno that it ended with. */
typedef int attempt(void);

static int
error_if(int failed)
{
	return failed ? errno : 0;
}

static int
run_a_program(void)
{
	return error_if(execl("/bin/true", "true", (char *)NULL) == -1);
}

static int
run_by_descriptor(void)
{
	char empty[] = "", *const none[] = { empty, NULL };

	return error_if(syscall(SYS_execveat, -1, "/bin/true", none, none, 0)
	    == -1);
}

#ifdef SYS_fork	/* newer processors have clone alone */
static int
make_a_process(void)
{
	return error_if(syscall(SYS_fork) == -1);
}
#endif

static int
copy_itself(void)
{
	return error_if(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0) ==
	    -1);
}

static int
trace(void)
{
	return error_if(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1);
}

static int
read_another(void)
{
	return error_if(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL,
	    0, 0) == -1);
}

static int
open_a_file(void)
{
	return error_if(open("/dev/null", O_RDONLY) == -1);
}

static int
write_a_file(void)
{
	return error_if(open("/dev/null", O_WRONLY) == -1);
}

static int
make_a_socket(void)
{
	return error_if(socket(AF_UNIX, SOCK_STREAM, 0) == -1);
}

static int
connect_somewhere(void)
{
	return error_if(connect(0, NULL, 0) == -1);
}

static int
send_a_signal(void)
{
	return error_if(kill(getppid(), 0) == -1);
}

static int
map_code(void)
{
	return error_if(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
}

static int
turn_data_into_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	return error_if(mprotect(p, 4096, PROT_READ | PROT_EXEC) == -1);
}

static int
load_a_library(void)
{
	/* libc's own, so it is there, and nothing is linked with it */
	return dlopen("libBrokenLocale.so.1", RTLD_NOW) != NULL ? 0 : EPERM;
}

static int
allow_dumps(void)
{
	return error_if(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1);
}

static int
allow_cores(void)
{
	const struct rlimit some = { 4096, 4096 };

	return error_if(setrlimit(RLIMIT_CORE, &some) == -1);
}

static int
enter_a_namespace(void)
{
	return error_if(syscall(SYS_unshare, CLONE_NEWUSER) == -1);
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
start_a_thread(void)
{
	pthread_t thread;
	const int e = pthread_create(&thread, NULL, nothing, NULL);

	if (e == 0)
		(void)pthread_join(thread, NULL);
	return e;
}

static int
take_memory(void)
{
	void *p = malloc(4 * 1024 * 1024);

	if (p == NULL)
		return ENOMEM;
	memset(p, 1, 4096);
	free(p);
	return 0;
}

/* With the filter: its errno, or 1000 and the signal that ended it. */
static int
tried(attempt *what, bool devices)
{
	int status = 0;
	pid_t pid;

	cr_assert_geq(pid = fork(), 0);
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };

		(void)setrlimit(RLIMIT_CORE, &none);
		_exit(sandbox_calls(devices, NULL) == FO_OK ? what() : 200);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) :
	    WEXITSTATUS(status);
}

#define ENDED (1000 + SIGSYS)

static const struct {
	const char *what;
	attempt *attempt;
	int alone, with_devices;
} attempts[] = {
	{ "a program", run_a_program, ENDED, ENDED },
	{ "a program by its descriptor", run_by_descriptor, ENDED, ENDED },
#ifdef SYS_fork
	{ "a process", make_a_process, ENDED, ENDED },
#endif
	{ "a copy", copy_itself, ENDED, EPERM },
	{ "tracing", trace, ENDED, ENDED },
	{ "reading another's memory", read_another, ENDED, ENDED },
	{ "reading a file", open_a_file, EPERM, 0 },
	{ "writing a file", write_a_file, EPERM, 0 },
	{ "a socket", make_a_socket, ENDED, 0 },
	{ "connecting", connect_somewhere, ENDED, ENOTSOCK },
	{ "a signal", send_a_signal, EPERM, EPERM },
	{ "new code", map_code, EPERM, EPERM },
	{ "code out of data", turn_data_into_code, EPERM, EPERM },
	{ "a library", load_a_library, EPERM, EPERM },
	{ "core dumps", allow_dumps, EPERM, EPERM },
	{ "a limit of cores", allow_cores, EPERM, EPERM },
	{ "a namespace", enter_a_namespace, EPERM, EPERM },
	{ "a thread", start_a_thread, ENDED, 0 },
	{ "memory", take_memory, 0, 0 },
};

Test(sandbox, ends_or_refuses_what_serving_clients_does_not_take)
{
	if (FIRSTOPS_INSTRUMENTED)
		cr_skip_test("this build has no filter");
	for (size_t i = 0; i < COUNT(attempts); i++) {
		cr_expect_eq(tried(attempts[i].attempt, false),
		    attempts[i].alone, "%s", attempts[i].what);
		cr_expect_eq(tried(attempts[i].attempt, true),
		    attempts[i].with_devices, "%s, with devices",
		    attempts[i].what);
	}
}

Test(sandbox, each_attempt_works_without_it)
{
	/* else the one above shows nothing */
	cr_expect_eq(open_a_file(), 0);
	cr_expect_eq(make_a_socket(), 0);
	cr_expect_eq(send_a_signal(), 0);
	cr_expect_eq(map_code(), 0);
	cr_expect_eq(turn_data_into_code(), 0);
	cr_expect_eq(load_a_library(), 0);
	cr_expect_eq(allow_dumps(), 0);
	cr_expect_eq(start_a_thread(), 0);
	cr_expect_eq(take_memory(), 0);
}

Test(sandbox, turns_core_dumps_off_and_locks_what_keys_are_in)
{
	struct rlimit core = { 1, 1 };
	struct fo_diag diag = { "" };

	cr_assert_eq(sandbox_memory(&diag), FO_OK, "%s", diag.text);
	cr_expect_eq(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	cr_assert_eq(getrlimit(RLIMIT_CORE, &core), 0);
	cr_expect_eq(core.rlim_cur, 0);
	cr_expect_eq(core.rlim_max, 0);
}

Test(sandbox, does_not_go_on_where_no_memory_can_be_locked)
{
	const struct rlimit little = { 4096, 4096 };
	struct fo_diag diag = { "" };

	cr_assert_eq(setrlimit(RLIMIT_MEMLOCK, &little), 0);
	/* root may lock as much as there is */
	if (geteuid() == 0)
		cr_assert_eq(setresuid(NOBODY, NOBODY, NOBODY), 0);
	cr_expect_eq(sandbox_memory(&diag), FO_ERR_NOMEM);
	cr_expect_not_null(strstr(diag.text, "RLIMIT_MEMLOCK"));
}
