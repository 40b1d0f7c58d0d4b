/*
 * JSON that is read to the byte, from where nothing may be read behind it.
 */
#include <sys/mman.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/diag.h"
#include "src/json.h"
#include "support/failing.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROOM (FO_JSON_MAX_BYTES + 4096)

static struct fo_diag diag;

/* The text stands right before a page that nobody may read. */
static fo_err
parse(const char *text, size_t len, struct fo_json **ret_root)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t room = (ROOM + page - 1) / page * page;
	char *place = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fo_err r;

	cr_assert(place != MAP_FAILED);
	cr_assert_eq(mprotect(place + room, page, PROT_NONE), 0);
	memcpy(place + room - len, text, len);
	diag.text[0] = '\0';
	r = fo_json_parse(place + room - len, len, "it", &diag, ret_root);
	cr_expect_eq(diag.text[0] != '\0', r == FO_ERR_FORMAT, "%s",
	    diag.text);
	cr_assert_eq(munmap(place, room + page), 0);
	return r;
}

static struct fo_json *
parsed(const char *text)
{
	struct fo_json *root = NULL;

	cr_assert_eq(parse(text, strlen(text), &root), FO_OK, "%s: %s", text,
	    diag.text);
	cr_assert_not_null(root);
	return root;
}

static void
expect_refused(const char *text, size_t len, const char *how, long at)
{
	struct fo_json *root = NULL;
	char want[96];

	cr_expect_eq(parse(text, len, &root), FO_ERR_FORMAT, "%s", text);
	cr_expect_null(root, "%s", text);
	if (at >= 0)
		(void)snprintf(want, sizeof(want), "it %s, at byte %ld", how,
		    at);
	else
		(void)snprintf(want, sizeof(want), "it %s, at byte ", how);
	cr_expect_not_null(strstr(diag.text, want), "%s: %s, not %s", text,
	    diag.text, want);
}

/* ---- strings ------------------------------------------------------------ */

Test(json, characters_come_out_as_they_are_meant)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "", "" }, { "a b", "a b" }, { "\x7f", "\x7f" },
		{ "\xc2\x80", "\xc2\x80" }, { "\xdf\xbf", "\xdf\xbf" },
		{ "\xe0\xa0\x80", "\xe0\xa0\x80" },
		{ "\xe1\x80\x80", "\xe1\x80\x80" },
		{ "\xec\xbf\xbf", "\xec\xbf\xbf" },
		{ "\xed\x9f\xbf", "\xed\x9f\xbf" },
		{ "\xee\x80\x80", "\xee\x80\x80" },
		{ "\xef\xbf\xbf", "\xef\xbf\xbf" },
		{ "\xf0\x90\x80\x80", "\xf0\x90\x80\x80" },
		{ "\xf1\x80\x80\x80", "\xf1\x80\x80\x80" },
		{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
		{ "\\u0001", "\x01" }, { "\\u007f", "\x7f" },
		{ "\\u0080", "\xc2\x80" }, { "\\u07ff", "\xdf\xbf" },
		{ "\\u0800", "\xe0\xa0\x80" }, { "\\uFFFF", "\xef\xbf\xbf" },
		{ "\\uAaFf", "\xea\xab\xbf" }, { "\\u09bc", "\xe0\xa6\xbc" },
		{ "\\uD7FF", "\xed\x9f\xbf" }, { "\\uE000", "\xee\x80\x80" },
		{ "\\ud800\\udc00", "\xf0\x90\x80\x80" },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
		{ "\\udbff\\udfff", "\xf4\x8f\xbf\xbf" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_json *root;
		char text[96];

		(void)snprintf(text, sizeof(text), "{\"a\":\"%s\",\"b\":\"x\"}",
		    cases[i].text);
		root = parsed(text);
		cr_expect_str_eq(fo_json_string(fo_json_member(root, "a")),
		    cases[i].want, "%s", text);
		cr_expect(fo_json_equals(fo_json_member(root, "b"), "x"));
		fo_json_free(&root);
	}
}

Test(json, bytes_that_are_no_utf8_are_refused_where_they_are)
{
	static const char *const cases[] = { "\x80", "\xbf", "\x80\x80\x80\x80",
		"\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x7f", "\xc2\xc0",
		"\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xe2\x82\x7f",
		"\xe2\x82\xc0", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf1\x80\x80", "\xf1\x80\x80\x7f", "\xf1\x80\x80\xc0",
		"\xf1\x80\x7f\x80", "\xf5\x80\x80\x80", "\xff\x80\x80\x80" };
	char text[32];

	for (size_t i = 0; i < COUNT(cases); i++) {
		int n = snprintf(text, sizeof(text), "{\"a\":\"%s\"}",
		    cases[i]);

		expect_refused(text, (size_t)n, "is not UTF-8", 6);
		/* and where the text is cut within them */
		n = snprintf(text, sizeof(text), "{\"a\":\"%.1s", cases[i]);
		expect_refused(text, (size_t)n, "is not UTF-8", 6);
	}
}

Test(json, escapes_that_are_none_are_refused_where_they_are)
{
	static const struct {
		const char *text;
		const char *how;
		long at;
	} cases[] = {
		{ "{\"a\":\"\\", "is not JSON", 6 },
		{ "{\"a\":\"\\n", "is not JSON", 8 },
		{ "{\"a\":\"\\q\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\q0041\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\u", "is not JSON", 6 },
		{ "{\"a\":\"\\u004", "is not JSON", 6 },
		{ "{\"a\":\"\\u0041", "is not JSON", 12 },
		{ "{\"a\":\"\\u004g\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\u004G\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\u004@\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\u004/\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\u004:\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\U0041\"}", "is not JSON", 6 },
		{ "{\"a\":\"\\u0000\"}", "has a NUL in it", -1 },
		{ "{\"a\":\"\\ud83d}", "has half a surrogate pair", 12 },
		{ "{\"a\":\"\\ud83dx0041\"}", "has half a surrogate pair",
		    12 },
		{ "{\"a\":\"\\ud83d\\xde00\"}", "has half a surrogate pair",
		    12 },
		{ "{\"a\":\"\\ud83d\\ud83d\"}", "has half a surrogate pair",
		    18 },
		{ "{\"a\":\"\\ud83d\\udbff\"}", "has half a surrogate pair",
		    18 },
		{ "{\"a\":\"\\ud83d\\ue000\"}", "has half a surrogate pair",
		    18 },
		{ "{\"a\":\"\\udbff\"}", "has half a surrogate pair", 12 },
		{ "{\"a\":\"\\udc00\"}", "has half a surrogate pair", 12 },
		{ "{\"a\":\"\\udc00\\udc00\"}", "has half a surrogate pair",
		    12 },
		{ "{\"a\":\"\\udfff\"}", "has half a surrogate pair", 12 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_refused(cases[i].text, strlen(cases[i].text),
		    cases[i].how, cases[i].at);
}

Test(json, a_string_ends_with_its_quote)
{
	static const char *const cases[] = { "{\"a\":\"x\n}", "{\"a\":\"x",
		"{\"a\":\"x\x1f\"}", "{\"a\n\":1}" };

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_refused(cases[i], strlen(cases[i]), "is not JSON", -1);
}

/* ---- numbers ------------------------------------------------------------ */

Test(json, numbers_are_what_rfc_8259_says)
{
	static const struct {
		const char *text;
		double want;
	} good[] = {
		{ "0", 0 }, { "-0", 0 }, { "1", 1 }, { "9", 9 }, { "10", 10 },
		{ "-12.5", -12.5 }, { "0.25", 0.25 }, { "1e3", 1000 },
		{ "1E+2", 100 }, { "5e-1", 0.5 }, { "1234567890", 1234567890 },
	};
	static const char *const bad[] = { "01", "+1", "1.", ".5", "1e", "1e+",
		"-", "--1", "1/", "1:", "/", ":", "1e+-2", "0x1", "1.e1",
		"Infinity", "NaN", "1,5," };
	char text[64];
	double real;

	for (size_t i = 0; i < COUNT(good); i++) {
		struct fo_json *root;

		(void)snprintf(text, sizeof(text), "{\"a\":%s}", good[i].text);
		root = parsed(text);
		cr_expect(fo_json_real(fo_json_member(root, "a"), &real));
		cr_expect(real >= good[i].want && real <= good[i].want, "%s",
		    text);
		fo_json_free(&root);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		const int n = snprintf(text, sizeof(text), "{\"a\":%s}",
		    bad[i]);

		expect_refused(text, (size_t)n, "is not JSON", -1);
	}
	expect_refused("{\"a\":1", 6, "is not JSON", 6);
	expect_refused("{\"a\":1e999}", 11, "has a number out of range", 10);
	expect_refused("{\"a\":-1e999}", 12, "has a number out of range", 11);
}

Test(json, a_number_needs_a_locale_and_memory)
{
	struct fo_json *root = NULL;

	failing("newlocale", 0, ENOMEM);
	cr_expect_eq(parse("{\"a\":1}", 7, &root), FO_ERR_NOMEM);
	failing_none();
	cr_expect_null(root);
}

/* ---- values ------------------------------------------------------------- */

Test(json, what_is_damaged_is_refused_where_it_is)
{
	static const struct {
		const char *text;
		const char *how;
		long at;
	} cases[] = {
		{ "", "is not JSON", 0 }, { "{", "is not JSON", 1 },
		{ "{\"a\"", "is not JSON", 4 }, { "{\"a\":", "is not JSON", 5 },
		{ "{\"a\" 1}", "is not JSON", 5 }, { "{a\":1}", "is not JSON", 1 },
		{ "{\"\\ud83d:1}", "has half a surrogate pair", 8 },
		{ "{\"a\":1,}", "is not JSON", 7 },
		{ "{\"a\":1", "is not JSON", 6 },
		{ "{\"a\":1]", "is not JSON", 6 },
		{ "{\"a\":[1}", "is not JSON", 7 },
		{ "{\"a\":[1,]}", "is not JSON", 8 },
		{ "{\"a\":[x]}", "is not JSON", 6 },
		{ "{\"a\":[\"\\ud83d]}", "has half a surrogate pair", 13 },
		{ "{\"a\":[[[[[[[[[[[[[[[", "is not JSON", 20 },
		{ "{\"a\":true", "is not JSON", 9 },
		{ "{\"a\":tru", "is not JSON", 5 },
		{ "{\"a\":True}", "is not JSON", 5 },
		{ "{\"a\":1,\"a\":2}", "has a member twice", 10 },
		{ "{\"a\":1,\"\\u0061\":2}", "has a member twice", 15 },
		{ "{\"a\":1}x", "goes on after its end", 7 },
		{ "{\"a\":1}{}", "goes on after its end", 7 },
		{ "[]", "is not a JSON object", 2 },
		{ "\"a\"", "is not a JSON object", 3 },
		{ "1", "is not a JSON object", 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		expect_refused(cases[i].text, strlen(cases[i].text),
		    cases[i].how, cases[i].at);
	expect_refused("{\"a\":\"x\0\"}", 10, "has a NUL in it", 0);
	expect_refused("{}\0", 3, "has a NUL in it", 0);
}

Test(json, values_are_found_by_name_and_place)
{
	struct fo_json *root = parsed(" {\t\"a\" : [ \"x\" , \"y\",\"z\" ],\r\n"
	    "\"b\":[],\"c\":{\"d\":true,\"e\":null},\"f\":false} ");
	const struct fo_json *a = fo_json_member(root, "a");
	const struct fo_json *c = fo_json_member(root, "c");
	double real = 42;

	cr_expect(fo_json_is_object(root));
	cr_expect(fo_json_array_has(a, "x"));
	cr_expect(fo_json_array_has(a, "y"));
	cr_expect(fo_json_array_has(a, "z"));
	cr_expect_not(fo_json_array_has(a, "w"));
	cr_expect_not(fo_json_is_empty_array(a));
	cr_expect(fo_json_is_empty_array(fo_json_member(root, "b")));
	cr_expect_not(fo_json_is_empty_array(c));
	cr_expect(fo_json_is_object(c));
	cr_expect_not_null(fo_json_member(c, "d"));
	cr_expect_not_null(fo_json_member(c, "e"));
	cr_expect_null(fo_json_member(c, "f"));
	cr_expect_null(fo_json_member(a, "x"));
	cr_expect_null(fo_json_member(NULL, "x"));
	cr_expect_null(fo_json_string(a));
	cr_expect_null(fo_json_string(NULL));
	cr_expect_not(fo_json_real(a, &real));
	cr_expect_not(fo_json_real(NULL, &real));
	cr_expect(real > 41 && real < 43);
	fo_json_free(&root);
	cr_expect_null(root);
	fo_json_free(&root);
	fo_json_free(NULL);
}

Test(json, the_values_of_an_array_are_counted_from_nought)
{
	struct fo_json *root = parsed("{\"a\":[\"x\",[],\"z\"],\"b\":[],"
	    "\"c\":{\"d\":\"x\"},\"e\":\"x\"}");
	const struct fo_json *a = fo_json_member(root, "a");

	cr_expect(fo_json_equals(fo_json_item(a, 0), "x"));
	cr_expect(fo_json_is_empty_array(fo_json_item(a, 1)));
	cr_expect(fo_json_equals(fo_json_item(a, 2), "z"));
	cr_expect_null(fo_json_item(a, 3));
	cr_expect_null(fo_json_item(a, SIZE_MAX));
	cr_expect_null(fo_json_item(fo_json_member(root, "b"), 0));
	cr_expect_null(fo_json_item(fo_json_member(root, "c"), 0));
	cr_expect_null(fo_json_item(fo_json_member(root, "e"), 0));
	cr_expect_null(fo_json_item(NULL, 0));
	fo_json_free(&root);
}

Test(json, a_member_that_nobody_knows_is_told)
{
	static const char *const names[] = { "a", "b", NULL };
	static const char *const none[] = { NULL };
	static const struct {
		const char *text;
		const char *stranger;
	} cases[] = {
		{ "{}", NULL }, { "{\"a\":1}", NULL }, { "{\"b\":1}", NULL },
		{ "{\"b\":1,\"a\":2}", NULL }, { "{\"c\":1}", "c" },
		{ "{\"a\":{\"c\":1}}", NULL },
		{ "{\"a\":1,\"c\":2,\"b\":3}", "c" },
		{ "{\"a\":1,\"d\":2,\"c\":3}", "d" },
		{ "{\"\":1}", "" }, { "{\"ab\":1}", "ab" },
	};
	struct fo_json *root;
	const char *found;

	for (size_t i = 0; i < COUNT(cases); i++) {
		root = parsed(cases[i].text);
		found = fo_json_stranger(root, names);
		if (cases[i].stranger == NULL)
			cr_expect_null(found, "%s", cases[i].text);
		else
			cr_expect_str_eq(found, cases[i].stranger, "%s",
			    cases[i].text);
		fo_json_free(&root);
	}
	root = parsed("{\"a\":[1],\"b\":\"x\"}");
	cr_expect_str_eq(fo_json_stranger(root, none), "a");
	cr_expect_null(fo_json_stranger(fo_json_member(root, "a"), names));
	cr_expect_null(fo_json_stranger(fo_json_member(root, "b"), names));
	cr_expect_null(fo_json_stranger(NULL, names));
	fo_json_free(&root);
}

Test(json, true_and_false_are_flags_and_nothing_else_is)
{
	struct fo_json *root = parsed("{\"t\":true,\"f\":false,\"n\":null,"
	    "\"one\":1,\"s\":\"true\",\"a\":[true],\"o\":{}}");
	static const char *const others[] = { "n", "one", "s", "a", "o",
		"none" };
	bool flag = false;

	cr_expect(fo_json_flag(fo_json_member(root, "t"), &flag));
	cr_expect(flag);
	for (size_t i = 0; i < COUNT(others); i++) {
		cr_expect_not(fo_json_flag(fo_json_member(root, others[i]),
		    &flag), "%s", others[i]);
		cr_expect(flag, "untouched");
	}
	cr_expect(fo_json_flag(fo_json_member(root, "f"), &flag));
	cr_expect_not(flag);
	fo_json_free(&root);
}

/* A text of so many pieces: head, which of them it is, tail (or no tail). */
static char *
make(const char *before, const char *head, const char *tail, int count,
    const char *after)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	(void)fputs(before, f);
	for (int i = 0; i < count; i++) {
		(void)fputs(head, f);
		if (tail != NULL)
			(void)fprintf(f, "%d%s", i, tail);
	}
	(void)fputs(after, f);
	cr_assert_eq(fclose(f), 0);
	return text;
}

Test(json, limits_are_reached_and_not_passed)
{
	static const struct {
		const char *tail;
		const char *after;
		int most;
		const char *how;
	} cases[] = {
		{ "\":0,", "\"z\":0}", FO_JSON_MAX_MEMBERS - 1,
		    "has an object with too many members" },
		{ "\":{", "\"z\":0", FO_JSON_MAX_DEPTH - 1,
		    "is nested too deep" },
	};
	char *text, *closed;

	for (size_t i = 0; i < COUNT(cases); i++)
		for (int over = 0; over < 2; over++) {
			const int n = cases[i].most + over;

			text = make("{", "\"", cases[i].tail, n,
			    cases[i].after);
			closed = make(text, "}", NULL, i == 1 ? n + 1 : 0,
			    "");
			if (over == 0) {
				struct fo_json *root = parsed(closed);

				fo_json_free(&root);
			} else {
				expect_refused(closed, strlen(closed),
				    cases[i].how, -1);
			}
			free(text);
			free(closed);
		}
}

Test(json, a_text_of_65536_bytes_is_read_and_no_longer_one)
{
	char *text = make("{}", " ", NULL, FO_JSON_MAX_BYTES - 2, "");
	struct fo_json *root = parsed(text);

	fo_json_free(&root);
	free(text);
	text = make("{}", " ", NULL, FO_JSON_MAX_BYTES - 1, "");
	expect_refused(text, strlen(text), "is too long", 0);
	free(text);
}

/* ---- writing ------------------------------------------------------------ */

Test(json, only_what_has_to_be_is_escaped)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "", "\"\"" }, { "a b/c", "\"a b/c\"" },
		{ "\"\\", "\"\\\"\\\\\"" }, { "\x01\x1f\n", "\"\\u0001\\u001f"
		    "\\u000a\"" },
		{ " \x7f\xc3\xa4\xf0\x9f\x98\x80", "\" \x7f\xc3\xa4"
		    "\xf0\x9f\x98\x80\"" },
		{ "a\n\xf0\x9f\x98\x80", "\"a\\u000a"
		    "\xf0\x9f\x98\x80\"" },
	};
	struct fo_buf buf;

	for (size_t i = 0; i < COUNT(cases); i++) {
		fo_buf_init(&buf, 256);
		cr_expect_eq(fo_json_add_string(&buf, cases[i].text), FO_OK);
		cr_expect_eq(buf.len, strlen(cases[i].want));
		cr_expect_str_eq(buf.data, cases[i].want);
		fo_buf_clear(&buf);
	}
	fo_buf_init(&buf, 256);
	cr_expect_eq(fo_json_add_string(&buf, "x\xff"), FO_ERR_FORMAT);
	cr_expect_eq(buf.len, 0);
	fo_buf_clear(&buf);
}
