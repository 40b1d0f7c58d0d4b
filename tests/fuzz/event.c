/*
 * Events: whatever the values are, one line of strict JSON of at most 1000
 * bytes, in which each value says what was given or is marked as cut.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host/event.h"
#include "host/event_read.h"
#include "reference.h"

/* How the values of an event are found in an input. */
enum { EV, RES, WHY, RC, AT, HOST, ID, KIND, NAME, OWNER, JKT, PROOF, SID,
	USER, RUSER, SVC, ACT, WHAT, BY, SRC, TTY, POLICY, RULE, DETAIL };

_Static_assert(DETAIL + 1 <= FUZZ_FIELDS, "there are enough fields");

static void
check_values(const char *text, const struct fuzz_fields *in)
{
	static const struct {
		const char *key;
		int field;
	} values[] = {
		{ "host", HOST }, { "id", ID }, { "kind", KIND },
		{ "name", NAME }, { "owner", OWNER }, { "jkt", JKT },
		{ "sid", SID }, { "user", USER }, { "ruser", RUSER },
		{ "svc", SVC }, { "act", ACT }, { "what", WHAT },
		{ "by", BY }, { "src", SRC }, { "tty", TTY },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		NEED(reference_event_says(text, values[i].key,
		    in->text[values[i].field]));
}

/* Whoever reads the log sees what was written. */
static void
check_read(const char *text)
{
	struct fo_event_read read;
	struct fo_diag diag = { "" };

	NEED(fo_event_read(text, strlen(text), &diag, &read) == FO_OK);
	NEED(read.len == strlen(text) && !read.newer);
	reference_read(&read);
}

void
fuzz_on_event(const uint8_t *data, size_t size)
{
	struct fuzz_fields in;
	struct fo_event event;
	char text[FO_EVENT_SIZE];

	fuzz_fields_split(data, size, DETAIL + 1, &in);
	event = (struct fo_event) {
		.at = { .s = (int64_t)fuzz_number(in.text[AT]) * 64 - 3600,
		    .us = fuzz_number(in.text[AT]) % 1000001 },
		.ev = fuzz_number(in.text[EV]) % (FO_EV_AUDIT_STOP + 2),
		.res = fuzz_number(in.text[RES]) % (FO_RES_PERMIT + 2),
		.why = (fo_err)-(int)(fuzz_number(in.text[WHY]) % 100),
		.rc = (int)fuzz_number(in.text[RC]),
		.pid = (pid_t)fuzz_number(in.text[RC]),
		.auid = fuzz_number(in.text[RC]),
		.ses = fuzz_number(in.text[RES]),
		.host = in.text[HOST], .id = in.text[ID],
		.kind = in.text[KIND], .name = in.text[NAME],
		.owner = in.text[OWNER], .jkt = in.text[JKT],
		.proof = in.text[PROOF], .sid = in.text[SID],
		.user = in.text[USER], .ruser = in.text[RUSER],
		.svc = in.text[SVC], .act = in.text[ACT],
		.what = in.text[WHAT], .by = in.text[BY],
		.src = in.text[SRC], .tty = in.text[TTY],
		.policy = in.text[POLICY], .rule = in.text[RULE],
		.detail = in.text[DETAIL],
	};
	if (event.ev > FO_EV_AUDIT_STOP) {
		NEED(fo_event_format(&event, text) == FO_ERR_INTERNAL);
	} else if (fo_event_format(&event, text) == FO_OK) {
		reference_event(text);
		check_values(text, &in);
		check_read(text);
	}
	fuzz_fields_clear(&in);
}
