/*
 * The YAML subset: what is read, and every way in which a file is refused.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/node.h"

#define PATH "/etc/firstops/x.yaml"

static fo_err
parse(const char *text, size_t len, struct fo_diag *diag,
    struct fo_node **ret_root)
{
	diag->text[0] = '\0';
	return fo_node_parse(PATH, text, len, diag, ret_root);
}

/* The text is refused in this line, for this reason and with this remedy. */
static void
refused(const char *text, size_t len, size_t line, const char *what,
    const char *remedy)
{
	struct fo_node *root = NULL;
	struct fo_diag diag;
	char place[64];

	(void)snprintf(place, sizeof(place), PATH ":%zu: ", line);
	cr_expect_eq(parse(text, len, &diag, &root), FO_ERR_FORMAT, "%s",
	    text);
	cr_expect_null(root, "%s", text);
	cr_expect_eq(strncmp(diag.text, place, strlen(place)), 0,
	    "wanted %s in: %s", place, diag.text);
	cr_expect_not_null(strstr(diag.text, what), "wanted '%s' in: %s",
	    what, diag.text);
	cr_expect_not_null(strstr(diag.text, remedy), "wanted '%s' in: %s",
	    remedy, diag.text);
}

static struct fo_node *
accepted(const char *text)
{
	struct fo_node *root = NULL;
	struct fo_diag diag;

	cr_assert_eq(parse(text, strlen(text), &diag, &root), FO_OK,
	    "%s\n%s", diag.text, text);
	return root;
}

Test(node, reads_maps_lists_and_texts_with_their_lines)
{
	struct fo_node *root = accepted("---\n# comment\na: one\n"
	    "b: [x, \"y z\"]\nc:\n  - d: 1\n    e: {f: g}\n...\n");
	const struct fo_node *b, *c;

	cr_assert_eq(root->type, FO_NODE_MAP);
	cr_assert_eq(root->count, 3);
	cr_expect_str_eq(fo_node_get(root, "a")->text, "one");
	cr_expect_eq(fo_node_get(root, "a")->line, 3);
	cr_expect(fo_node_get(root, "a")->plain);
	b = fo_node_get(root, "b");
	cr_assert_eq(b->type, FO_NODE_LIST);
	cr_assert_eq(b->count, 2);
	cr_expect_str_eq(b->items[1]->text, "y z");
	cr_expect_not(b->items[1]->plain);
	c = fo_node_get(root, "c");
	cr_assert_eq(c->count, 1);
	cr_expect_eq(c->items[0]->line, 6);
	cr_expect_str_eq(fo_node_get(fo_node_get(c->items[0], "e"), "f")->text,
	    "g");
	cr_expect_eq(c->items[0]->key_lines[1], 7);
	cr_expect_null(fo_node_get(root, "z"));
	cr_expect_null(fo_node_get(b, "a"));
	fo_node_free(&root);
	cr_expect_null(root);
}

Test(node, takes_the_ways_of_writing_that_people_use)
{
	static const char *const texts[] = {
		"a: b\n...\n",			/* no --- */
		"---\na: b\n...",		/* no last newline */
		"---\r\na: b\r\n...\r\n",	/* DOS lines */
		"--- # c\na: b\n... # c\n# c\n",
		"---\na: 'it''s'\n...\n",
		"---\na: \"\\u00e4\\t\"\n...\n",
		"---\na: |\n  two\n  lines\n...\n",
		"---\na: >-\n  folded\n  text\n...\n",
		"---\n\"a\": b\n? c\n: d\n...\n",
		"---\na: \xc3\xa4 \xf0\x9f\x90\xa7\n...\n",
		"---\na: b!c &d *e\n...\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fo_node *root = accepted(texts[i]);

		fo_node_free(&root);
	}
}

Test(node, empty_tilde_and_null_are_the_empty_plain_text)
{
	struct fo_node *root = accepted(
	    "---\na:\nb: ~\nc: null\nd: \"\"\ne: \"null\"\n...\n");

	for (size_t i = 0; i < 3; i++) {
		cr_expect_str_empty(root->items[i]->text);
		cr_expect(root->items[i]->plain);
	}
	cr_expect_str_empty(root->items[3]->text);
	cr_expect_not(root->items[3]->plain);
	cr_expect_str_eq(root->items[4]->text, "null");
	fo_node_free(&root);
}

Test(node, refuses_what_has_a_second_meaning_and_says_where_and_how_to_mend)
{
	static const struct {
		const char *text;
		size_t line;
		const char *what;
		const char *remedy;
	} cases[] = {
		{ "---\na: b\n", 3, "closing \"...\" is missing",
		    "restore it from a copy" },
		{ "---\na: b\n---\nc: d\n...\n", 3,
		    "closing \"...\" is missing", "add a last line" },
		{ "", 1, "empty", "restore it from a copy" },
		{ "# only a comment\n", 1, "empty", "restore" },
		{ "---\na: \"torn", 2, "ends too early", "restore" },
		{ "---\na: [torn, ", 3, "ends too early", "restore" },
		{ "---\na: b\n...\n---\nc: d\n...\n", 4, "second document",
		    "one document a file" },
		{ "---\na: b\n...\nc: d\n", 4, "more text after",
		    "one document a file" },
		{ "%YAML 1.1\n---\na: b\n...\n", 1, "directive",
		    "begin the file with" },
		{ "%TAG ! tag:x,2026:\n---\na: b\n...\n", 1, "directive",
		    "begin the file with" },
		{ "%FOO bar\n---\na: b\n...\n", 1, "directive", "mend" },
		{ "---\na: &x b\n...\n", 2, "anchor", "write the value out" },
		{ "---\na: &x [b]\n...\n", 2, "anchor", "write the value" },
		{ "--- &x\na: b\n...\n", 1, "anchor", "write the value out" },
		{ "---\n&x a: b\n...\n", 2, "anchor", "write the value out" },
		{ "---\na: *x\n...\n", 2, "alias", "write the value out" },
		{ "---\n*x : b\n...\n", 2, "alias", "write the value out" },
		{ "---\na: !!str b\n...\n", 2, "tag", "take out" },
		{ "---\na: !local b\n...\n", 2, "tag", "take out" },
		{ "---\na: ! b\n...\n", 2, "tag", "take out" },
		{ "---\na: ! \"b\"\n...\n", 2, "tag", "take out" },
		{ "---\na: !\n...\n", 2, "tag", "take out" },
		{ "---\na: ! [b]\n...\n", 2, "tag", "take out" },
		{ "---\n!!map {a: b}\n...\n", 2, "tag", "take out" },
		{ "---\n! a: b\n...\n", 2, "tag", "take out" },
		{ "---\na: b\nc: d\na: e\n...\n", 4,
		    "key 'a' is there already, in line 2", "keep one" },
		{ "---\na: b\n\"a\": c\n...\n", 3,
		    "key 'a' is there already, in line 2", "keep one" },
		{ "---\nx: {a: b, a: c}\n...\n", 2, "key 'a' is there",
		    "keep one" },
		{ "---\n? [a]\n: b\n...\n", 2, "a key is a list or a map",
		    "plain word" },
		{ "---\n{a: b}: c\n...\n", 2, "a key is a list or a map",
		    "plain word" },
		{ "---\na: active\n  suspended\n...\n", 2,
		    "goes on in the next line", "in quotes" },
		{ "---\na: \"x\\0y\"\n...\n", 2, "NUL", "take it out" },
		{ "---\n\"x\\0y\": a\n...\n", 2, "NUL", "take it out" },
		{ "---\na: b\n c: d\n...\n", 2, "goes on in the next line",
		    "in quotes" },
		{ "---\na: \"b\"\n c: d\n...\n", 3, "not YAML", "mend" },
		{ "---\na: b: c\n...\n", 2, "not YAML (mapping values are "
		    "not allowed in this context)", "mend" },
		{ "---\na: [b\n...\n", 3, "not YAML", "mend" },
		{ "---\na: \"b\n...\nc\"\n...\n", 3, "not YAML", "mend" },
		{ "---\na: @b\n...\n", 2, "not YAML", "mend" },
		{ "---\na: b\xff\n...\n", 2, "0xff is not UTF-8",
		    "save the file as UTF-8" },
		{ "---\na: \xc0\xaf\n...\n", 2, "0xc0 is not UTF-8", "save" },
		{ "---\na: \xed\xa0\x80\n...\n", 2, "not UTF-8", "save" },
		{ "---\na: \xe0\x80\xaf\n...\n", 2, "not UTF-8", "save" },
		{ "---\na: \xf4\x90\x80\x80\n...\n", 2, "not UTF-8", "save" },
		{ "---\na: b\n...\n\xe2\x80", 4, "not UTF-8", "save" },
		{ "\xff\xfe-\n", 1, "UTF-16", "save it as UTF-8" },
		{ "\xfe\xff-\n", 1, "UTF-16", "save it as UTF-8" },
		{ "\xff\xfe", 1, "UTF-16", "save it as UTF-8" },
		{ "\xff-\n", 1, "0xff is not UTF-8", "save" },
		{ "\xfe-\n", 1, "0xfe is not UTF-8", "save" },
		{ "-\xfe\n", 1, "0xfe is not UTF-8", "save" },
		{ "-\xff\n", 1, "0xff is not UTF-8", "save" },
		{ "\xef\xbb\xbf---\na: b\n...\n", 1, "control character",
		    "take it out" },
		{ "---\na: b\x1b[1m\n...\n", 2, "control character (byte "
		    "0x1b)", "take it out" },
		{ "---\n# x\ra: b\n...\n", 2, "control character (byte 0x0d)",
		    "take it out" },
		{ "---\na: b\n...\r", 3, "control character (byte 0x0d)",
		    "take it out" },
		{ "---\na: b\r\nc: \x01\r\n...\r\n", 3,
		    "control character (byte 0x01)", "take it out" },
		/* line breaks of YAML that editors do not show as such */
		{ "---\n# x\xe2\x80\xa8" "a: b\n...\n", 2, "control char",
		    "take it out" },
		{ "---\n# x\xc2\x85" "a: b\n...\n", 2, "control char",
		    "take it out" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i].text, strlen(cases[i].text), cases[i].line,
		    cases[i].what, cases[i].remedy);
}

Test(node, a_nul_byte_is_refused_and_does_not_end_the_text)
{
	static const char text[] = "---\na: b\n...\n\0c: d\n";

	refused(text, sizeof(text) - 1, 4, "control character (byte 0x00)",
	    "take it out");
}

/* What stands behind its last byte is not looked at. */
Test(node, a_text_is_judged_by_its_own_bytes_only)
{
	refused("---\na: b\n...\r\n", strlen("---\na: b\n...\r"), 3,
	    "control character (byte 0x0d)", "take it out");
	refused("\xff\xfe", 1, 1, "0xff is not UTF-8", "save");
	refused("---\na: \xc3\xa4", strlen("---\na: \xc3"), 2,
	    "0xc3 is not UTF-8", "save");
	refused("---\na: b\n...\n", strlen("---\na: b\n"), 3,
	    "closing \"...\" is missing", "restore");
}

/*
 * A file cut anywhere lets nobody in: only the last newline may be missing.
 */
Test(node, a_text_that_is_cut_at_any_byte_is_refused)
{
	static const char text[] = "---\nstatus: active\nkeys:\n"
	    "  - thumbprint: \"x\"\n    revoked: 1\naccounts: [a, 'b']\n"
	    "note: |\n  ...\n  more\nlast: word\n...\n";

	for (size_t len = 0; len < sizeof(text) - 2; len++) {
		struct fo_node *root = NULL;
		struct fo_diag diag;

		cr_expect_eq(parse(text, len, &diag, &root), FO_ERR_FORMAT,
		    "cut at %zu", len);
		cr_expect_eq(strncmp(diag.text, PATH ":", strlen(PATH) + 1),
		    0, "%s", diag.text);
		fo_node_free(&root);
	}
}

/* n times one text, then another. */
static char *
repeated(const char *unit, size_t n, const char *tail, size_t *ret_len)
{
	const size_t u = strlen(unit);
	char *text = malloc(u * n + strlen(tail) + 1);

	cr_assert_not_null(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * u, unit, u);
	memcpy(text + u * n, tail, strlen(tail) + 1);
	*ret_len = u * n + strlen(tail);
	return text;
}

Test(node, sixteen_levels_are_read_and_seventeen_are_not)
{
	struct fo_node *root;
	size_t len;
	char *text;

	text = repeated("[", 16, "a]]]]]]]]]]]]]]]]\n...\n", &len);
	root = accepted(text);
	fo_node_free(&root);
	free(text);
	text = repeated("[", 17, "a]]]]]]]]]]]]]]]]]\n...\n", &len);
	refused(text, len, 1, "more than 16 levels deep", "write it anew");
	free(text);
	text = repeated("{a: ", 17, "b}}}}}}}}}}}}}}}}}\n...\n", &len);
	refused(text, len, 1, "more than 16 levels deep", "write it anew");
	free(text);
	text = repeated("- ", 17, "b\n...\n", &len);
	refused(text, len, 1, "more than 16 levels deep", "write it anew");
	free(text);
}

/*
 * libyaml alone needs seconds for these. Depth is judged as events come, so
 * the time limit is one that only a quadratic reader meets.
 */
Test(node, deep_nesting_ends_early, .timeout = 5)
{
	static const char *const units[] = { "[", "{a: ", "- ", "? ", "{? ",
		"- [", "!!x [", "&a [", "[[\n" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct fo_node *root = NULL;
		struct fo_diag diag;
		size_t len;
		char *text = repeated(units[i], 65000 / strlen(units[i]),
		    "\n...\n", &len);

		for (int k = 0; k < 20; k++)
			cr_expect_eq(parse(text, len, &diag, &root),
			    FO_ERR_FORMAT, "%s", units[i]);
		free(text);
	}
}

Test(node, a_file_of_64_kib_is_read_and_one_byte_more_is_not)
{
	struct fo_node *root;
	size_t len;
	char *text;

	text = repeated("#", FO_FILE_MAX_BYTES - 10, "\na: b\n...\n", &len);
	cr_assert_eq(len, FO_FILE_MAX_BYTES);
	root = accepted(text);
	fo_node_free(&root);
	free(text);
	text = repeated("#", FO_FILE_MAX_BYTES - 9, "\na: b\n...\n", &len);
	refused(text, len, 1, "larger than 65536 bytes", "take something");
	free(text);
}

Test(node, a_map_has_at_most_256_keys)
{
	char text[4096] = "---\n";
	size_t n = strlen(text);
	struct fo_node *root;

	for (int i = 0; i < FO_NODE_MAX_KEYS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "k%d: v\n",
		    i);
	(void)snprintf(text + n, sizeof(text) - n, "...\n");
	root = accepted(text);
	cr_expect_eq(root->count, FO_NODE_MAX_KEYS);
	fo_node_free(&root);
	(void)snprintf(text + n, sizeof(text) - n, "more: v\n...\n");
	refused(text, strlen(text), FO_NODE_MAX_KEYS + 2,
	    "more than 256 keys", "take some out");
}

/* ---- the reader ------------------------------------------------------ */

/* A reader that has refused, in this line, for this reason. */
static void
failed(const struct fo_reader *rd, size_t line, const char *what)
{
	char place[64];

	(void)snprintf(place, sizeof(place), PATH ":%zu: ", line);
	cr_expect_eq(rd->err, FO_ERR_FORMAT, "%s", what);
	cr_expect_eq(strncmp(rd->diag->text, place, strlen(place)), 0,
	    "wanted %s in: %s", place, rd->diag->text);
	cr_expect_not_null(strstr(rd->diag->text, what),
	    "wanted '%s' in: %s", what, rd->diag->text);
}

static struct fo_reader
reader(struct fo_diag *diag)
{
	diag->text[0] = '\0';
	return (struct fo_reader){ .name = PATH, .diag = diag, .err = FO_OK };
}

static const char *const words[] = { "revoked", "suspended", "active", NULL };

Test(node, a_misspelt_key_is_refused_with_the_nearest_right_name)
{
	static const char *const known[] = { "version", "status", NULL };
	struct fo_node *root = accepted("---\nversion: 1\nstatsu: x\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	fo_reader_map(&rd, root, known);
	failed(&rd, 3, "unknown key 'statsu'; did you mean 'status'?");
	fo_node_free(&root);
	root = accepted("---\nbananas: x\n...\n");
	rd = reader(&diag);
	fo_reader_map(&rd, root, known);
	failed(&rd, 2, "unknown key 'bananas'; take it out");
	fo_node_free(&root);
}

Test(node, a_list_in_place_of_a_map_is_refused_before_its_keys)
{
	static const char *const known[] = { "version", NULL };
	struct fo_node *root = accepted("---\n- version\n- b\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	fo_reader_map(&rd, root, known);
	failed(&rd, 2, "a map is expected here; write lines of the form");
	fo_node_free(&root);
}

/* A map that a file may leave out has no keys, and is no failure. */
Test(node, of_no_map_every_value_is_absent)
{
	static const char *const known[] = { "version", NULL };
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	fo_reader_map(&rd, NULL, known);
	cr_expect_null(fo_node_get(NULL, "a"));
	cr_expect_null(fo_reader_text(&rd, NULL, "a", true));
	cr_expect_null(fo_reader_list(&rd, NULL, "a", true));
	cr_expect_eq(fo_reader_int(&rd, NULL, "a", 1, 300, 60), 60);
	cr_expect_eq(fo_reader_time(&rd, NULL, "a", true), 0);
	cr_expect_eq(fo_reader_word(&rd, NULL, "a", words), 0);
	cr_expect_eq(rd.err, FO_OK, "%s", diag.text);
}

Test(node, a_required_key_that_is_missing_is_named_whatever_its_kind)
{
	struct fo_node *root = accepted("---\na: b\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	cr_expect_null(fo_reader_list(&rd, root, "list", true));
	failed(&rd, 2, "required key 'list' is missing; add it");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_time(&rd, root, "time", true), 0);
	failed(&rd, 2, "required key 'time' is missing; add it");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_word(&rd, root, "word", words), 0);
	failed(&rd, 2, "required key 'word' is missing; add it");
	rd = reader(&diag);
	fo_reader_version(&rd, root);
	failed(&rd, 2, "required key 'version' is missing; add it");
	fo_node_free(&root);
}

Test(node, a_whole_number_has_one_way_of_being_written)
{
	static const struct {
		const char *text;
		int64_t want;	/* -1: refused */
	} cases[] = {
		{ "0", 0 }, { "7", 7 }, { "10", 10 }, { "90210", 90210 },
		{ "999999999999999999", 999999999999999999 },
		{ "1000000000000000000", -1 }, { "-7", -7 },
		{ "\"\"", -1 }, { "\"-\"", -1 }, { "00", -1 }, { "01", -1 },
		{ "-01", -1 }, { "--7", -1 }, { "+7", -1 }, { "7-", -1 },
		{ "7.0", -1 }, { "0x7", -1 }, { "7e1", -1 }, { "\" 7\"", -1 },
		{ "\"7 \"", -1 }, { "x", -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		struct fo_node *root;
		struct fo_diag diag;
		struct fo_reader rd = reader(&diag);
		int64_t got;

		(void)snprintf(text, sizeof(text), "---\na: %s\n...\n",
		    cases[i].text);
		root = accepted(text);
		got = fo_reader_int(&rd, root, "a", -7, INT64_MAX, -1);
		cr_expect_eq(got, cases[i].want, "%s: %lld", cases[i].text,
		    (long long)got);
		if (cases[i].want == -1)
			failed(&rd, 2, "write a whole number from -7 to "
			    "9223372036854775807");
		else
			cr_expect_eq(rd.err, FO_OK, "%s", diag.text);
		fo_node_free(&root);
	}
}

Test(node, a_number_is_within_its_limits_or_refused)
{
	struct fo_node *root = accepted("---\nlow: 4\nfirst: 5\nlast: 8\n"
	    "high: 9\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	cr_expect_eq(fo_reader_int(&rd, root, "first", 5, 8, 6), 5);
	cr_expect_eq(fo_reader_int(&rd, root, "last", 5, 8, 6), 8);
	cr_expect_eq(rd.err, FO_OK, "%s", diag.text);
	cr_expect_eq(fo_reader_int(&rd, root, "low", 5, 8, 6), 6);
	failed(&rd, 2, "'4'; write a whole number from 5 to 8");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_int(&rd, root, "high", 5, 8, 6), 6);
	failed(&rd, 5, "'9'; write a whole number from 5 to 8");
	fo_node_free(&root);
}

Test(node, the_first_reason_stays_and_nothing_is_read_after_it)
{
	struct fo_node *root = accepted("---\na: b\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	cr_expect_null(fo_reader_text(&rd, root, "missing", true));
	cr_expect_null(fo_reader_text(&rd, root, "a", true));
	cr_expect_null(fo_reader_texts(&rd, root, "a", NULL, "a list"));
	fo_reader_fail(&rd, 9, "something else");
	failed(&rd, 2, "required key 'missing' is missing; add it");
	fo_node_free(&root);
}

Test(node, a_key_that_is_there_has_a_value_of_its_kind)
{
	static const char text[] = "---\nempty:\ntilde: ~\nquoted: \"\"\n"
	    "list: [a]\nmap: {a: b}\nword: activ\nint: 010\nbig: 301\n"
	    "time: 2026-02-30T00:00:00Z\nepoch: 1970-01-01T00:00:00Z\n...\n";
	struct fo_node *root = accepted(text);
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	cr_expect_null(fo_reader_text(&rd, root, "empty", false));
	failed(&rd, 2, "'empty' has no value; give it one or take");
	rd = reader(&diag);
	cr_expect_null(fo_reader_list(&rd, root, "tilde", false));
	failed(&rd, 3, "'tilde' has no value");
	rd = reader(&diag);
	cr_expect_null(fo_reader_text(&rd, root, "quoted", true));
	failed(&rd, 4, "'quoted' is empty; give it a value");
	rd = reader(&diag);
	cr_expect_str_empty(fo_reader_text(&rd, root, "quoted", false));
	cr_expect_null(fo_reader_text(&rd, root, "list", false));
	failed(&rd, 5, "'list' is a list; write a single value");
	rd = reader(&diag);
	cr_expect_null(fo_reader_text(&rd, root, "map", false));
	failed(&rd, 6, "'map' is a map; write a single value");
	rd = reader(&diag);
	cr_expect_null(fo_reader_text(&rd, root, "list", true));
	failed(&rd, 5, "'list' is a list; write a single value");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_int(&rd, root, "list", 1, 300, 60), 60);
	failed(&rd, 5, "'list' is a list; write a single value");
	rd = reader(&diag);
	cr_expect_null(fo_reader_list(&rd, root, "map", false));
	failed(&rd, 6, "'map' is no list; write its items as [a, b]");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_word(&rd, root, "word", words), 0);
	failed(&rd, 7, "'activ'; write revoked, suspended or active");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_int(&rd, root, "int", 1, 300, 60), 60);
	failed(&rd, 8, "'010'; write a whole number from 1 to 300");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_int(&rd, root, "big", 1, 300, 60), 60);
	failed(&rd, 9, "'301'; write a whole number from 1 to 300");
	rd = reader(&diag);
	cr_expect_eq(fo_reader_time(&rd, root, "time", false), 0);
	failed(&rd, 10, "write a time in UTC as 2026-11-23T18:00:00Z");
	/* 0 would say "never expires" */
	rd = reader(&diag);
	cr_expect_eq(fo_reader_time(&rd, root, "epoch", false), 0);
	failed(&rd, 11, "write a time in UTC");
	fo_node_free(&root);
}

Test(node, a_reader_gives_the_values_that_are_there)
{
	struct fo_node *root = accepted("---\nversion: 1\nword: active\n"
	    "int: 300\nneg: -5\ntime: 2026-11-23T18:00:00Z\n"
	    "texts: [a, \"b c\"]\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);
	char **texts;

	fo_reader_version(&rd, root);
	cr_expect_eq(fo_reader_word(&rd, root, "word", words), 2);
	cr_expect_eq(fo_reader_int(&rd, root, "int", 1, 300, 60), 300);
	cr_expect_eq(fo_reader_int(&rd, root, "neg", -5, 5, 0), -5);
	cr_expect_eq(fo_reader_int(&rd, root, "none", 1, 300, 60), 60);
	cr_expect_eq(fo_reader_time(&rd, root, "time", true), 1795456800);
	cr_expect_eq(fo_reader_time(&rd, root, "none", false), 0);
	texts = fo_reader_texts(&rd, root, "texts", NULL, "texts");
	cr_assert_not_null(texts);
	cr_expect_str_eq(texts[0], "a");
	cr_expect_str_eq(texts[1], "b c");
	cr_expect_null(texts[2]);
	fo_texts_free(&texts);
	cr_expect_null(texts);
	texts = fo_reader_texts(&rd, root, "none", NULL, "texts");
	cr_assert_not_null(texts);
	cr_expect_null(texts[0]);
	fo_texts_free(&texts);
	cr_expect_eq(rd.err, FO_OK, "%s", diag.text);
	fo_node_free(&root);
}

/* Of the heap: bytes in use after so many lists were read and freed. */
static size_t
read_and_free(const struct fo_node *root, int times)
{
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	while (times-- > 0) {
		char **texts = fo_reader_texts(&rd, root, "texts", NULL, "");

		fo_texts_free(&texts);
	}
	return mallinfo2().uordblks;
}

Test(node, nothing_is_left_of_a_list_of_texts_that_was_freed)
{
	struct fo_node *root = accepted("---\ntexts: [a, b, c]\n...\n");
	const size_t before = read_and_free(root, 10);

	cr_expect_eq(read_and_free(root, 100), before);
	fo_node_free(&root);
}

Test(node, another_version_says_which_is_read)
{
	struct fo_node *root = accepted("---\nversion: 2\nnew: x\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	fo_reader_version(&rd, root);
	failed(&rd, 2, "version is '2', and this release reads version 1");
	fo_node_free(&root);
	root = accepted("---\n- version: 1\n...\n");
	rd = reader(&diag);
	fo_reader_version(&rd, root);
	failed(&rd, 2, "a map is expected here");
	fo_node_free(&root);
}

Test(node, an_item_that_does_not_fit_is_named_with_its_line)
{
	struct fo_node *root = accepted("---\na:\n  - ok\n  - [x]\n"
	    "b:\n  - ok\n  -\n...\n");
	struct fo_diag diag;
	struct fo_reader rd = reader(&diag);

	cr_expect_null(fo_reader_texts(&rd, root, "a", NULL, "a word"));
	failed(&rd, 4, "an item of 'a' is 'a list or map'; write a word");
	rd = reader(&diag);
	cr_expect_null(fo_reader_texts(&rd, root, "b", NULL, "a word"));
	failed(&rd, 7, "an item of 'b' is ''; write a word");
	fo_node_free(&root);
}

Test(node, a_tree_that_is_freed_twice_is_freed_once)
{
	struct fo_node *root = NULL;

	fo_node_free(&root);
	fo_node_free(NULL);
	fo_texts_free(NULL);
	cr_expect_null(root);
}
