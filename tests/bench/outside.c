/*
 * Whole processes: two commands started in turn, and the small programs that
 * are among them.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yaml.h>

#include "bench.h"

extern char **environ;

#define WORDS_MAX 64

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

/* "A's ns<TAB>B's ns", a line for each round. Both read BENCH_INPUT. */
int
bench_race(int argc, char **argv)
{
	const char *input = getenv("BENCH_INPUT");
	struct command commands[2] = { { .words = NULL } };
	posix_spawn_file_actions_t quiet;
	size_t rounds, count, number = 0;

	bench_must(argc > 5, "race ROUNDS COUNT -- A... -- B...");
	rounds = bench_number(argv[0]);
	count = bench_number(argv[1]);
	split(argc, argv, commands);
	bench_must(posix_spawn_file_actions_init(&quiet) == 0 &&
	    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null",
	    O_WRONLY, 0) == 0 && (input == NULL ||
	    posix_spawn_file_actions_addopen(&quiet, 0, input,
	    O_RDONLY, 0) == 0), "no memory");
	for (size_t n = 0; n <= rounds; n++) {
		int64_t sum[2] = { 0, 0 };

		for (size_t i = 0; i < count; i++, number++) {
			const size_t first = i % 2;

			sum[first] += start_timed(&commands[first], number,
			    &quiet);
			sum[!first] += start_timed(&commands[!first], number,
			    &quiet);
		}
		if (n > 0) /* the first warms up */
			printf("%lld\t%lld\n",
			    (long long)sum[0] / (long long)count,
			    (long long)sum[1] / (long long)count);
		bench_must(fflush(stdout) == 0, "no output");
	}
	return 0;
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
