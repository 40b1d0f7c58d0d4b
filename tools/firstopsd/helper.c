/*
 * A socket, its peers, and a process for each.
 */
#include "helper.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PASSED 3
#define REAP_MS 200	/* a process that ended is seen so soon */

int
helper_socket(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	struct stat st;

	if (pid == NULL || count == NULL || strcmp(count, "1") != 0 ||
	    strtol(pid, NULL, 10) != (long)getpid() ||
	    fstat(FIRST_PASSED, &st) != 0 || !S_ISSOCK(st.st_mode) ||
	    fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(FIRST_PASSED, F_SETFL, O_NONBLOCK) != 0)
		return -1;

	return FIRST_PASSED;
}

static bool
is_web(int fd, uid_t web)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    peer.uid == web;
}

/* Those that ended; how many still run. */
static size_t
reap(size_t running)
{
	while (running > 0 && waitpid(-1, NULL, WNOHANG) > 0)
		running--;
	return running;
}

_Noreturn void
helper_serve(int listener, uid_t web, size_t at_once,
    void (*one)(int fd, const void *arg), const void *arg)
{
	struct pollfd polled = { .events = POLLIN };
	size_t running = 0;
	pid_t pid;
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	for (;;) {
		/* full: nobody is looked at until one has ended */
		polled.fd = running < at_once ? listener : -1;
		(void)poll(&polled, 1, running > 0 ? REAP_MS : -1);
		running = reap(running);
		if (polled.fd == -1 || (fd = accept4(listener, NULL, NULL,
		    SOCK_CLOEXEC)) == -1)
			continue;
		if (is_web(fd, web) && (pid = fork()) != -1) {
			if (pid == 0) {
				one(fd, arg);
				_exit(1);
			}
			running++;
		}
		(void)close(fd);
	}
}
