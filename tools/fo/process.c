/*
 * Another program's answer.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/safeopen.h"

#define OUTPUT_MAX_BYTES 262144

static _Noreturn void
become(char *const *argv, int out, bool quiet)
{
	int null;

	if (dup2(out, STDOUT_FILENO) == -1)
		_exit(127);
	if (quiet && ((null = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1 ||
	    dup2(null, STDERR_FILENO) == -1))
		_exit(127);
	execvp(argv[0], argv);
	_exit(127);
}

static bool
exited_well(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return false;

	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

fo_err
process_read(char *const *argv, bool quiet, char **ret_text)
{
	char *text = NULL;
	size_t len;
	int fds[2];
	pid_t pid;
	fo_err r;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return FO_ERR_IO;
	if ((pid = fork()) == 0)
		become(argv, fds[1], quiet);
	close(fds[1]);
	if (pid == -1) {
		close(fds[0]);
		return FO_ERR_IO;
	}
	r = fo_read_all(fds[0], OUTPUT_MAX_BYTES, &text, &len);
	close(fds[0]);
	if (!exited_well(pid))
		r = r != FO_OK ? r : FO_ERR_IO;
	if (r != FO_OK) {
		free(text);
		return r;
	}
	*ret_text = text;

	return FO_OK;
}
