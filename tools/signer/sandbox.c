/*
 * Limits of the process: memory that is not swapped and not dumped, and
 * the few system calls that serving takes (seccomp).
 */
#include "sandbox.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <seccomp.h>

#include "base/diag.h"

/* Room for keys: libcrypto takes their private numbers from here. */
#define SECURE_BYTES 65536
#define SECURE_UNIT 32

/* All that serving clients takes, once sockets and keys are there. */
static const int wanted[] = {
	SCMP_SYS(accept4), SCMP_SYS(brk), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64), SCMP_SYS(close), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(fcntl), SCMP_SYS(fstat),
	SCMP_SYS(fstat64), SCMP_SYS(newfstatat), SCMP_SYS(futex),
	SCMP_SYS(getpid), SCMP_SYS(getrandom), SCMP_SYS(getsockopt),
	SCMP_SYS(gettid), SCMP_SYS(madvise), SCMP_SYS(mlock),
	SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect),
	SCMP_SYS(mremap), SCMP_SYS(munlock), SCMP_SYS(munmap),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(read),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
	SCMP_SYS(time), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
	SCMP_SYS(write),
	/* a TPM's driver or socket, opened before */
	SCMP_SYS(ioctl), SCMP_SYS(lseek),
};

/* Whoever tries these has been taken over. */
static const int deadly[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2),
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(fork),
	SCMP_SYS(vfork), SCMP_SYS(clone), SCMP_SYS(clone3),
};

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
	if (CRYPTO_secure_malloc_init(SECURE_BYTES, SECURE_UNIT) != 1) {
		fo_diag_set(diag, "memory for keys cannot be locked; raise "
		    "RLIMIT_MEMLOCK to %d bytes or more", SECURE_BYTES * 2);
		return FO_ERR_NOMEM;
	}
	if (getrlimit(RLIMIT_MEMLOCK, &lock) == 0) {
		lock.rlim_cur = lock.rlim_max;
		(void)setrlimit(RLIMIT_MEMLOCK, &lock);
	}
	/*
	 * The rest, too, where all of it may be: requests with a key in them.
	 * MCL_FUTURE alone would make memory run out at the limit.
	 */
	if (lock.rlim_max == RLIM_INFINITY)
		(void)mlockall(MCL_CURRENT | MCL_FUTURE);

	return FO_OK;
}

fo_err
sandbox_calls(struct fo_diag *diag)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int bad = filter == NULL ? -ENOMEM : 0;

	for (size_t i = 0; bad == 0 && i < sizeof(wanted) / sizeof(wanted[0]);
	    i++)
		bad = seccomp_rule_add(filter, SCMP_ACT_ALLOW, wanted[i], 0);
	for (size_t i = 0; bad == 0 && i < sizeof(deadly) / sizeof(deadly[0]);
	    i++)
		bad = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS,
		    deadly[i], 0);
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
