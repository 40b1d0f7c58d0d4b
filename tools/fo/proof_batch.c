/*
 * fo proof verify --batch: one JSON object a line in, one verdict a line out,
 * each before the next is read.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

#include "json.h"
#include "out.h"
#include "proof_verify.h"

/* Longest line: a proof, a token and a target, with room. */
#define LINE_MAX_BYTES 65536

static int
print_verdict(fo_err r, const struct fo_diag *diag)
{
	struct json *json = json_object_new();

	json_flag(json, "ok", r == FO_OK);
	json_text(json, "why", r == FO_ERR_ARG ? "argument" : fo_err_word(r));
	if (r == FO_ERR_ARG)
		json_text(json, "error", diag->text[0] != '\0' ?
		    diag->text : fo_err_text(r));

	return json_print(&json);
}

static int
answer(const char *text, size_t len, struct fo_verifier *verifier)
{
	struct batch_line line = { 0 };
	struct question question;
	struct fo_diag diag = { "" };
	char jkt[FO_JKT_SIZE];
	fo_err r;

	r = batch_line_parse(text, len, &diag, &line);
	if (r == FO_OK) {
		question = (struct question){ line.proof, strlen(line.proof),
			line.htm, line.htu, line.jkt, line.nonce,
			line.access_token, line.at, line.max_age_s,
			line.clock_skew_s };
		r = proof_judge(&question, verifier, &diag, jkt);
	}
	batch_line_clear(&line);

	return print_verdict(r, &diag);
}

/*
 * Read one line into buf. Of a line that is too long the rest is read and
 * dropped; what is kept is no whole JSON object, and is answered as such.
 * False at the end of input.
 */
static bool
read_line(FILE *in, char *buf, size_t size, size_t *ret_len)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		if (n < size)
			buf[n] = (char)c;
		n++;
	}
	*ret_len = n <= size ? n : 0;

	return c != EOF || n > 0;
}

int
proof_batch(const struct call *call)
{
	struct fo_verifier *verifier = NULL;
	char *buf = NULL;
	size_t len;
	int code;
	fo_err r;

	if ((r = fo_verifier_new(&verifier)) != FO_OK ||
	    (buf = malloc(LINE_MAX_BYTES)) == NULL) {
		fo_verifier_free(&verifier);
		return fail_err(call, r != FO_OK ? r : FO_ERR_NOMEM, NULL,
		    "proof verify");
	}
	code = FO_EXIT_DONE;
	while (code == FO_EXIT_DONE &&
	    read_line(stdin, buf, LINE_MAX_BYTES, &len))
		code = answer(buf, len, verifier);
	if (code == FO_EXIT_DONE && ferror(stdin))
		code = fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "standard input: cannot be read");
	fo_verifier_free(&verifier);
	fo_wipe(buf, LINE_MAX_BYTES);
	free(buf);

	return code;
}
