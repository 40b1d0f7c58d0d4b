/*
 * Running fo.
 */
#include "run.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/wipe.h"

#define LIMIT_MS 20000
#define PIECE 65536

struct output {
	char *text;
	size_t len, size;
};

static int64_t
milliseconds(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What it printed may be a private key: no copy is left behind. */
static bool
grow(struct output *out)
{
	const size_t size = out->size + PIECE;
	char *text = malloc(size + 1);

	if (text == NULL)
		return false;
	if (out->text != NULL)
		memcpy(text, out->text, out->len);
	fo_wipe_free(&out->text, out->len);
	out->text = text;
	out->size = size;
	return true;
}

/* All that comes until it is closed. */
static fo_err
collect(int fd, struct output *out)
{
	const int64_t until = milliseconds() + LIMIT_MS;
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		const int64_t left = until - milliseconds();

		if (left <= 0 || poll(&polled, 1, (int)left) == 0)
			return FO_ERR_IO;
		if (out->len == out->size && !grow(out))
			return FO_ERR_NOMEM;
		n = read(fd, out->text + out->len, out->size - out->len);
		if (n == 0)
			return FO_OK;
		if (n < 0 && errno != EINTR)
			return FO_ERR_IO;
		out->len += n > 0 ? (size_t)n : 0;
		if (out->len > RUN_OUTPUT_MAX)
			return FO_ERR_TOO_LONG;
	}
}

/* In the child: what it gets, and nothing else of ours. */
static _Noreturn void
become(const char *const *argv, const char *acting, int in, int out)
{
	char said[128], *words[RUN_ARGS_MAX + 1] = { NULL };
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, said, NULL };
	const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)snprintf(said, sizeof(said), "FIRSTOPS_ACTING=%s", acting);
	if (argv[0] == NULL || null == -1 || dup2(in, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 ||
	    dup2(null, STDERR_FILENO) == -1 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		_exit(127);
	/* execve(2) changes none of them, and wants them as if it did */
	for (size_t i = 0; i < RUN_ARGS_MAX && argv[i] != NULL; i++)
		memcpy(&words[i], &argv[i], sizeof(words[i]));
	(void)execve(argv[0], words, env);
	_exit(127);
}

/* A pipe that holds the input already, and whose writing end is closed. */
static int
filled_pipe(const char *input)
{
	const size_t len = strlen(input);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	/* at most 8192 bytes: a pipe takes them at once */
	if (len > 0 && write(ends[1], input, len) != (ssize_t)len) {
		(void)close(ends[0]);
		ends[0] = -1;
	}
	(void)close(ends[1]);
	return ends[0];
}

fo_err
run_fo(const char *const *argv, const char *acting, const char *input,
    char **ret_text, size_t *ret_len)
{
	const int in = filled_pipe(input != NULL ? input : "");
	struct output out = { .text = NULL };
	int ends[2] = { -1, -1 };
	fo_err r = FO_ERR_IO;
	pid_t pid = -1;

	if (in == -1 || pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) == -1)
		goto out;
	if (pid == 0)
		become(argv, acting, in, ends[1]);
	(void)close(ends[1]);
	ends[1] = -1;
	if ((r = collect(ends[0], &out)) != FO_OK)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		;
	if (r == FO_OK && out.len == 0)
		r = FO_ERR_IO;
	if (r == FO_OK) {
		out.text[out.len] = '\0';
		*ret_text = out.text;
		*ret_len = out.len;
		out.text = NULL;
	}
out:
	fo_wipe_free(&out.text, out.len);
	if (in != -1)
		(void)close(in);
	for (size_t i = 0; i < 2; i++) {
		if (ends[i] != -1)
			(void)close(ends[i]);
	}
	return r;
}
