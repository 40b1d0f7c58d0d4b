/*
 * Asking the person: an askpass program with SSH_ASKPASS_PROMPT=confirm, as
 * for ssh-agent. It exits with 0 for yes.
 */
#include "confirm.h"

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
#include <sys/pidfd.h>
#include <unistd.h>

#include "requests.h"

#define ASK_LIMIT_MS 60000

/* Does the program say yes before its time is over? */
static bool
says_yes(const char *program, char *prompt)
{
	char *argv[] = { (char *)(uintptr_t)program, prompt, NULL };
	struct pollfd end = { .fd = -1, .events = POLLIN };
	bool ended = false;
	int status = 0;
	pid_t pid;

	if (posix_spawn(&pid, program, NULL, NULL, argv, environ) != 0)
		return false;
	if ((end.fd = pidfd_open(pid, 0)) != -1) {
		ended = poll(&end, 1, ASK_LIMIT_MS) == 1;
		(void)close(end.fd);
	}
	if (!ended)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
serve(const char *program, int fd)
{
	char prompt[PROMPT_SIZE];
	ssize_t n;

	while ((n = recv(fd, prompt, sizeof(prompt) - 1, 0)) > 0) {
		char answer;

		prompt[n] = '\0';
		answer = says_yes(program, prompt) ? 'y' : 'n';
		if (send(fd, &answer, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	_exit(0);
}

fo_err
confirm_start(const char *program, int *ret_fd)
{
	int ends[2], null;
	pid_t pid;

	if (setenv("SSH_ASKPASS_PROMPT", "confirm", 1) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return FO_ERR_IO;
	if ((pid = fork()) == -1) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return FO_ERR_IO;
	}
	if (pid == 0) {
		/* nothing of the signer's: no listening socket, no terminal */
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null == -1 || dup2(null, STDIN_FILENO) == -1 ||
		    dup2(null, STDOUT_FILENO) == -1 ||
		    dup2(ends[1], STDERR_FILENO + 1) == -1 ||
		    close_range(STDERR_FILENO + 2, ~0U, 0) != 0 ||
		    fcntl(STDERR_FILENO + 1, F_SETFD, FD_CLOEXEC) != 0 ||
		    prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
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
	return send(fd, prompt, strlen(prompt), MSG_NOSIGNAL) ==
	    (ssize_t)strlen(prompt);
}

bool
confirm_answer(int fd, bool *ret_yes)
{
	char answer = 'n';
	const ssize_t n = recv(fd, &answer, 1, MSG_DONTWAIT);

	*ret_yes = n == 1 && answer == 'y';
	return n == 1;
}
