/*
 * The parts of the bench program. Whatever goes wrong ends it with a reason:
 * a figure from a run that went wrong is worth nothing.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Say why, and end. */
_Noreturn void bench_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));
void bench_must(int ok, const char *what);

/* Nanoseconds of a clock that nobody sets. */
int64_t bench_now(void);
/* A number of 1 or more. */
size_t bench_number(const char *text);

/* The modes: each takes what follows its name; the exit code. */
int bench_fill(int argc, char **argv);
int bench_sign(int argc, char **argv);
int bench_inside(int argc, char **argv);
int bench_counted(int argc, char **argv);
int bench_parallel(int argc, char **argv);
int bench_race(int argc, char **argv);
int bench_read_log(int argc, char **argv);
int bench_one_file(int argc, char **argv);

#endif
