/*
 * Whole processes: two commands started in turn, and the small programs that
 * are among them.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>
#include <yaml.h>

#include "bench.h"

extern char **environ;

#define WORDS_MAX 64
#define ANSWER_MAX 8192

/* ---- racing ------------------------------------------------------------ */

/* A command; the word {} in it, or at the end of a word, is a number. */
struct command {
	char **words;
	char *built[WORDS_MAX];
};

static void
build(struct command *command, size_t number)
{
	size_t n = 0;

	for (; command->words[n] != NULL; n++) {
		const char *word = command->words[n];
		const size_t len = strlen(word);

		free(command->built[n]);
		bench_must(n + 1 < WORDS_MAX, "too many words");
		if (len >= 2 && strcmp(word + len - 2, "{}") == 0)
			bench_must(asprintf(&command->built[n], "%.*s%zu",
			    (int)(len - 2), word, number) > 0, "no memory");
		else
			bench_must((command->built[n] = strdup(word)) != NULL,
			    "no memory");
	}
}

/* Start it and wait for its end: nanoseconds. */
static int64_t
start_timed(struct command *command, size_t number,
    const posix_spawn_file_actions_t *quiet)
{
	int64_t began, ended;
	int status = 1, e;
	pid_t pid;

	build(command, number);
	began = bench_now();
	if ((e = posix_spawnp(&pid, command->built[0], quiet, NULL,
	    command->built, environ)) != 0)
		bench_die("%s: %s", command->built[0], strerror(e));
	bench_must(waitpid(pid, &status, 0) == pid, "lost a process");
	ended = bench_now();
	if (status != 0)
		bench_die("%s ended with status %d", command->built[0],
		    status);
	return ended - began;
}

/* Split at "--": ROUNDS COUNT -- A... -- B... */
static void
split(int argc, char **argv, struct command commands[2])
{
	int found = 0;

	for (int i = 2; i < argc; i++)
		if (strcmp(argv[i], "--") == 0 && found < 2) {
			argv[i] = NULL;
			commands[found++].words = &argv[i + 1];
		}
	bench_must(found == 2, "race ROUNDS COUNT -- A... -- B...");
}

/* "A's ns<TAB>B's ns", a line for each round. */
int
bench_race(int argc, char **argv)
{
	struct command commands[2] = { { .words = NULL } };
	posix_spawn_file_actions_t quiet;
	size_t rounds, count, number = 0;

	bench_must(argc > 5, "race ROUNDS COUNT -- A... -- B...");
	rounds = bench_number(argv[0]);
	count = bench_number(argv[1]);
	split(argc, argv, commands);
	bench_must(posix_spawn_file_actions_init(&quiet) == 0 &&
	    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null",
	    O_WRONLY, 0) == 0, "no memory");
	for (size_t n = 0; n <= rounds; n++) {
		int64_t sum[2] = { 0, 0 };

		for (size_t i = 0; i < count; i++, number++)
			for (size_t side = 0; side < 2; side++)
				sum[side] += start_timed(&commands[side],
				    number, &quiet);
		if (n > 0) /* the first warms up */
			printf("%lld\t%lld\n",
			    (long long)sum[0] / (long long)count,
			    (long long)sum[1] / (long long)count);
		bench_must(fflush(stdout) == 0, "no output");
	}
	return 0;
}

/* ---- one login ---------------------------------------------------------- */

static char *
read_answer(const char *path)
{
	static char text[ANSWER_MAX];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		bench_die("%s: %s", path, strerror(errno));
	(void)close(fd);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct pam_response *responses;

	if ((responses = calloc((size_t)count, sizeof(*responses))) == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF &&
		    (responses[i].resp = strdup(arg)) == NULL)
			abort();
	*ret_responses = responses;
	return PAM_SUCCESS;
}

/* The most that was resident, in KiB. */
static void
print_memory(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	bench_must(status != NULL, "no /proc");
	while (fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			printf("%ld\n", strtol(line + 6, NULL, 10));
	(void)fclose(status);
}

/* A service of /etc/pam.d, or the path of its stack. */
static int
start(char *service, const char *user, const struct pam_conv *conv,
    pam_handle_t **ret_pamh)
{
	char *slash = strrchr(service, '/');

	if (slash == NULL)
		return pam_start(service, user, conv, ret_pamh);
	*slash = '\0';
	return pam_start_confdir(slash + 1, user, conv, service, ret_pamh);
}

int
bench_login(int argc, char **argv)
{
	const bool memory = argc == 4 && strcmp(argv[3], "--memory") == 0;
	struct pam_conv conv = { .conv = converse };
	pam_handle_t *pamh = NULL;
	int r;

	bench_must(argc == 3 || memory, "login SERVICE USER FILE [--memory]");
	conv.appdata_ptr = read_answer(argv[2]);
	bench_must(start(argv[0], argv[1], &conv, &pamh) == PAM_SUCCESS &&
	    pam_set_item(pamh, PAM_RHOST, "198.51.100.7") == PAM_SUCCESS,
	    "pam_start failed");
	r = pam_authenticate(pamh, 0);
	if (memory)
		print_memory();
	bench_must(pam_end(pamh, r) == PAM_SUCCESS, "pam_end failed");
	return r == PAM_SUCCESS ? 0 : 1;
}

/* ---- somebody who reads the log ------------------------------------------ */

int
bench_read_log(int argc, char **argv)
{
	const struct sockaddr_un at = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	const int on = 1, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char data[8192];

	(void)argv;
	bench_must(argc == 0, "read-log");
	(void)unlink(at.sun_path);
	bench_must(fd >= 0 && bind(fd, (const struct sockaddr *)&at,
	    sizeof(at)) == 0 && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof(on)) == 0, "/dev/log cannot be made");
	printf("reading\n");
	bench_must(fflush(stdout) == 0, "no output");
	while (recv(fd, data, sizeof(data), 0) >= 0)
		;
	return 0;
}

/* ---- all principals in one file ------------------------------------------- */

/* What a login would cost if there were one file: libyaml reads all of it. */
int
bench_one_file(int argc, char **argv)
{
	yaml_parser_t parser;
	yaml_event_t event;
	bool ended = false;
	FILE *file;

	bench_must(argc == 1, "one-file FILE");
	bench_must((file = fopen(argv[0], "re")) != NULL, argv[0]);
	bench_must(yaml_parser_initialize(&parser) == 1, "no memory");
	yaml_parser_set_input_file(&parser, file);
	while (!ended) {
		bench_must(yaml_parser_parse(&parser, &event) == 1,
		    "not YAML");
		ended = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	(void)fclose(file);
	return 0;
}
