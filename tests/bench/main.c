/*
 * The program of tests/bench/run: what is measured, and what measures.
 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *name;
	const char *takes;
	int (*run)(int argc, char **argv);
} modes[] = {
	{ "fill", "STORE COUNT KEYS: make a store of COUNT principals, some "
	    "of them with a private key in the folder KEYS", bench_fill },
	{ "sign", "KEYS FOLDER COUNT: write fresh proofs FOLDER/0, "
	    "1, ...", bench_sign },
	{ "inside", "STORE KEYS ROUNDS: the rows of one process",
	    bench_inside },
	{ "counted", "STORE KEYS WHAT COUNT: do WHAT (verify, sign, decide) "
	    "COUNT times in counted_region, for callgrind", bench_counted },
	{ "parallel", "STORE KEYS ROUNDS PROCESSES: decisions a second of one "
	    "process, and of so many at once", bench_parallel },
	{ "race", "ROUNDS COUNT -- A... -- B...: two commands in turn; {} is "
	    "the number of the start", bench_race },
	{ "read-log", "read /dev/log until it ends", bench_read_log },
	{ "one-file", "FILE: look for a principal in one file with all of "
	    "them", bench_one_file },
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

void
bench_die(const char *fmt, ...)
{
	va_list args;

	(void)fprintf(stderr, "bench: ");
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fprintf(stderr, "\n");
	exit(1);
}

void
bench_must(int ok, const char *what)
{
	if (!ok)
		bench_die("%s", what);
}

int64_t
bench_now(void)
{
	struct timespec t;

	bench_must(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "no clock");
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

size_t
bench_number(const char *text)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value == 0)
		bench_die("%s is not a number of 1 or more", text);
	return value;
}

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < MODES; i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return modes[i].run(argc - 2, argv + 2);

	(void)fprintf(stderr, "usage:\n");
	for (size_t i = 0; i < MODES; i++)
		(void)fprintf(stderr, "  bench %s %s\n", modes[i].name,
		    modes[i].takes);
	return 2;
}
