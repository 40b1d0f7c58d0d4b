/*
 * The event, byte by byte.
 */
#include <limits.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/b64url.h"
#include "host/event.h"
#include "support/cee.h"
#include "support/machine.h"

#define ID "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define JKT "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define NAME_48 "a23456789-123456789-123456789-123456789-12345678"
#define OWNER_48 "b23456789-123456789-123456789-123456789-12345678"

/* build-bot gets in at sshd. */
static struct fo_event
permitted(void)
{
	return (struct fo_event){
		.at = { MACHINE_NOW, 123456, 0 },
		.host = "bastion",
		.ev = FO_EV_AUTH,
		.res = FO_RES_PERMIT,
		.why = FO_OK,
		.rc = 0,
		.id = ID,
		.kind = "agent",
		.name = "build-bot",
		.owner = "team-platform",
		.jkt = JKT,
		.proof = "q8Yw1mJ0cH5nT2vXbR7pLgAAAAAAAAAAAAAAAAAAAAA",
		.sid = "4f9c2a1bq0T9b2c7dE1xYw",
		.user = "deploy",
		.svc = "sshd",
		.act = "login",
		.src = "10.2.3.4",
		.tty = "ssh",
		.pid = 41250,
		.auid = UINT32_MAX,
		.ses = UINT32_MAX,
		.policy = "deployers",
		.rule = "ssh-to-web",
	};
}

static char *
format(const struct fo_event *event)
{
	char text[FO_EVENT_SIZE];
	char *copy;

	cr_assert_eq(fo_event_format(event, text), FO_OK);
	cee_check(text);
	cr_assert_not_null(copy = strdup(text));
	return copy;
}

/* The msg of an event. */
static void
expect_msg(const struct fo_event *event, const char *want)
{
	char *text = format(event);

	cr_expect_str_eq(cee_get(text, "msg"), want);
	free(text);
}

static void
expect_value(const struct fo_event *event, const char *key, const char *want)
{
	char *text = format(event);

	cr_expect_str_eq(cee_get(text, key), want, "%s in %s", key, text);
	free(text);
}

Test(event, a_permitted_login_reads_like_this)
{
	const struct fo_event event = permitted();
	char *text = format(&event);

	cr_expect_str_eq(text, "@cee:{\"msg\":\"agent build-bot of "
	    "team-platform permitted to sshd as deploy from 10.2.3.4\","
	    "\"v\":1,\"t\":\"2026-11-23T18:30:00.123456Z\","
	    "\"host\":\"bastion\",\"ev\":\"auth\",\"res\":\"permit\","
	    "\"why\":\"ok\",\"rc\":0,\"id\":\"" ID "\",\"kind\":\"agent\","
	    "\"name\":\"build-bot\",\"owner\":\"team-platform\","
	    "\"jkt\":\"" JKT "\",\"proof\":\"q8Yw1mJ0cH5nT2vXbR7pLg\","
	    "\"sid\":\"4f9c2a1bq0T9b2c7dE1xYw\",\"user\":\"deploy\","
	    "\"ruser\":\"-\",\"svc\":\"sshd\",\"act\":\"login\","
	    "\"what\":\"-\",\"by\":\"-\",\"src\":\"10.2.3.4\","
	    "\"tty\":\"ssh\",\"pid\":41250,\"auid\":4294967295,"
	    "\"ses\":4294967295,\"pol\":\"deployers/ssh-to-web\"}");
	free(text);
}

Test(event, a_refused_login_says_why_and_the_reason)
{
	struct fo_event event = permitted();

	event.res = FO_RES_DENY;
	event.why = FO_ERR_STALE;
	event.rc = 7;
	event.detail = "proof is 12 s too old";
	expect_msg(&event, "agent build-bot of team-platform refused to sshd "
	    "as deploy from 10.2.3.4: stale (proof is 12 s too old)");
	expect_value(&event, "res", "deny");
	expect_value(&event, "why", "stale");
	expect_value(&event, "rc", "7");
}

Test(event, without_a_principal_it_names_the_key_and_without_a_key_nobody)
{
	struct fo_event event = permitted();

	event.res = FO_RES_DENY;
	event.why = FO_ERR_BAD_SIGNATURE;
	event.id = event.kind = event.name = event.owner = "";
	expect_msg(&event, "key " JKT " refused to sshd as deploy from "
	    "10.2.3.4: bad_signature");
	expect_value(&event, "name", "-");
	event.jkt = NULL;
	event.src = NULL;
	event.why = FO_ERR_MALFORMED;
	expect_msg(&event, "somebody refused to sshd as deploy: malformed");
}

Test(event, every_kind_has_its_word_and_its_sentence)
{
	static const struct {
		fo_ev ev;
		fo_res res;
		const char *word;
		const char *msg;
	} cases[] = {
		{ FO_EV_AUTH, FO_RES_NONE, "auth", "agent build-bot of "
		    "team-platform without a proof to sshd as deploy" },
		{ FO_EV_ACCOUNT, FO_RES_PERMIT, "account", "agent build-bot "
		    "of team-platform kept to sshd as deploy" },
		{ FO_EV_ACCOUNT, FO_RES_DENY, "account", "agent build-bot "
		    "of team-platform refused to sshd as deploy" },
		{ FO_EV_SESSION_OPEN, FO_RES_PERMIT, "session_open", "agent "
		    "build-bot of team-platform opened a session at sshd as "
		    "deploy" },
		{ FO_EV_SESSION_CLOSE, FO_RES_PERMIT, "session_close",
		    "agent build-bot of team-platform closed a session at "
		    "sshd as deploy" },
		{ FO_EV_ACTION, FO_RES_PERMIT, "action", "agent build-bot of "
		    "team-platform permitted run /bin/ls%20-l" },
		{ FO_EV_ACTION, FO_RES_DENY, "action", "agent build-bot of "
		    "team-platform refused run /bin/ls%20-l" },
		{ FO_EV_ACTION, FO_RES_NONE, "action", "agent build-bot of "
		    "team-platform has to ask before run /bin/ls%20-l" },
		{ FO_EV_PRINCIPAL_CREATE, FO_RES_PERMIT, "principal_create",
		    "agent build-bot of team-platform created" },
		{ FO_EV_PRINCIPAL_EDIT, FO_RES_PERMIT, "principal_edit",
		    "agent build-bot of team-platform edited" },
		{ FO_EV_KEY_ADD, FO_RES_PERMIT, "key_add", "agent build-bot "
		    "of team-platform given a key" },
		{ FO_EV_KEY_ROTATE, FO_RES_PERMIT, "key_rotate", "agent "
		    "build-bot of team-platform given a new key" },
		{ FO_EV_SUSPEND, FO_RES_PERMIT, "suspend", "agent build-bot "
		    "of team-platform suspended" },
		{ FO_EV_RESUME, FO_RES_PERMIT, "resume", "agent build-bot of "
		    "team-platform resumed" },
		{ FO_EV_REVOKE, FO_RES_PERMIT, "revoke", "agent build-bot of "
		    "team-platform revoked" },
		{ FO_EV_DELETE, FO_RES_ERROR, "delete", "agent build-bot of "
		    "team-platform not deleted" },
		{ FO_EV_POLICY_CHANGE, FO_RES_PERMIT, "policy_change",
		    "policy /bin/ls%20-l changed" },
		{ FO_EV_AUDIT_START, FO_RES_PERMIT, "audit_start",
		    "audit started" },
		{ FO_EV_AUDIT_STOP, FO_RES_PERMIT, "audit_stop",
		    "audit stopped" },
	};
	struct fo_event event = permitted();

	event.src = NULL;
	event.act = "run";
	event.what = "/bin/ls -l";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		event.ev = cases[i].ev;
		event.res = cases[i].res;
		expect_msg(&event, cases[i].msg);
		expect_value(&event, "ev", cases[i].word);
		cr_expect_str_eq(fo_ev_word(cases[i].ev), cases[i].word);
	}
}

Test(event, who_changed_a_principal_stands_at_the_end)
{
	struct fo_event event = permitted();

	event.ev = FO_EV_REVOKE;
	event.src = NULL;
	event.by = "alice";
	expect_msg(&event, "agent build-bot of team-platform revoked by "
	    "alice");
	expect_value(&event, "by", "alice");
}

Test(event, a_number_that_is_no_kind_of_event_is_not_written)
{
	struct fo_event event = permitted();
	char text[FO_EVENT_SIZE] = "untouched";

	event.ev = (fo_ev)99;
	cr_expect_eq(fo_event_format(&event, text), FO_ERR_INTERNAL);
	cr_expect_eq(fo_event_format(NULL, text), FO_ERR_INTERNAL);
	cr_expect_str_eq(text, "untouched");
	cr_expect_str_eq(fo_ev_word((fo_ev)99), "unknown");
	cr_expect_str_eq(fo_ev_word((fo_ev)(FO_EV_AUDIT_STOP + 1)),
	    "unknown");
	cr_expect_str_eq(fo_res_word((fo_res)99), "error");
}

Test(event, a_rule_stands_behind_its_policy_and_never_alone)
{
	struct fo_event event = permitted();

	expect_value(&event, "pol", "deployers/ssh-to-web");
	event.rule = NULL;
	expect_value(&event, "pol", "deployers");
	event.rule = "ssh-to-web";
	event.policy = NULL;
	expect_value(&event, "pol", "-");
	event.policy = "";
	expect_value(&event, "pol", "-");
}

/* ---- values --------------------------------------------------------------- */

/* The fields that a client or an admin can fill, and their keys. */
static const struct {
	const char *key;
	size_t offset;
	size_t cap;
} fields[] = {
	{ "host", offsetof(struct fo_event, host), 40 },
	{ "id", offsetof(struct fo_event, id), 45 },
	{ "kind", offsetof(struct fo_event, kind), 5 },
	{ "name", offsetof(struct fo_event, name), 48 },
	{ "owner", offsetof(struct fo_event, owner), 48 },
	{ "jkt", offsetof(struct fo_event, jkt), 43 },
	{ "sid", offsetof(struct fo_event, sid), 22 },
	{ "user", offsetof(struct fo_event, user), 64 },
	{ "ruser", offsetof(struct fo_event, ruser), 24 },
	{ "svc", offsetof(struct fo_event, svc), 24 },
	{ "act", offsetof(struct fo_event, act), 16 },
	{ "what", offsetof(struct fo_event, what), 56 },
	{ "by", offsetof(struct fo_event, by), 32 },
	{ "src", offsetof(struct fo_event, src), 45 },
	{ "tty", offsetof(struct fo_event, tty), 16 },
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void
set_field(struct fo_event *event, size_t i, const char *text)
{
	memcpy((char *)event + fields[i].offset, &text, sizeof(text));
}

Test(event, a_missing_value_is_a_dash_and_a_dash_is_not)
{
	struct fo_event event;

	for (size_t i = 0; i < FIELDS; i++) {
		event = permitted();
		set_field(&event, i, NULL);
		expect_value(&event, fields[i].key, "-");
		set_field(&event, i, "");
		expect_value(&event, fields[i].key, "-");
		set_field(&event, i, "-");
		expect_value(&event, fields[i].key, "%2D");
		set_field(&event, i, "--");
		expect_value(&event, fields[i].key, "--");
	}
}

Test(event, any_byte_in_any_field_is_itself_or_escaped)
{
	char text[2] = "", want[4];
	struct fo_event event;

	for (size_t i = 0; i < FIELDS; i++) {
		for (int c = 1; c < 256; c++) {
			text[0] = (char)c;
			(void)snprintf(want, sizeof(want),
			    c < 0x20 || c > 0x7e || c == '"' || c == '\\' ||
			    c == '%' || c == '-' ? "%%%02X" : "%c",
			    (unsigned int)c);
			event = permitted();
			set_field(&event, i, text);
			expect_value(&event, fields[i].key, want);
		}
	}
}

Test(event, in_msg_a_space_of_a_value_is_escaped_too)
{
	struct fo_event event = permitted();

	event.user = "x from 1.1.1.1 (a \"%\\\n";
	expect_msg(&event, "agent build-bot of team-platform permitted to "
	    "sshd as x%20from%201.1.1.1%20(a%20%22%25%5C%0A from 10.2.3.4");
	expect_value(&event, "user", "x from 1.1.1.1 (a %22%25%5C%0A");
	event = permitted();
	event.user = "-";
	expect_msg(&event, "agent build-bot of team-platform permitted to "
	    "sshd as %2D from 10.2.3.4");
}

Test(event, a_reason_keeps_its_spaces_and_no_control_byte)
{
	struct fo_event event = permitted();

	event.res = FO_RES_ERROR;
	event.why = FO_ERR_STORE;
	event.detail = "a: 1% \"x\"\n\xc3\xa9";
	expect_msg(&event, "agent build-bot of team-platform refused to sshd "
	    "as deploy from 10.2.3.4: store (a: 1%25 %22x%22%0A%C3%A9)");
}

Test(event, a_value_at_its_cap_is_whole_and_one_byte_more_is_cut)
{
	struct fo_event event;
	char text[128], want[128];

	for (size_t i = 0; i < FIELDS; i++) {
		memset(text, 'x', sizeof(text));
		text[fields[i].cap] = '\0';
		event = permitted();
		set_field(&event, i, text);
		expect_value(&event, fields[i].key, text);
		text[fields[i].cap] = 'x';
		text[fields[i].cap + 1] = '\0';
		memset(want, 'x', sizeof(want));
		memcpy(want + fields[i].cap - 2, "%~", 3);
		expect_value(&event, fields[i].key, want);
	}
}

/* Escapes at every distance from the cap: cee_check sees a broken one. */
Test(event, a_cut_never_splits_an_escape)
{
	struct fo_event event;
	char text[4096];

	for (size_t i = 0; i < FIELDS; i++) {
		for (size_t lead = 0; lead < 4; lead++) {
			memset(text, '\n', sizeof(text));
			memset(text, 'x', lead);
			text[sizeof(text) - 1] = '\0';
			event = permitted();
			set_field(&event, i, text);
			free(format(&event));
		}
	}
	for (size_t lead = 0; lead < 64; lead++) {
		memset(text, 'x', lead);
		memset(text + lead, '\n', sizeof(text) - lead);
		text[2000] = '\0';
		event = permitted();
		event.detail = text;
		free(format(&event));
	}
}

/* ---- size ----------------------------------------------------------------- */

static struct fo_event
everything_at_its_cap(const char *filler)
{
	struct fo_event event = permitted();

	for (size_t i = 0; i < FIELDS; i++)
		set_field(&event, i, filler);
	event.policy = event.rule = event.detail = filler;
	event.proof = filler;
	event.ev = FO_EV_PRINCIPAL_CREATE;
	event.why = FO_ERR_NOT_AN_ACCOUNT;
	event.rc = INT_MIN;
	event.pid = INT_MIN;
	return event;
}

Test(event, it_never_exceeds_a_thousand_bytes)
{
	char filler[5000];
	struct fo_event event;
	char *text;

	for (int c = 1; c < 256; c++) {
		memset(filler, c, sizeof(filler));
		filler[sizeof(filler) - 1] = '\0';
		event = everything_at_its_cap(filler);
		text = format(&event);
		cr_expect_leq(strlen(text), FO_EVENT_MAX_BYTES);
		if (c == 'x')
			cr_expect_eq(strlen(text), FO_EVENT_MAX_BYTES, "msg "
			    "gets what the others leave");
		free(text);
	}
}

Test(event, an_identity_is_never_cut_whatever_else_is_long)
{
	struct fo_event event;
	char filler[5000];

	memset(filler, '\n', sizeof(filler));
	filler[sizeof(filler) - 1] = '\0';
	event = everything_at_its_cap(filler);
	event.id = ID;
	event.kind = "agent";
	event.name = NAME_48;
	event.owner = OWNER_48;
	event.jkt = JKT;
	event.sid = "4f9c2a1bq0T9b2c7dE1xYw";
	expect_value(&event, "id", ID);
	expect_value(&event, "kind", "agent");
	expect_value(&event, "name", NAME_48);
	expect_value(&event, "owner", OWNER_48);
	expect_value(&event, "jkt", JKT);
	expect_value(&event, "sid", "4f9c2a1bq0T9b2c7dE1xYw");
}

Test(event, every_why_fits_its_cap)
{
	struct fo_event event = permitted();

	for (int why = -100; why <= 0; why++) {
		event.why = (fo_err)why;
		expect_value(&event, "why", fo_err_word((fo_err)why));
	}
}

/* ---- time and machine ------------------------------------------------------- */

Test(event, its_time_is_utc_in_every_zone_and_locale)
{
	struct fo_event event = permitted();

	cr_assert_eq(setenv("TZ", "America/New_York", 1), 0);
	tzset();
	(void)setlocale(LC_ALL, "C.UTF-8");
	expect_value(&event, "t", "2026-11-23T18:30:00.123456Z");
	event.at.us = 7;
	expect_value(&event, "t", "2026-11-23T18:30:00.000007Z");
	event.at.us = 0;
	expect_value(&event, "t", "2026-11-23T18:30:00.000000Z");
	event.at.us = 999999;
	expect_value(&event, "t", "2026-11-23T18:30:00.999999Z");
	event.at.us = 1000000;
	expect_value(&event, "t", "-");
	event.at.us = -1;
	expect_value(&event, "t", "-");
	event.at.us = 7;
	event.at.s = 0;
	expect_value(&event, "t", "-");
	event.at.s = INT64_MAX;
	expect_value(&event, "t", "-");
}

Test(event, init_takes_the_time_from_the_clock_and_the_rest_from_the_kernel)
{
	struct fo_event event;
	struct machine m;

	machine_open(&m);
	cr_expect_eq(fo_event_init(&event, &m.clock), FO_OK);
	cr_expect_eq(event.at.s, MACHINE_NOW);
	cr_expect_eq(event.pid, getpid());
	cr_expect_null(event.id);
	machine_close(&m);
}

Test(event, a_sid_is_22_characters_and_never_the_same)
{
	char a[FO_SID_SIZE], b[FO_SID_SIZE];
	unsigned char bytes[16];
	size_t n = 0;

	cr_assert_eq(fo_sid_new(a), FO_OK);
	cr_assert_eq(fo_sid_new(b), FO_OK);
	cr_expect_eq(strlen(a), 22);
	cr_expect_eq(fo_b64url_decode(a, 22, bytes, sizeof(bytes), &n),
	    FO_OK);
	cr_expect_eq(n, 16);
	cr_expect_str_neq(a, b);
}
