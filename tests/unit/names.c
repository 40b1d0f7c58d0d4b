/*
 * The grammar of names: what may be a file name in the store.
 */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/names.h"

#define UUID "5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define JKT "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

struct name_case {
	const char *text;
	bool want;
};

static void
check(bool (*ok)(const char *), const struct name_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(ok(cases[i].text), cases[i].want, "'%s'",
		    cases[i].text);
}

#define CHECK(ok, cases) check(ok, cases, sizeof(cases) / sizeof((cases)[0]))

/* A text of n times c. */
static const char *
repeat(char c, size_t n, char *buf)
{
	memset(buf, c, n);
	buf[n] = '\0';
	return buf;
}

Test(names, a_name_is_1_to_48_of_lower_case_digits_and_dot_dash_underscore)
{
	static const struct name_case cases[] = {
		{ "build-bot", true }, { "a", true }, { "0", true },
		{ "a.b_c-d", true }, { "", false }, { ".hidden", false },
		{ "-flag", false }, { "_x", false }, { "Build", false },
		{ "a/b", false }, { "a b", false }, { "..", false },
		{ "a\n", false }, { "\xc3\xa4", false }, { "a*", false },
	};
	char buf[64];

	CHECK(fo_name_ok, cases);
	cr_expect(fo_name_ok(repeat('a', 48, buf)));
	cr_expect_not(fo_name_ok(repeat('a', 49, buf)));
}

Test(names, an_id_is_its_kind_and_a_uuid_in_lower_case)
{
	static const struct name_case cases[] = {
		{ "fo_agent_" UUID, true }, { "fo_user_" UUID, true },
		{ "fo_agent_", false }, { "", false }, { UUID, false },
		{ "fo_agent_" UUID "0", false }, { "fo_bot_" UUID, false },
		{ "fo_agent_5F0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77", false },
		{ "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e7", false },
		{ "fo_agent_5f0e1c2a07a53-4c0e-9f5a-2b1f0c9d8e77", false },
		{ "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e7/", false },
		{ "FO_agent_" UUID, false }, { "FO_user_" UUID, false },
		{ "fo_user_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e7", false },
		{ "fo_user_x" UUID, false },
	};

	CHECK(fo_id_ok, cases);
	cr_expect(fo_id_is_agent("fo_agent_" UUID));
	cr_expect_not(fo_id_is_agent("fo_user_" UUID));
	cr_expect_eq(strlen("fo_agent_" UUID), FO_ID_SIZE - 1);
}

Test(names, a_thumbprint_is_43_characters_that_32_bytes_encode_to)
{
	static const struct name_case cases[] = {
		{ JKT, true }, { "", false }, { JKT "A", false },
		{ "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X", false },
		{ "NzbLsXh8uDCcd+6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", false },
		{ "NzbLsXh8uDCcd/6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", false },
		/* a second spelling of the same bytes */
		{ "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt", false },
		{ "../../../../../../../../../../../../etc/pas", false },
	};

	CHECK(fo_jkt_ok, cases);
}

Test(names, an_account_is_1_to_64_of_printable_ascii)
{
	static const struct name_case cases[] = {
		{ "deploy", true }, { "DOMAIN\\joe", true },
		{ "joe@example.com", true }, { "x$", true }, { "", false },
		{ "a b", false }, { "a\tb", false }, { "\xc3\xa4", false },
		{ "a\x7f", false }, { "!", true }, { "~", true },
		{ " ", false }, { "\x7f", false }, { "\x80", false },
	};
	char buf[80];

	CHECK(fo_account_ok, cases);
	cr_expect(fo_account_ok(repeat('a', 64, buf)));
	cr_expect_not(fo_account_ok(repeat('a', 65, buf)));
}

Test(names, a_pattern_is_1_to_1024_of_printable_ascii)
{
	static const struct name_case cases[] = {
		{ "agent-*", true }, { "?", true }, { "", false },
		{ "a b", false }, { "\xc3\xa4", false },
	};
	char buf[1100];

	CHECK(fo_pattern_ok, cases);
	cr_expect(fo_pattern_ok(repeat('*', 1024, buf)));
	cr_expect_not(fo_pattern_ok(repeat('*', 1025, buf)));
}

Test(names, a_service_is_a_file_name_of_pam_d)
{
	static const struct name_case cases[] = {
		{ "sshd", true }, { "su-l", true }, { "Foo_1.2", true },
		{ "", false }, { ".", false }, { "..", false },
		{ "../sshd", false }, { "a b", false }, { "a:b", false },
		{ "...", true }, { ".a", true },
	};
	char buf[80];

	CHECK(fo_service_ok, cases);
	cr_expect(fo_service_ok(repeat('a', 64, buf)));
	cr_expect_not(fo_service_ok(repeat('a', 65, buf)));
}

Test(names, a_host_is_neither_localhost_nor_an_address_in_any_spelling)
{
	static const struct name_case cases[] = {
		{ "bastion", true }, { "web-1.example.com", true },
		{ "Web_1", true }, { "localhosting", true },
		{ "10.example", true }, { "0xcafe.example", true },
		{ "", false }, { "localhost", false }, { "LocalHost", false },
		{ "localhost.localdomain", false }, { "localhost6", false },
		{ "web.localhost", false }, { "127.0.0.1", false },
		{ "10.1", false }, { "2130706433", false },
		{ "0x7f000001", false }, { "web.1", false },
		{ "trailing.", false }, { "::1", false }, { "[::1]", false },
		{ ".web", false }, { "-web", false }, { "a/b", false },
		{ "a b", false }, { "a%62", false }, { "web\n", false },
		{ "localhost4", false }, { "localhost5", true },
		{ "localhost46", true }, { "localhos", true },
		{ "localhost4.localdomain4", false },
		{ "localhost6.localdomain6", false },
		{ "localhost.", false }, { "web.LOCALHOST", false },
		{ "web.localhost.example", true }, { "weblocalhost", true },
		{ "0", false }, { "0abc", true }, { "axbc", true },
		{ "0x", false }, { "0X7F", false }, { "0x7g", true },
		{ "web.0xcafe", false }, { "web.x0x1", true },
		{ "10.x1", true }, { "1a", true }, { "1.2.3.4.5", false },
	};
	char buf[300];

	CHECK(fo_host_ok, cases);
	cr_expect(fo_host_ok(repeat('a', 253, buf)));
	cr_expect_not(fo_host_ok(repeat('a', 254, buf)));
}

/* ---- UTF-8 ------------------------------------------------------------------ */

/*
 * How long the character at p is by what RFC 3629 3 says of the bits: the
 * number in them is none that fewer bytes could hold, and a character.
 */
static size_t
plain_char_len(const unsigned char *p, size_t left)
{
	static const struct { unsigned char mask, mark; unsigned long from; }
	    kinds[] = {
		{ 0x80, 0x00, 0x0 }, { 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 },
	};
	unsigned long c;
	size_t n;

	for (n = 1; n <= 4; n++)
		if ((p[0] & kinds[n - 1].mask) == kinds[n - 1].mark)
			break;
	if (n > 4 || n > left)
		return 0;
	c = p[0] & (unsigned char)~kinds[n - 1].mask;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < kinds[n - 1].from || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

/* Each first byte, with all those next to an edge of Unicode's table 3-7. */
Test(names, a_character_is_as_long_as_rfc_3629_says_or_none)
{
	static const unsigned char second[] = { 0x00, 0x7f, 0x80, 0x8f, 0x90,
		0x9f, 0xa0, 0xbf, 0xc0, 0xff };
	static const unsigned char later[] = { 0x7f, 0x80, 0xbf, 0xc0 };
	unsigned char p[4];

	for (unsigned int i = 0; i < 256 * 10 * 4 * 4 * 4; i++) {
		const size_t left = 1 + i % 4;

		p[3] = later[i / 4 % 4];
		p[2] = later[i / 16 % 4];
		p[1] = second[i / 64 % 10];
		p[0] = (unsigned char)(i / 640);
		if (fo_char_len(p, left) != plain_char_len(p, left))
			cr_assert_fail("%02x %02x %02x %02x, %zu of them",
			    p[0], p[1], p[2], p[3], left);
	}
}

/* The bytes of a character; their number. */
static size_t
encode(unsigned long c, unsigned char p[4])
{
	const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char marks[] = { 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		p[i] = (unsigned char)(0x80 | (c & 0x3f));
	p[0] = (unsigned char)(marks[n - 1] | c);
	return n;
}

Test(names, of_all_characters_these_are_hidden_and_no_other)
{
	for (unsigned long c = 0; c <= 0x10ffff; c++) {
		unsigned char p[4];
		const size_t n = encode(c, p);
		const bool want = (c < 0x20 && c != '\t' && c != '\n') ||
		    (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029 ||
		    c == 0xfeff;

		if (fo_char_hidden(p, n) != want)
			cr_assert_fail("U+%04lX", c);
	}
}

Test(names, prose_has_no_control_and_no_hidden_characters)
{
	static const struct name_case cases[] = {
		{ "", true }, { "rotated, see #12", true },
		{ "\xc3\xa4", true }, { "a\nb", false }, { "a\033[1m", false },
		{ "\x7f", false }, { "a\tb", false },
		{ "a\xc2\x85" "b", false }, { "a\xc2\xa0" "b", true },
		{ "a\xe2\x80\xa7" "b", true },
		{ "a\xe2\x80\xa8" "b", false },
		{ "a\xe2\x80\xa9" "b", false },
		{ "\xef\xbb\xbf" "a", false }, { "\xe4", false },
		{ "\xf0\x9f\x98\x80", true }, { "\xf0\x9f\x98", false },
	};

	CHECK(fo_prose_ok, cases);
}

Test(names, the_nearest_name_is_suggested_and_only_if_it_is_near)
{
	static const char *const known[] = { "version", "status", "id",
		"accounts", "keys", NULL };
	static const struct {
		const char *name;
		const char *want;
	} cases[] = {
		{ "statsu", "status" },	/* two letters swapped */
		{ "staus", "status" },	/* one dropped */
		{ "statuss", "status" }, /* one added */
		{ "stotus", "status" },	/* one changed */
		{ "account", "accounts" },
		{ "key", "keys" },
		{ "bananas", NULL },
		{ "", NULL },
		{ "x", NULL },
	};
	char buf[100];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = fo_name_nearest(cases[i].name, known);

		if (cases[i].want == NULL)
			cr_expect_null(got, "%s", cases[i].name);
		else
			cr_expect(got != NULL &&
			    strcmp(got, cases[i].want) == 0, "%s",
			    cases[i].name);
	}
	cr_expect_null(fo_name_nearest(repeat('s', 99, buf), known));
}

/* ---- the nearest name ------------------------------------------------------- */

#define WORD_MAX 5
#define PADDED_MAX (WORD_MAX + 3 * WORD_MAX)

/*
 * What the ends of two words are apart: the definition of the distance, by
 * which letters are changed, added, dropped and swapped.
 */
static size_t
plain_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t d, other;

	if (n == 0 || m == 0)
		return n + m;
	d = plain_distance(a, n - 1, b, m - 1) + (a[n - 1] != b[m - 1]);
	other = plain_distance(a, n - 1, b, m) + 1;
	d = other < d ? other : d;
	other = plain_distance(a, n, b, m - 1) + 1;
	d = other < d ? other : d;
	if (n > 1 && m > 1 && a[n - 1] == b[m - 2] && a[n - 2] == b[m - 1]) {
		other = plain_distance(a, n - 2, b, m - 2) + 1;
		d = other < d ? other : d;
	}
	return d;
}

/* A number below n; the same ones in each run. */
static size_t
dice(size_t n)
{
	static unsigned long state = 20261123;

	state = (state * 1103515245 + 12345) & 0x7fffffff;
	return (state >> 16) % n;
}

/* A word of a, b and c; another of them stands before it. */
static size_t
random_word(char buf[PADDED_MAX + 2])
{
	const size_t n = dice(WORD_MAX + 1);

	for (size_t i = 0; i <= n; i++)
		buf[i] = "abc"[dice(3)];
	buf[n + 1] = '\0';
	return n;
}

/* Is b near a when both go on with the same letters up to a's length? */
static bool
is_near(char a[PADDED_MAX + 2], size_t n, char b[PADDED_MAX + 2], size_t m,
    size_t padded)
{
	const char *const candidates[] = { b + 1, NULL };

	(void)repeat('z', padded - n, a + 1 + n);
	(void)repeat('z', padded - n, b + 1 + m);
	return fo_name_nearest(a + 1, candidates) == b + 1;
}

/*
 * With d changes a word is near at 3 d letters, and with one letter less it
 * is not: so the distance is d and no other.
 */
Test(names, a_name_is_near_when_a_third_of_its_letters_differ_and_no_more)
{
	char a[PADDED_MAX + 2], b[PADDED_MAX + 2];
	size_t n, m, d;

	for (int i = 0; i < 4000; i++) {
		n = random_word(a);
		m = random_word(b);
		d = plain_distance(a + 1, n, b + 1, m);
		if (3 * d >= n)
			cr_assert(is_near(a, n, b, m, 3 * d), "%s %s", a + 1,
			    b + 1);
		else
			cr_assert(is_near(a, n, b, m, n), "%s %s", a + 1,
			    b + 1);
		if (3 * d >= n + 1)
			cr_assert_not(is_near(a, n, b, m, 3 * d - 1), "%s %s",
			    a + 1, b + 1);
	}
}

Test(names, of_names_that_are_near_the_first_of_the_nearest_is_suggested)
{
	static const struct {
		const char *const known[4];
		const char *want;
	} cases[] = {
		{ { "statXX", "statuX", NULL }, "statuX" },
		{ { "statuX", "statXX", NULL }, "statuX" },
		{ { "statuX", "statXs", NULL }, "statuX" },
		{ { "statXX", "stXXus", NULL }, "statXX" },
		{ { "statXX", "status", "statuX", NULL }, "status" },
		{ { "staXXX", "XXXtus", NULL }, NULL },
		{ { NULL }, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = fo_name_nearest("status", cases[i].known);

		cr_expect_str_eq(got == NULL ? "none" : got,
		    cases[i].want == NULL ? "none" : cases[i].want, "%zu", i);
	}
}

Test(names, no_name_is_suggested_that_or_for_one_that_is_over_48_letters)
{
	char a[60], b[60];
	const char *const known[] = { b, "ss", NULL };

	cr_expect_eq(fo_name_nearest(repeat('s', 48, a), (const char *const[]){
	    repeat('s', 48, b), NULL }), b);
	cr_expect_eq(fo_name_nearest(repeat('s', 47, a), known), b);
	cr_expect_null(fo_name_nearest(repeat('s', 49, a), known));
	(void)repeat('s', 49, b);
	cr_expect_null(fo_name_nearest(repeat('s', 48, a), known));
	cr_expect_str_eq(fo_name_nearest("sss", known), "ss");
}
