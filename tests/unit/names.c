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
		{ "FO_agent_" UUID, false },
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
		{ "a\x7f", false },
	};
	char buf[80];

	CHECK(fo_account_ok, cases);
	cr_expect(fo_account_ok(repeat('a', 64, buf)));
	cr_expect_not(fo_account_ok(repeat('a', 65, buf)));
}

Test(names, a_service_is_a_file_name_of_pam_d)
{
	static const struct name_case cases[] = {
		{ "sshd", true }, { "su-l", true }, { "Foo_1.2", true },
		{ "", false }, { ".", false }, { "..", false },
		{ "../sshd", false }, { "a b", false }, { "a:b", false },
	};

	CHECK(fo_service_ok, cases);
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
	};
	char buf[300];

	CHECK(fo_host_ok, cases);
	cr_expect(fo_host_ok(repeat('a', 253, buf)));
	cr_expect_not(fo_host_ok(repeat('a', 254, buf)));
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
