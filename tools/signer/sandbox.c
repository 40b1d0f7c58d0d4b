/*
 * Limits of the process: memory that is wiped, not swapped and not dumped, and
 * the few system calls that serving takes (seccomp).
 */
#include "sandbox.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <seccomp.h>

#include "base/diag.h"
#include "base/wipe.h"

/* Room for keys: libcrypto takes their private numbers from here. */
#define SECURE_BYTES 65536
#define SECURE_UNIT 32

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- memory ------------------------------------------------------------- */

/*
 * libcrypto wipes what it calls secret, and not what a decoder copied of it on
 * the way. These stand for its allocator: nothing goes back unwiped.
 */
static void *
take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void
give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		fo_wipe(p, malloc_usable_size(p));
	free(p);
}

static void *
take_anew(void *p, size_t n, const char *file, int line)
{
	const size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *more;

	if (n == 0 || (more = malloc(n)) == NULL) {
		if (n == 0)
			give_back(p, file, line);
		return NULL;
	}
	if (p != NULL)
		memcpy(more, p, had < n ? had : n);
	give_back(p, file, line);
	return more;
}

bool
sandbox_begin(void)
{
	return CRYPTO_set_mem_functions(take, take_anew, give_back) == 1;
}

fo_err
sandbox_memory(struct fo_diag *diag)
{
	const struct rlimit none = { 0, 0 };
	struct rlimit lock = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		fo_diag_set(diag, "core dumps cannot be turned off: %s",
		    strerror(errno));
		return FO_ERR_IO;
	}
	if (getrlimit(RLIMIT_MEMLOCK, &lock) == 0) {
		lock.rlim_cur = lock.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &lock);
	}
	if (CRYPTO_secure_malloc_init(SECURE_BYTES, SECURE_UNIT) != 1) {
		fo_diag_set(diag, "memory for keys cannot be locked; raise "
		    "RLIMIT_MEMLOCK to %d bytes or more", SECURE_BYTES * 2);
		return FO_ERR_NOMEM;
	}
	/*
	 * The rest, too, where all of it may be: requests with a key in them.
	 * MCL_FUTURE alone would make memory run out at the limit.
	 */
	if (lock.rlim_max == RLIM_INFINITY)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE);

	return FO_OK;
}

/* ---- system calls ------------------------------------------------------- */

/* All that serving clients takes, once sockets and keys are there. */
static const int wanted[] = {
	SCMP_SYS(accept4), SCMP_SYS(brk), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64), SCMP_SYS(close), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(fcntl), SCMP_SYS(fcntl64),
	SCMP_SYS(fstat), SCMP_SYS(fstat64), SCMP_SYS(fstatat64),
	SCMP_SYS(futex), SCMP_SYS(getpid), SCMP_SYS(getrandom),
	SCMP_SYS(getrlimit), SCMP_SYS(prlimit64), SCMP_SYS(ugetrlimit),
	SCMP_SYS(getsockopt), SCMP_SYS(gettid), SCMP_SYS(madvise),
	SCMP_SYS(mlock), SCMP_SYS(mremap), SCMP_SYS(munlock),
	SCMP_SYS(munmap), SCMP_SYS(newfstatat), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(read),
	SCMP_SYS(recv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(send),
	SCMP_SYS(sendmsg), SCMP_SYS(sendto), SCMP_SYS(stat64),
	SCMP_SYS(lstat), SCMP_SYS(time), SCMP_SYS(unlink),
	SCMP_SYS(unlinkat), SCMP_SYS(write),
	/* fstat and futex with times of 64 bits, where a long has 32 */
	SCMP_SYS(statx), SCMP_SYS(futex_time64),
};

/* What drivers of devices take beside that, which we cannot know one by one. */
static const int wanted_by_devices[] = {
	SCMP_SYS(access), SCMP_SYS(bind), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(connect), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(eventfd2), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(fchmod), SCMP_SYS(fdatasync),
	SCMP_SYS(flock), SCMP_SYS(fstatfs), SCMP_SYS(fsync),
	SCMP_SYS(ftruncate), SCMP_SYS(getcwd), SCMP_SYS(getdents64),
	SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getpeername), SCMP_SYS(getppid), SCMP_SYS(getsockname),
	SCMP_SYS(gettimeofday), SCMP_SYS(getuid), SCMP_SYS(ioctl),
	SCMP_SYS(lseek), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
	SCMP_SYS(nanosleep), SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(pipe2), SCMP_SYS(pread64), SCMP_SYS(pselect6),
	SCMP_SYS(pwrite64), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(readv), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(rmdir), SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_yield),
	SCMP_SYS(select), SCMP_SYS(set_robust_list), SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown), SCMP_SYS(socket), SCMP_SYS(socketpair),
	SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(sysinfo),
	SCMP_SYS(umask), SCMP_SYS(uname), SCMP_SYS(writev),
	/* the same where a long has 32 bits */
	SCMP_SYS(_llseek), SCMP_SYS(_newselect),
	SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(fstatfs64),
	SCMP_SYS(ftruncate64), SCMP_SYS(getegid32), SCMP_SYS(geteuid32),
	SCMP_SYS(getgid32), SCMP_SYS(getuid32), SCMP_SYS(pselect6_time64),
	SCMP_SYS(statfs64),
};

/* Whoever tries these has been taken over. */
static const int deadly[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(fork), SCMP_SYS(vfork),
};

/* These as well, but for the driver of a device. */
static const int deadly_without_devices[] = {
	SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(connect),
	SCMP_SYS(socket),
};

static int
add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t n)
{
	int bad = 0;

	for (size_t i = 0; bad == 0 && i < n; i++)
		bad = seccomp_rule_add(filter, action, calls[i], 0);
	return bad;
}

/* Memory, but none that holds code: so nothing is loaded any more, either. */
static int
allow_data(scmp_filter_ctx filter)
{
	static const int calls[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2),
		SCMP_SYS(mprotect) };
	int bad = 0;

	for (size_t i = 0; bad == 0 && i < COUNT(calls); i++)
		bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return bad;
}

/* Threads of a driver, but no process. Without clone3 libc takes clone. */
static int
allow_devices(scmp_filter_ctx filter)
{
	int bad;

	if ((bad = add_all(filter, SCMP_ACT_ALLOW, wanted_by_devices,
	    COUNT(wanted_by_devices))) == 0 &&
	    (bad = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
	    SCMP_SYS(clone3), 0)) == 0)
		bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone),
		    1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD,
		    CLONE_THREAD));
	return bad;
}

fo_err
sandbox_calls(bool devices, struct fo_diag *diag)
{
	scmp_filter_ctx filter;
	int bad;

	/* what looks for leaks or counts lines opens files at the end */
	if (FIRSTOPS_INSTRUMENTED)
		return FO_OK;
	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if ((bad = filter == NULL ? -ENOMEM : 0) == 0)
		bad = add_all(filter, SCMP_ACT_ALLOW, wanted, COUNT(wanted));
	if (bad == 0)
		bad = add_all(filter, SCMP_ACT_KILL_PROCESS, deadly,
		    COUNT(deadly));
	if (bad == 0)
		bad = allow_data(filter);
	if (bad == 0)
		bad = devices ? allow_devices(filter) : add_all(filter,
		    SCMP_ACT_KILL_PROCESS, deadly_without_devices,
		    COUNT(deadly_without_devices));
	if (bad == 0)
		bad = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	if (bad != 0) {
		fo_diag_set(diag, "system calls cannot be restricted: %s",
		    strerror(-bad));
		return FO_ERR_IO;
	}

	return FO_OK;
}
