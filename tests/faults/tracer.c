/*
 * One system call of a traced process goes wrong, or the process is stopped
 * at it.
 */
#include "tracer.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the registers of system calls are known for x86-64 only"
#endif

#define SYSCALL_STOP (SIGTRAP | 0x80)

/* What the first arguments of a call are. */
typedef enum shape {
	OTHER,
	FD,		/* a descriptor */
	PATH,		/* a path */
	FD_PATH,	/* a folder's descriptor and a path in it */
	FD_LENGTH,	/* a descriptor, memory, a length that can be cut */
	LENGTH		/* memory and such a length */
} shape;

static const struct call {
	long number;
	const char *name;
	shape form;
} calls[] = {
	{ SYS_access, "access", PATH },
	{ SYS_brk, "brk", OTHER },
	{ SYS_clock_gettime, "clock_gettime", OTHER },
	{ SYS_close, "close", FD },
	{ SYS_connect, "connect", FD },
	{ SYS_dup, "dup", FD },
	{ SYS_faccessat, "faccessat", FD_PATH },
	{ SYS_fchmod, "fchmod", FD },
	{ SYS_fchmodat, "fchmodat", FD_PATH },
	{ SYS_fchown, "fchown", FD },
	{ SYS_fcntl, "fcntl", FD },
	{ SYS_flock, "flock", FD },
	{ SYS_fstat, "fstat", FD },
	{ SYS_ftruncate, "ftruncate", FD },
	{ SYS_futex, "futex", OTHER },
	{ SYS_getdents64, "getdents64", FD },
	{ SYS_getegid, "getegid", OTHER },
	{ SYS_geteuid, "geteuid", OTHER },
	{ SYS_getgid, "getgid", OTHER },
	{ SYS_getpid, "getpid", OTHER },
	{ SYS_getrandom, "getrandom", LENGTH },
	{ SYS_gettid, "gettid", OTHER },
	{ SYS_getuid, "getuid", OTHER },
	{ SYS_linkat, "linkat", FD_PATH },
	{ SYS_lseek, "lseek", FD },
	{ SYS_madvise, "madvise", OTHER },
	{ SYS_mkdirat, "mkdirat", FD_PATH },
	{ SYS_mknodat, "mknodat", FD_PATH },
	{ SYS_mmap, "mmap", OTHER },
	{ SYS_mprotect, "mprotect", OTHER },
	{ SYS_mremap, "mremap", OTHER },
	{ SYS_munmap, "munmap", OTHER },
	{ SYS_newfstatat, "newfstatat", FD_PATH },
	{ SYS_openat, "openat", FD_PATH },
	{ SYS_poll, "poll", OTHER },
	{ SYS_pread64, "pread64", FD_LENGTH },
	{ SYS_prlimit64, "prlimit64", OTHER },
	{ SYS_pwrite64, "pwrite64", FD_LENGTH },
	{ SYS_read, "read", FD_LENGTH },
	{ SYS_readlink, "readlink", PATH },
	{ SYS_readlinkat, "readlinkat", FD_PATH },
	{ SYS_renameat, "renameat", FD_PATH },
	{ SYS_renameat2, "renameat2", FD_PATH },
	{ SYS_rt_sigaction, "rt_sigaction", OTHER },
	{ SYS_rt_sigpending, "rt_sigpending", OTHER },
	{ SYS_rt_sigprocmask, "rt_sigprocmask", OTHER },
	{ SYS_sendmsg, "sendmsg", FD },
	{ SYS_sendto, "sendto", FD },
	{ SYS_socket, "socket", OTHER },
	{ SYS_sysinfo, "sysinfo", OTHER },
	{ SYS_uname, "uname", OTHER },
	{ SYS_unlinkat, "unlinkat", FD_PATH },
	{ SYS_write, "write", FD_LENGTH },
};

typedef struct user_regs_struct registers;

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

/* ---- naming a call ------------------------------------------------------- */

static const struct call *
find_call(unsigned long number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == (long)number)
			return &calls[i];

	return NULL;
}

/* What a descriptor of the process leads to. */
static void
name_fd(pid_t pid, int fd, char ret[PATH_MAX])
{
	char link[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), fd == -100 ? "/proc/%d/cwd" :
	    "/proc/%d/fd/%d", (int)pid, fd);
	n = readlink(link, ret, PATH_MAX - 1);
	ret[n > 0 ? n : 0] = '\0';
}

/* A text in the process's memory, read up to the end of its page at least. */
static void
read_text(pid_t pid, unsigned long long address, char ret[PATH_MAX])
{
	const unsigned long long page = 4096;
	const struct iovec here = { ret, PATH_MAX - 1 };
	const struct iovec there[] = {
		{ (void *)address, page - address % page },
		{ (void *)(address - address % page + page), page }
	};
	ssize_t n = process_vm_readv(pid, &here, 1, there, 2, 0);

	if (n < 0)
		n = process_vm_readv(pid, &here, 1, there, 1, 0);
	ret[n > 0 ? n : 0] = '\0';
}

static void
name_call(pid_t pid, const registers *regs, void (*tell)(const char *))
{
	const struct call *call = find_call(regs->orig_rax);
	const shape form = call != NULL ? call->form : OTHER;
	char folder[PATH_MAX] = "", path[PATH_MAX] = "";
	char text[2 * PATH_MAX + 64];

	if (form == FD || form == FD_LENGTH || form == FD_PATH)
		name_fd(pid, (int)regs->rdi, folder);
	if (form == PATH || form == FD_PATH)
		read_text(pid, form == PATH ? regs->rdi : regs->rsi, path);
	if (path[0] == '/')
		folder[0] = '\0';
	if (call == NULL)
		(void)snprintf(text, sizeof(text), "call-%llu -",
		    regs->orig_rax);
	else
		(void)snprintf(text, sizeof(text), "%s %s%s%s", call->name,
		    folder[1] == '\0' && path[0] != '\0' ? "" : folder,
		    path[0] != '\0' && path[0] != '/' ? "/" : "", path);
	tell(text);
}

/* ---- changing one -------------------------------------------------------- */

/* The register of the length that can be cut, or NULL. */
static unsigned long long *
length_of(registers *regs)
{
	const struct call *call = find_call(regs->orig_rax);

	if (call != NULL && call->form == FD_LENGTH)
		return &regs->rdx;
	if (call != NULL && call->form == LENGTH)
		return &regs->rsi;
	return NULL;
}

static void
get_registers(pid_t pid, registers *regs)
{
	if (ptrace(PTRACE_GETREGS, pid, NULL, regs) != 0)
		die("PTRACE_GETREGS");
}

static void
set_registers(pid_t pid, const registers *regs)
{
	if (ptrace(PTRACE_SETREGS, pid, NULL, regs) != 0)
		die("PTRACE_SETREGS");
}

/* The call that is hit is about to be made. */
static void
hit_before(pid_t pid, const struct fault *fault, registers *regs)
{
	registers changed = *regs;
	unsigned long long *length = length_of(&changed);

	name_call(pid, regs, fault->hit);
	if (fault->kind == FAULT_ERROR) {
		changed.orig_rax = (unsigned long long)-1; /* no call */
	} else if (fault->kind == FAULT_SHORT && length != NULL &&
	    *length > (unsigned long long)fault->value) {
		*length = (unsigned long long)fault->value;
	} else if (fault->kind == FAULT_BEFORE) {
		fault->stopped();
	}
	set_registers(pid, &changed);
}

/* It has been made, or was kept from it. before: as it was called. */
static void
hit_after(pid_t pid, const struct fault *fault, const registers *before)
{
	registers regs;

	get_registers(pid, &regs);
	regs.rdx = before->rdx;
	regs.rsi = before->rsi;
	if (fault->kind == FAULT_ERROR)
		regs.rax = (unsigned long long)-fault->value;
	set_registers(pid, &regs);
	if (fault->kind == FAULT_AFTER)
		fault->stopped();
}

/* ---- the process --------------------------------------------------------- */

void
tracer_follow(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		die("PTRACE_TRACEME");
	(void)raise(SIGSTOP);
}

void
tracer_window(bool open)
{
	(void)open; /* the tracer knows: it is told in turn */
	__asm__ volatile("int3");
}

static int
next_stop(pid_t pid, int how, int sig)
{
	int status;

	if (ptrace(how, pid, NULL, (long)sig) != 0 && errno != ESRCH)
		die("ptrace");
	if (waitpid(pid, &status, __WALL) != pid)
		die("waitpid");

	return status;
}

/* The vDSO tells the time, and asks the kernel only now and then. */
static bool
is_counted(const registers *regs)
{
	return regs->orig_rax != SYS_clock_gettime &&
	    regs->orig_rax != SYS_gettimeofday && regs->orig_rax != SYS_time;
}

int
tracer_run(pid_t pid, const struct fault *fault)
{
	registers regs = { 0 };
	bool open = false, entered = false, counted = false;
	int status, sig = 0;
	long count = 0;

	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) != 0)
		die("PTRACE_SETOPTIONS");
	for (;;) {
		status = next_stop(pid, open ? PTRACE_SYSCALL : PTRACE_CONT,
		    sig);
		sig = 0;
		if (!WIFSTOPPED(status))
			return status;
		if (WSTOPSIG(status) == SIGTRAP) {
			open = !open;
			if (open && fault->kind == FAULT_LIST)
				fault->hit("window ");
		} else if (WSTOPSIG(status) != SYSCALL_STOP) {
			sig = WSTOPSIG(status);
		} else if ((entered = !entered)) {
			get_registers(pid, &regs);
			counted = is_counted(&regs);
			if (!counted)
				continue;
			count++;
			if (fault->kind == FAULT_LIST)
				name_call(pid, &regs, fault->hit);
			else if (count == fault->at)
				hit_before(pid, fault, &regs);
		} else if (counted && count == fault->at) {
			hit_after(pid, fault, &regs);
		}
	}
}
