/*
 * Calls that fail by name.
 */
#include "failing.h"

#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define PLANS 4

static struct plan {
	const char *call;	/* NULL: none */
	int nth;
	int error;
	int calls;
} plans[PLANS];

void
failing(const char *call, int nth, int error)
{
	for (size_t i = 0; i < PLANS; i++) {
		if (plans[i].call != NULL && strcmp(plans[i].call, call) != 0)
			continue;
		plans[i] = (struct plan){ .call = call, .nth = nth,
			.error = error };
		return;
	}
	cr_assert_fail("more than %d calls are to fail", PLANS);
}

void
failing_none(void)
{
	memset(plans, 0, sizeof(plans));
}

int
failing_calls(const char *call)
{
	for (size_t i = 0; i < PLANS; i++)
		if (plans[i].call != NULL && strcmp(plans[i].call, call) == 0)
			return plans[i].calls;
	return 0;
}

static int
fails(const char *call)
{
	for (size_t i = 0; i < PLANS; i++) {
		struct plan *plan = &plans[i];

		if (plan->call == NULL || strcmp(plan->call, call) != 0)
			continue;
		plan->calls++;
		if (plan->nth != 0 && plan->nth != plan->calls)
			return 0;
		errno = plan->error;
		return 1;
	}
	return 0;
}

/* What a call returns whose turn it is. */
static int
failure(void)
{
	return errno == 0 ? 0 : -1;
}

#define WRAP(type, name, params, args)					\
	type __real_##name params;					\
	type __wrap_##name params;					\
	type								\
	__wrap_##name params						\
	{								\
		return fails(#name) ? failure() :			\
		    __real_##name args;					\
	}								\
	_Static_assert(1, "takes the semicolon")

WRAP(int, connect, (int fd, const struct sockaddr *to, socklen_t len),
    (fd, to, len));
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode));
WRAP(int, fchmodat, (int fd, const char *name, mode_t mode, int flags),
    (fd, name, mode, flags));
WRAP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid));
WRAP(int, flock, (int fd, int how), (fd, how));
WRAP(int, fstat, (int fd, struct stat *st), (fd, st));
WRAP(int, fstatat, (int fd, const char *name, struct stat *st, int flags),
    (fd, name, st, flags));
WRAP(int, fsync, (int fd), (fd));
WRAP(ssize_t, getrandom, (void *buf, size_t n, unsigned int flags),
    (buf, n, flags));
WRAP(int, linkat, (int from, const char *name, int to, const char *new,
    int flags), (from, name, to, new, flags));
WRAP(int, lstat, (const char *path, struct stat *st), (path, st));
WRAP(int, mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode));
WRAP(int, mknodat, (int fd, const char *name, mode_t mode, dev_t dev),
    (fd, name, mode, dev));
WRAP(int, poll, (struct pollfd *fds, nfds_t n, int ms), (fds, n, ms));
WRAP(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n));
WRAP(ssize_t, readlinkat, (int fd, const char *name, char *buf, size_t n),
    (fd, name, buf, n));
WRAP(ssize_t, recv, (int fd, void *buf, size_t n, int flags),
    (fd, buf, n, flags));
WRAP(int, renameat, (int from, const char *name, int to, const char *new),
    (from, name, to, new));
WRAP(int, renameat2, (int from, const char *name, int to, const char *new,
    unsigned int flags), (from, name, to, new, flags));
WRAP(ssize_t, send, (int fd, const void *buf, size_t n, int flags),
    (fd, buf, n, flags));
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),
    (fd, message, flags));
WRAP(int, socket, (int family, int type, int protocol),
    (family, type, protocol));
WRAP(int, symlinkat, (const char *text, int fd, const char *name),
    (text, fd, name));
WRAP(int, unlinkat, (int fd, const char *name, int flags),
    (fd, name, flags));

ssize_t __real_write(int fd, const void *buf, size_t n);
ssize_t __wrap_write(int fd, const void *buf, size_t n);

ssize_t
__wrap_write(int fd, const void *buf, size_t n)
{
	if (!fails("write"))
		return __real_write(fd, buf, n);
	if (errno >= 0)
		return failure();

	return __real_write(fd, buf, n < (size_t)-errno ? n : (size_t)-errno);
}

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);

int
__wrap_openat(int fd, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return fails("openat") ? failure() : __real_openat(fd, path, flags, mode);
}

DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);

DIR *
__wrap_fdopendir(int fd)
{
	return fails("fdopendir") ? NULL : __real_fdopendir(fd);
}

struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);

struct dirent *
__wrap_readdir(DIR *dir)
{
	return fails("readdir") ? NULL : __real_readdir(dir);
}

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

static int ahead_s;

void
failing_ahead(int seconds)
{
	ahead_s = seconds;
}

/* Where it fails a time is there all the same, which nobody may take. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	const int r = __real_clock_gettime(clock, ret);

	ret->tv_sec += ahead_s;
	return fails("clock_gettime") ? failure() : r;
}

locale_t __real_newlocale(int mask, const char *name, locale_t base);
locale_t __wrap_newlocale(int mask, const char *name, locale_t base);

locale_t
__wrap_newlocale(int mask, const char *name, locale_t base)
{
	return fails("newlocale") ? (locale_t)0 :
	    __real_newlocale(mask, name, base);
}
