/*
 * Asking the person: an askpass program with SSH_ASKPASS_PROMPT=confirm, as
 * for ssh-agent. It exits with 0 for yes.
 */
#include "confirm.h"

#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "requests.h"

#define ASK_LIMIT_MS 60000
#define CANCEL "" /* with its NUL: no prompt is as short */

static int64_t
now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Did the program end before its time was over, and before we are told? */
static bool
ends_by_itself(int pidfd, int fd)
{
	const int64_t until = now_ms() + ASK_LIMIT_MS;
	struct pollfd polled[] = { { .fd = pidfd, .events = POLLIN },
		{ .fd = fd, .events = POLLIN } };
	int64_t left;

	while ((left = until - now_ms()) > 0) {
		if (poll(polled, 2, (int)left) == -1) {
			if (errno == EINTR)
				continue;
			return false;
		}
		/* whatever comes while one is asked takes the question back */
		if (polled[1].revents != 0)
			return false;
		if (polled[0].revents != 0)
			return true;
	}

	return false;
}

/* Does the program say yes? */
static bool
says_yes(const char *program, char *prompt, int fd)
{
	char *argv[] = { (char *)(uintptr_t)program, prompt, NULL };
	bool ended = false;
	int pidfd, status = 0;
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, argv, environ) != 0)
		return false;
	if ((pidfd = pidfd_open(pid, 0)) != -1) {
		ended = ends_by_itself(pidfd, fd);
		(void)close(pidfd);
	}
	if (!ended)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Until nobody is at the other end. */
static void
serve(const char *program, int fd)
{
	char prompt[PROMPT_SIZE];
	ssize_t n;

	while ((n = recv(fd, prompt, sizeof(prompt) - 1, 0)) > 0 ||
	    (n == -1 && errno == EINTR)) {
		char answer;

		if (n <= (ssize_t)sizeof(CANCEL))
			continue; /* of one that was answered already */
		prompt[n] = '\0';
		answer = says_yes(program, prompt, fd) ? 'y' : 'n';
		if (send(fd, &answer, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	_exit(0);
}

/*
 * Nothing of the signer's is left to it: no socket, no terminal to read, no
 * signals that wait. And nobody traces it, or takes its descriptor and says
 * yes with that (pidfd_getfd(2)).
 */
static bool
leave_only(int fd)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int own = STDERR_FILENO + 1;
	sigset_t none;

	(void)sigemptyset(&none);
	(void)signal(SIGPIPE, SIG_DFL);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && null != -1 &&
	    dup2(null, STDIN_FILENO) != -1 &&
	    dup2(null, STDOUT_FILENO) != -1 && dup2(fd, own) != -1 &&
	    fcntl(own, F_SETFD, FD_CLOEXEC) != -1 &&
	    close_range((unsigned int)own + 1, ~0U, 0) == 0;
}

fo_err
confirm_start(const char *program, struct fo_diag *diag, int *ret_fd)
{
	int ends[2];
	pid_t pid;

	if (access(program, X_OK) != 0) {
		fo_diag_set(diag, "%s: %s", program, strerror(errno));
		return FO_ERR_NOT_FOUND;
	}
	if (setenv("SSH_ASKPASS_PROMPT", "confirm", 1) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return FO_ERR_IO;
	if ((pid = fork()) == -1) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return FO_ERR_IO;
	}
	if (pid == 0) {
		if (!leave_only(ends[1]))
			_exit(1);
		serve(program, STDERR_FILENO + 1);
	}
	(void)close(ends[1]);

	*ret_fd = ends[0];
	return FO_OK;
}

bool
confirm_ask(int fd, const char *prompt)
{
	return send(fd, prompt, strlen(prompt), MSG_NOSIGNAL | MSG_DONTWAIT) ==
	    (ssize_t)strlen(prompt);
}

void
confirm_cancel(int fd)
{
	(void)send(fd, CANCEL, sizeof(CANCEL), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool
confirm_answer(int fd, bool *ret_yes)
{
	char answer = 'n';
	const ssize_t n = recv(fd, &answer, 1, MSG_DONTWAIT);

	*ret_yes = n == 1 && answer == 'y';
	return n == 1;
}
