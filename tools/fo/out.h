/*
 * What fo says: errors, tables, secrets.
 */
#ifndef FO_TOOL_OUT_H
#define FO_TOOL_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <firstops/error.h>

#include "verb.h"

/*
 * Report that a verb fails, and return code. The text goes to standard
 * error; with --json also {"ok":false,"why":...,"error":...} to standard
 * output.
 */
int fail(const struct call *call, int code, fo_err why, const char *fmt, ...)
    FO_PRINTF(4, 5);

/*
 * The same for a result of the library: its reason if there is one, else its
 * sentence; what is put before both. The exit code is exit_of(why).
 */
int fail_err(const struct call *call, fo_err why, const struct fo_diag *diag,
    const char *what);

/* 1 for what is refused or not found, 3 for trouble, 0 for FO_OK. */
int exit_of(fo_err why);

/* A remark on standard error that changes no exit code. */
void note(const char *fmt, ...) FO_PRINTF(1, 2);

/* May colour be used on this stream? A terminal, and NO_COLOR not set. */
bool out_colour(FILE *stream);

/*
 * Write a text past stdio, so that no copy of a secret stays in its buffers.
 * False if it could not be written whole.
 */
bool out_raw(const char *text, size_t len);

#define OUT_MAX_COLUMNS 12

/* A table that is printed in parts; begin with { .columns = N }. */
struct out_table {
	size_t columns;
	size_t widths[OUT_MAX_COLUMNS];
	bool headed;
};

/*
 * Print rows of cells, aligned with those before. The first row of the first
 * part is the headings. A NULL cell prints as "-".
 */
void out_rows(struct out_table *table, const char *const *cells, size_t rows);

#endif
