/*
 * What fo says: errors, tables, secrets.
 */
#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"

/* A reason, its remedy and the paths in them. */
#define TEXT_SIZE 2048

bool
out_colour(FILE *stream)
{
	const char *no = getenv("NO_COLOR");

	return (no == NULL || *no == '\0') && isatty(fileno(stream)) == 1;
}

int
fail(const struct call *call, int code, fo_err why, const char *fmt, ...)
{
	const bool colour = out_colour(stderr);
	char text[TEXT_SIZE];
	struct json *json;
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	fprintf(stderr, "%sfo:%s %s\n", colour ? "\033[31m" : "",
	    colour ? "\033[m" : "", text);
	if (call != NULL && call->json) {
		json = json_object_new();
		json_flag(json, "ok", false);
		json_text(json, "why", fo_err_word(why));
		json_text(json, "error", text);
		if (json_print(&json) != FO_EXIT_DONE)
			return FO_EXIT_TROUBLE;
	}

	return code;
}

int
fail_err(const struct call *call, fo_err why, const struct fo_diag *diag,
    const char *what)
{
	const char *reason = diag != NULL && diag->text[0] != '\0' ?
	    diag->text : fo_err_text(why);

	return fail(call, exit_of(why), why, "%s%s%s",
	    what != NULL ? what : "", what != NULL ? ": " : "", reason);
}

int
exit_of(fo_err why)
{
	switch (why) {
	case FO_OK:
		return FO_EXIT_DONE;
	case FO_ERR_ARG:
		return FO_EXIT_USAGE;
	case FO_ERR_NOT_FOUND:
	case FO_ERR_EXISTS:
	case FO_ERR_TOO_LONG:
		return FO_EXIT_DENIED;
	case FO_ERR_REPLAY_STORE:
	case FO_ERR_STORE:
	case FO_ERR_CONFIG:
	case FO_ERR_AUDIT:
	case FO_ERR_SESSION:
		return FO_EXIT_TROUBLE;
	default:
		/* words of refusal are one block of numbers */
		return why <= FO_ERR_NO_PROOF ? FO_EXIT_DENIED :
		    FO_EXIT_TROUBLE;
	}
}

void
note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

bool
out_raw(const char *text, size_t len)
{
	ssize_t n;

	if (fflush(stdout) != 0)
		return false;
	while (len > 0) {
		n = write(STDOUT_FILENO, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}

	return true;
}

static const char *
cell(const char *const *cells, size_t i)
{
	return cells[i] != NULL && *cells[i] != '\0' ? cells[i] : "-";
}

static void
print_row(const struct out_table *table, const char *const *cells)
{
	size_t c;

	for (c = 0; c + 1 < table->columns; c++)
		printf("%-*s  ", (int)table->widths[c], cell(cells, c));
	fputs(cell(cells, c), stdout);
}

void
out_rows(struct out_table *table, const char *const *cells, size_t rows)
{
	const bool colour = out_colour(stdout);
	size_t row, c, n;

	for (row = 0; row < rows; row++)
		for (c = 0; c < table->columns; c++) {
			n = strlen(cell(cells, row * table->columns + c));
			if (n > table->widths[c])
				table->widths[c] = n;
		}
	for (row = 0; row < rows; row++) {
		const bool bold = colour && !table->headed;

		fputs(bold ? "\033[1m" : "", stdout);
		print_row(table, cells + row * table->columns);
		fputs(bold ? "\033[m\n" : "\n", stdout);
		table->headed = true;
	}
}
