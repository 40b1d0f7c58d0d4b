/*
 * Events read again: what was written, and nothing that was not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/event.h"
#include "host/event_read.h"

#define HEAD "@cee:{\"msg\":\"m\",\"v\":1," \
	"\"t\":\"2026-11-23T18:30:00.123456Z\"," \
	"\"host\":\"h\",\"ev\":\"auth\",\"res\":\"permit\",\"why\":\"ok\","
#define TAIL "\"rc\":0,\"id\":\"-\",\"kind\":\"-\",\"name\":\"-\"," \
	"\"owner\":\"-\"," \
	"\"jkt\":\"-\",\"proof\":\"-\",\"sid\":\"-\",\"user\":\"-\"," \
	"\"ruser\":\"-\",\"svc\":\"-\",\"act\":\"-\",\"what\":\"-\"," \
	"\"by\":\"-\",\"src\":\"-\",\"tty\":\"-\",\"pid\":1,\"auid\":2," \
	"\"ses\":3,\"pol\":\"-\"}"
#define GOOD HEAD TAIL

static struct fo_diag diag;
static struct fo_event_read event;

static fo_err
read_text(const char *text, size_t len)
{
	diag.text[0] = '\0';
	event.len = 4711;
	return fo_event_read(text, len, &diag, &event);
}

Test(event_read, an_event_is_read_as_it_was_written)
{
	struct fo_event written = { .at = { .s = 1795458600, .us = 7 },
		.host = "bastion", .ev = FO_EV_ACTION, .res = FO_RES_DENY,
		.why = FO_ERR_POLICY, .rc = -3, .name = "build-bot",
		.user = "a b\"", .what = "rm -rf /", .pid = 4711,
		.auid = UINT32_MAX, .policy = "p", .rule = "r" };
	char text[FO_EVENT_SIZE], value[64];

	cr_assert_eq(fo_event_format(&written, text), FO_OK);
	cr_assert_eq(read_text(text, strlen(text)), FO_OK, "%s", diag.text);
	cr_expect_eq(event.text, text);
	cr_expect_eq(event.len, strlen(text));
	cr_expect_not(event.newer);
	cr_expect_eq(event.t_us, 1795458600000007);
	cr_expect(fo_value_is(&event.value[FO_KEY_EV], "action"));
	cr_expect(fo_value_is(&event.value[FO_KEY_RC], "-3"));
	cr_expect(fo_value_is(&event.value[FO_KEY_USER], "a b%22"));
	cr_expect(fo_value_is(&event.value[FO_KEY_AUID], "4294967295"));
	cr_expect(fo_value_is(&event.value[FO_KEY_POL], "p/r"));
	cr_expect_not(fo_value_is(&event.value[FO_KEY_POL], "p/"));
	cr_expect_not(fo_value_is(&event.value[FO_KEY_POL], "p/rr"));
	cr_expect(fo_value_missing(&event.value[FO_KEY_SID]));
	cr_expect_not(fo_value_missing(&event.value[FO_KEY_NAME]));
	fo_value_copy(&event.value[FO_KEY_NAME], value, sizeof(value));
	cr_expect_str_eq(value, "build-bot");
	fo_value_copy(&event.value[FO_KEY_NAME], value, 4);
	cr_expect_str_eq(value, "bui");
}

Test(event_read, its_keys_are_those_of_the_line_in_their_order)
{
	const char *at = GOOD;
	char key[32];

	for (fo_event_key k = 0; k < FO_KEYS; k++) {
		(void)snprintf(key, sizeof(key), "\"%s\":%s",
		    fo_event_key_word(k), fo_event_key_is_number(k) ? "" :
		    "\"");
		cr_assert_not_null(at = strstr(at, key), "%s", key);
	}
	cr_expect_str_eq(fo_event_key_word(FO_KEYS), "");
}

Test(event_read, what_a_log_puts_after_it_does_not_matter)
{
	static const char text[] = GOOD " \r\n\0\0";

	cr_expect_eq(read_text(text, sizeof(text) - 1), FO_OK);
	cr_expect_eq(event.len, strlen(GOOD));
}

Test(event_read, a_newer_version_has_what_it_has)
{
	static const char text[] = "@cee:{\"v\":2,\"new\":\"x\",\"n\":-7,"
	    "\"t\":\"tomorrow\",\"res\":\"permit\"}";
	char value[8];

	cr_assert_eq(read_text(text, sizeof(text) - 1), FO_OK, "%s",
	    diag.text);
	cr_expect(event.newer);
	cr_expect_eq(event.t_us, -1);
	cr_expect(fo_value_is(&event.value[FO_KEY_RES], "permit"));
	cr_expect(fo_value_missing(&event.value[FO_KEY_NAME]));
	cr_expect_not(fo_value_is(&event.value[FO_KEY_NAME], ""));
	fo_value_copy(&event.value[FO_KEY_NAME], value, sizeof(value));
	cr_expect_str_eq(value, "-");
}

Test(event_read, what_is_no_event_is_refused_with_what_is_wrong)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{ "", "does not begin with @cee:" },
		{ "@cee", "does not begin with @cee:" },
		{ " " GOOD, "does not begin with @cee:" },
		{ "@cee:", "it is cut short" },
		{ "@cee:{", "it is cut short" },
		{ "@cee:{}", "byte 0x7d" },
		{ HEAD, "it is cut short" },
		{ GOOD "x", "something follows it" },
		{ GOOD "}", "something follows it" },
		{ HEAD "\"rc\":1," TAIL, "\"rc\" is there twice" },
		{ HEAD "\"x\":1," TAIL, "not version 1's" },
		{ HEAD "\"x\":1,\"x\":2," TAIL, "\"x\" is there twice" },
		{ "@cee:{\"v\":1}", "msg is missing" },
		{ "@cee:{\"v\":2,\"sender\":\"verified\"}",
		    "sender is not for an event to say" },
		{ "@cee:{\"v\":2,\"uid\":0}", "uid is not for" },
		{ "@cee:{\"msg\":\"m\"}", "it says no version" },
		{ "@cee:{\"v\":0}", "it says no version" },
		{ "@cee:{\"v\":-1}", "it says no version" },
		{ "@cee:{\"v\":\"1\"}", "v is no number" },
		{ "@cee:{\"msg\":1}", "msg is no text" },
		{ "@cee:{\"v\":01}", "byte 0x7d" },
		{ "@cee:{\"v\":-0}", "byte 0x7d" },
		{ "@cee:{\"v\":}", "byte 0x7d" },
		{ "@cee:{\"v\":1.5}", "byte 0x2e" },
		{ "@cee:{\"v\":true}", "byte 0x74" },
		{ "@cee:{\"v\":1234567890123456789}", "byte 0x7d" },
		{ "@cee:{\"a\":{}}", "byte 0x7b" },
		{ "@cee:{\"a\":\"\\n\"}", "byte 0x5c" },
		{ "@cee:{\"a\":\"\n\"}", "byte 0x0a" },
		{ "@cee:{\"a\":\"\xc3\xa9\"}", "byte 0xc3" },
		{ "@cee:{\"a\" :1}", "byte 0x20" },
		{ "@cee:[1]", "byte 0x5b" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(read_text(cases[i].text, strlen(cases[i].text)),
		    FO_ERR_FORMAT, "%s", cases[i].text);
		cr_expect_not_null(strstr(diag.text, cases[i].reason),
		    "%s: %s", cases[i].text, diag.text);
		cr_expect_eq(event.len, 4711, "untouched");
	}
}

Test(event_read, it_has_at_most_64_members)
{
	char text[2048];
	int n = 0;

	for (int members = 64; members <= 65; members++) {
		n = snprintf(text, sizeof(text), "@cee:{\"v\":2");
		for (int i = 1; i < members; i++)
			n += snprintf(text + n, sizeof(text) - (size_t)n,
			    ",\"k%d\":1", i);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "}");
		cr_expect_eq(read_text(text, (size_t)n), members == 64 ?
		    FO_OK : FO_ERR_FORMAT);
	}
	cr_expect_str_eq(diag.text, "more than 64 members");
}

Test(event_read, a_time_that_is_none_is_not_known)
{
	static const char *const times[] = { "-", "2026-11-23T18:30:00Z",
		"2026-11-23T18:30:00.12345aZ", "2026-11-31T18:30:00.123456Z",
		"2026-11-23T18:30:00.123456+", "2026-11-23T18:30:00,123456Z",
		"2026-11-23T18:30:00.123456ZZ" };
	char text[1100];

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		(void)snprintf(text, sizeof(text), "@cee:{\"v\":2,\"t\":\"%s\"}",
		    times[i]);
		cr_assert_eq(read_text(text, strlen(text)), FO_OK);
		cr_expect_eq(event.t_us, -1, "%s", times[i]);
	}
}
