/*
 * Writing to a file in a process that is not ours to end.
 */
#include "write.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

/*
 * The signal is blocked for the time of the call, and taken away again if
 * this call raised it. One that was pending before stays pending.
 */
ssize_t
fo_write_quietly(int fd, const void *data, size_t len)
{
	const struct timespec no_time = { 0, 0 };
	sigset_t xfsz, before, pending;
	bool was_pending;
	ssize_t n;
	int e;

	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	if ((e = pthread_sigmask(SIG_BLOCK, &xfsz, &before)) != 0) {
		errno = e;
		return -1;
	}
	was_pending = sigpending(&pending) == 0 &&
	    sigismember(&pending, SIGXFSZ) == 1;
	do {
		n = write(fd, data, len);
	} while (n < 0 && errno == EINTR);
	e = errno;
	if (n < 0 && e == EFBIG && !was_pending)
		(void)sigtimedwait(&xfsz, NULL, &no_time);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = e;
	return n;
}
