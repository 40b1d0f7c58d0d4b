/*
 * Targets: taken apart before they are decoded, compared without repair.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/target.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct parts {
	const char *host, *service, *user, *htu;
};

static const struct parts round_trips[] = {
	{ "bastion", "sshd", "deploy", "pam://bastion/sshd/deploy" },
	{ "Bastion", "sshd", "deploy", "pam://Bastion/sshd/deploy" },
	{ "a-b_c.d~e", "x", "y", "pam://a-b_c.d~e/x/y" },
	{ "db", "postgresql", "../sshd/deploy",
	    "pam://db/postgresql/..%2Fsshd%2Fdeploy" },
	{ "db", "postgresql", "a b", "pam://db/postgresql/a%20b" },
	{ "db", "postgresql", "50%", "pam://db/postgresql/50%25" },
	{ "db", "postgresql", "%2F", "pam://db/postgresql/%252F" },
	{ "db", "postgresql", "j\xc3\xbcrg",
	    "pam://db/postgresql/j%C3%BCrg" },
	{ "db", "postgresql", "a@b?c#d", "pam://db/postgresql/a%40b%3Fc%23d" },
	{ "db", "postgresql", "a\nb", "pam://db/postgresql/a%0Ab" },
	{ "db", "postgresql", "...", "pam://db/postgresql/..." },
	{ "h:22", "s", "u", "pam://h%3A22/s/u" },
	{ "az", "AZ", "09", "pam://az/AZ/09" },
	{ "`{", "@[", "/:", "pam://%60%7B/%40%5B/%2F%3A" },
};

Test(target, is_built_with_all_but_unreserved_characters_escaped)
{
	for (size_t i = 0; i < COUNT(round_trips); i++) {
		const struct parts *p = &round_trips[i];
		char *htu = NULL;

		cr_assert_eq(fo_target_format(p->host, p->service, p->user,
		    &htu), FO_OK);
		cr_expect_str_eq(htu, p->htu);
		free(htu);
	}
}

Test(target, is_taken_apart_into_what_it_was_built_from)
{
	for (size_t i = 0; i < COUNT(round_trips); i++) {
		const struct parts *p = &round_trips[i];
		struct fo_target *t = NULL;

		cr_assert_eq(fo_target_parse(p->htu, &t), FO_OK, "%s",
		    p->htu);
		cr_expect_str_eq(t->host, p->host);
		cr_expect_str_eq(t->service, p->service);
		cr_expect_str_eq(t->user, p->user);
		fo_target_free(&t);
		cr_expect_null(t);
	}
}

Test(target, survives_every_byte_in_a_user)
{
	for (int b = 1; b < 256; b++) {
		const char user[] = { 'a', (char)b, '\0' };
		struct fo_target *t = NULL;
		char *htu = NULL;

		cr_assert_eq(fo_target_format("h", "s", user, &htu), FO_OK);
		cr_assert_eq(fo_target_parse(htu, &t), FO_OK, "byte %d", b);
		cr_expect_str_eq(t->user, user);
		fo_target_free(&t);
		free(htu);
	}
}

Test(target, is_not_built_from_parts_that_are_none)
{
	static const char *const bad[] = { NULL, "", ".", ".." };
	char *htu = NULL;

	for (size_t i = 0; i < COUNT(bad); i++) {
		cr_expect_eq(fo_target_format(bad[i], "s", "u", &htu),
		    FO_ERR_ARG);
		cr_expect_eq(fo_target_format("h", bad[i], "u", &htu),
		    FO_ERR_ARG);
		cr_expect_eq(fo_target_format("h", "s", bad[i], &htu),
		    FO_ERR_ARG);
	}
	cr_expect_null(htu);
}

Test(target, is_not_built_longer_than_any_proof)
{
	char user[4097];
	char *htu = NULL;

	memset(user, 'u', sizeof(user));
	user[sizeof(user) - 1] = '\0';
	cr_expect_eq(fo_target_format("h", "s", user, &htu),
	    FO_ERR_TOO_LONG);
	user[4096 - strlen("pam://h/s/")] = '\0';
	cr_expect_eq(fo_target_format("h", "s", user, &htu), FO_OK);
	free(htu);
}

/* Each is pam://bastion/sshd/deploy with one thing wrong. */
static const struct { const char *why, *htu; } damaged[] = {
	{ "nothing at all", "" },
	{ "one slash after the scheme", "pam:/bastion/sshd/deploy" },
	{ "no host", "pam:///sshd/deploy" },
	{ "no service", "pam://bastion//deploy" },
	{ "no user", "pam://bastion/sshd/" },
	{ "two parts", "pam://bastion/sshd" },
	{ "one part", "pam://bastion" },
	{ "four parts", "pam://bastion/sshd/deploy/x" },
	{ "a slash at the end", "pam://bastion/sshd/deploy/" },
	{ "steps up", "pam://bastion/postgresql/../sshd/deploy" },
	{ "a dot as host", "pam://./sshd/deploy" },
	{ "dots as service", "pam://bastion/../deploy" },
	{ "dots as user", "pam://bastion/sshd/.." },
	{ "escaped dots as user", "pam://bastion/sshd/%2e%2E" },
	{ "an escaped dot as service", "pam://bastion/%2E/deploy" },
	{ "a query", "pam://bastion/sshd/deploy?x" },
	{ "an empty query", "pam://bastion/sshd/deploy?" },
	{ "a fragment", "pam://bastion/sshd/deploy#x" },
	{ "an empty fragment", "pam://bastion/sshd/deploy#" },
	{ "a NUL", "pam://bastion/sshd/deploy%00" },
	{ "a NUL in the middle", "pam://bastion/sshd/dep%00loy" },
	{ "half an escape", "pam://bastion/sshd/deploy%4" },
	{ "a bare percent sign", "pam://bastion/sshd/deploy%" },
	{ "an escape that is not hexadecimal", "pam://bastion/sshd/%zz" },
	{ "an escape with a space", "pam://bastion/sshd/% 4" },
	{ "an escape cut by the next part", "pam://bastion/%2/deploy" },
	{ "a space", "pam://bastion/sshd/dep loy" },
	{ "a tab", "pam://bastion/sshd/deploy\t" },
	{ "a newline", "pam://bastion/sshd/deploy\n" },
	{ "a back slash", "pam://bastion/sshd\\deploy/x" },
	{ "a quote", "pam://bastion/sshd/\"deploy" },
	{ "brackets", "pam://bastion/sshd/[deploy]" },
	{ "an opening bracket", "pam://bastion/sshd/[deploy" },
	{ "an opening brace", "pam://bastion/sshd/{deploy" },
	{ "an escape of what stands before a", "pam://bastion/sshd/%4`" },
	{ "userinfo", "pam://me@bastion/sshd/deploy" },
	{ "a port", "pam://bastion:22/sshd/deploy" },
	{ "not ASCII", "pam://bastion/sshd/j\xc3\xbcrg" },
	{ "DEL", "pam://bastion/sshd/deploy\x7f" },
	{ "a space before", " pam://bastion/sshd/deploy" },
	{ "the scheme in capitals", "PAM://bastion/sshd/deploy" },
	{ "another scheme", "pams://bastion/sshd/deploy" },
};

Test(target, is_not_taken_apart_when_one_thing_is_wrong)
{
	struct fo_target *t = NULL;

	for (size_t i = 0; i < COUNT(damaged); i++)
		cr_expect_eq(fo_target_parse(damaged[i].htu, &t),
		    FO_ERR_FORMAT, "%s", damaged[i].why);
	cr_expect_eq(fo_target_parse(NULL, &t), FO_ERR_ARG);
	cr_expect_null(t, "untouched on failure");
}

Test(target, is_taken_apart_up_to_its_limit)
{
	static const char head[] = "pam://h/s/";
	char htu[4098];
	struct fo_target *t = NULL;

	memset(htu, 'u', sizeof(htu));
	memcpy(htu, head, strlen(head));
	htu[4097] = '\0';
	cr_expect_eq(fo_target_parse(htu, &t), FO_ERR_FORMAT);
	htu[4096] = '\0';
	cr_expect_eq(fo_target_parse(htu, &t), FO_OK);
	fo_target_free(&t);
}

Test(target, damaged_in_a_proof_is_the_wrong_one)
{
	for (size_t i = 0; i < COUNT(damaged); i++)
		cr_expect_eq(fo_target_match(damaged[i].htu,
		    "pam://bastion/sshd/deploy"), FO_ERR_WRONG_HTU, "%s",
		    damaged[i].why);
}

struct pair {
	const char *why, *htu, *want;
};

static const struct pair same[] = {
	/* pam: escapes may differ, the parts may not */
	{ "pam", "pam://h/s/u", "pam://h/s/u" },
	{ "pam, an unreserved character escaped", "pam://h/s/%75",
	    "pam://h/s/u" },
	{ "pam, small hexadecimal digits", "pam://h/s/a%2fb",
	    "pam://h/s/a%2Fb" },
	{ "pam, a sub-delimiter as it is", "pam://h/s/a@b",
	    "pam://h/s/a%40b" },
	/* RFC 3986 6.2.2.1 */
	{ "capital scheme", "HTTPS://a.example/x", "https://a.example/x" },
	{ "capital host", "https://A.Example/x", "https://a.example/x" },
	{ "small escape digits", "https://a/%c3%bc", "https://a/%C3%BC" },
	{ "capital escaped letter in a host", "https://%41.example/",
	    "https://a.example/" },
	/* RFC 3986 6.2.2.2 */
	{ "escaped letter", "https://a/%7Euser", "https://a/~user" },
	{ "escaped digit and dash", "https://a/%31%2d", "https://a/1-" },
	/* RFC 3986 6.2.2.3, 5.2.4 */
	{ "a dot", "https://a/b/./c", "https://a/b/c" },
	{ "dots", "https://a/b/../c", "https://a/c" },
	{ "dots at the end", "https://a/b/..", "https://a/" },
	{ "a dot at the end", "https://a/b/.", "https://a/b/" },
	{ "dots above the root", "https://a/../../b", "https://a/b" },
	{ "escaped dots", "https://a/b/%2e%2E/c", "https://a/c" },
	{ "the example of 5.2.4", "http://a/a/b/c/./../../g",
	    "http://a/a/g" },
	{ "dots after an empty segment", "http://a/b//../c",
	    "http://a/b/c" },
	/* RFC 3986 6.2.3 */
	{ "the port of https", "https://a:443/", "https://a/" },
	{ "the port of http", "http://a:80/", "http://a/" },
	{ "an empty port", "https://a:/x", "https://a/x" },
	{ "an empty path", "https://a", "https://a/" },
	{ "an empty path before a query", "https://a?x", "https://a/" },
	/* RFC 9449 4.3 */
	{ "a query", "https://a/x?y=%20/?", "https://a/x" },
	{ "a fragment", "https://a/x#y/z?", "https://a/x" },
	{ "another query wanted", "https://a/x?1", "https://a/x?2#3" },
	/* RFC 3986 3.2.2 */
	{ "an IPv6 address", "https://[2001:DB8::1]:443/",
	    "https://[2001:db8::1]/" },
	{ "an IPv6 address with a port", "https://[::1]:8443/",
	    "https://[::1]:8443/" },
	{ "IPv4 in IPv6", "https://[::ffff:1.2.3.4]/",
	    "https://[::FFFF:1.2.3.4]/" },
	{ "an address of the future", "http://[V1.aB:c]/",
	    "http://[v1.ab:c]/" },
	{ "an address of the future, of all that it may hold",
	    "http://[v09aF.!z:~]/", "http://[v09af.!z:~]/" },
	{ "the longest IPv6 address",
	    "http://[0000:0000:0000:0000:0000:FFFF:255.255.255.255]/",
	    "http://[0000:0000:0000:0000:0000:ffff:255.255.255.255]/" },
	{ "the last letters of a host", "http://AZ.az/", "http://az.AZ/" },
	{ "an IPv4 address", "http://127.0.0.1/", "http://127.0.0.1:80" },
	{ "the highest port", "http://a:65535/", "http://a:65535/" },
	/* others */
	{ "another scheme", "ldap://A/b/../c", "ldap://A/b/../c" },
	{ "a pam that is not ours", "PAM://h/s/u", "PAM://h/s/u" },
};

Test(target, matches_what_is_the_same)
{
	for (size_t i = 0; i < COUNT(same); i++) {
		cr_expect_eq(fo_target_match(same[i].htu, same[i].want),
		    FO_OK, "%s", same[i].why);
		cr_expect_eq(fo_target_match(same[i].want, same[i].htu),
		    FO_OK, "%s, the other way round", same[i].why);
	}
}

static const struct pair different[] = {
	{ "pam, host", "pam://i/s/u", "pam://h/s/u" },
	{ "pam, service", "pam://h/t/u", "pam://h/s/u" },
	{ "pam, user", "pam://h/s/v", "pam://h/s/u" },
	{ "pam, case of the host", "pam://H/s/u", "pam://h/s/u" },
	{ "pam, case of the user", "pam://h/s/U", "pam://h/s/u" },
	{ "pam, longer user", "pam://h/s/uu", "pam://h/s/u" },
	{ "pam, an escaped slash makes no part",
	    "pam://h/postgresql/..%2Fsshd%2Fdeploy", "pam://h/sshd/deploy" },
	{ "pam, decoded once only", "pam://h/s/%2575", "pam://h/s/u" },
	{ "pam, other scheme", "https://h/s/u", "pam://h/s/u" },
	{ "pam in capitals is another scheme", "PAM://h/s/u", "pam://h/s/u" },
	{ "pam for what is another scheme", "pam://h/s/u", "PAM://h/s/u" },
	{ "scheme", "http://a/", "https://a/" },
	{ "host", "https://b/", "https://a/" },
	{ "host with a dot at the end", "https://a./", "https://a/" },
	{ "port", "https://a:444/", "https://a/" },
	{ "the port of the other scheme", "https://a:80/", "https://a/" },
	{ "a port with a zero before", "https://a:0443/", "https://a/" },
	{ "path", "https://a/y", "https://a/x" },
	{ "case of the path", "https://a/X", "https://a/x" },
	{ "a slash at the end", "https://a/x/", "https://a/x" },
	{ "two slashes", "https://a//x", "https://a/x" },
	{ "an escaped slash", "https://a/b%2Fc", "https://a/b/c" },
	{ "an escaped slash is no more than that", "https://a/b%2Fc",
	    "https://a/b%2F/c" },
	{ "an escaped slash ends no segment", "https://a/b%2F../c",
	    "https://a/c" },
	{ "an escaped reserved character", "https://a/%40", "https://a/@" },
	{ "decoded once only", "https://a/%2541", "https://a/A" },
	{ "a plus is no space", "https://a/a+b", "https://a/a%20b" },
	{ "three dots are a name", "https://a/b/.../c", "https://a/c" },
	{ "IPv6 written otherwise", "https://[::0001]/", "https://[::1]/" },
	{ "other, case", "ldap://A/b", "ldap://a/b" },
	{ "other, longer", "ldap://a/bc", "ldap://a/b" },
};

Test(target, does_not_match_what_differs)
{
	for (size_t i = 0; i < COUNT(different); i++) {
		cr_expect_eq(fo_target_match(different[i].htu,
		    different[i].want), FO_ERR_WRONG_HTU, "%s",
		    different[i].why);
		cr_expect_eq(fo_target_match(different[i].want,
		    different[i].htu), FO_ERR_WRONG_HTU,
		    "%s, the other way round", different[i].why);
	}
}

/* None of these is an http URI, and none is mended into one. */
static const char *const no_uris[] = {
	"https:/a/x", "https:a/x", "https://", "https:///x", "https://:443/x",
	"https://me@a/x", "https://me:pw@a/x", "https://@a/x",
	"https://a:port/x", "https://a:-1/x", "https://a:65536/x",
	"https://a:4294967739/x", "https://a:1:2/x", "https://a:44 3/x",
	"https://a\\x", "https:\\\\a/x", "https://a/x y", "https://a/x\t",
	"https://a/x\n", " https://a/x", "https://a/x ", "https://a/\x01",
	"https://a/\x7f", "https://a/\xc3\xbc", "https://\xc3\xbc/x",
	"https://a/%", "https://a/%4", "https://a/%4g", "https://a/%zz",
	"https://%/x", "https://a/[x]", "https://a/{x}", "https://a/<x>",
	"https://a/x|y", "https://a/x^y", "https://a/x`y", "https://a/\"x\"",
	"https://a b/x", "https://[::1/x", "https://::1/x", "https://[]/x",
	"https://[::g]/x", "https://[::1]x/", "https://[1.2.3.4]/x",
	"https://[::1%25eth0]/x", "https://x[::1]/", "https://[v.a]/",
	"https://[v1.]/", "https://[v1]/", "https://[vg.a]/",
	"https://[v1.a@]/", "https://[w1.a]/", "https://[v]/", "https://[/",
	"https://[v1.a/", "https://[", "https://[v1.a]b]/",
	"https://[0000:0000:0000:0000:0000:ffff:255.255.255.255x]/",
	"https://a/[x", "https://a/{x", "https://a/%`0", "https://a/%0`",
	"https://a/x?%4", "https://a/x?a b", "https://a/x#a#b",
	"https://a/x#%", "https://a/x?[]", "https://a/x?\xc3\xbc",
};

Test(target, mends_nothing_that_is_no_uri)
{
	for (size_t i = 0; i < COUNT(no_uris); i++) {
		cr_expect_eq(fo_target_match(no_uris[i], "https://a/x"),
		    FO_ERR_WRONG_HTU, "%s", no_uris[i]);
		/* not even where both sides are broken in the same way */
		cr_expect_neq(fo_target_match(no_uris[i], no_uris[i]), FO_OK,
		    "%s", no_uris[i]);
	}
}

Test(target, wanted_must_be_a_target)
{
	static const char *const bad[] = {
		"", "x", "/x", "//a/x", "://a", "1http://a/", "pam:x",
		"pam://a/b", "https://me@a/x", "https://a/%",
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		cr_expect_eq(fo_target_match("https://a/x", bad[i]),
		    FO_ERR_ARG, "%s", bad[i]);
	cr_expect_eq(fo_target_match("https://a/x", NULL), FO_ERR_ARG);
	cr_expect_eq(fo_target_match(NULL, "https://a/x"), FO_ERR_ARG);
}

Test(target, the_normal_form_is_what_is_compared)
{
	static const struct {
		const char *uri;
		const char *want;	/* NULL: no such URI */
	} cases[] = {
		{ "HTTPS://A.Example:443/b/../c?d#e", "https://a.example/c" },
		{ "http://a:80", "http://a/" },
		{ "http://a:8080/%7eb", "http://a:8080/~b" },
		{ "pam://a/b/c", NULL }, { "https://u@a/", NULL },
		{ "https://a b/", NULL }, { "https:///x", NULL },
		{ "a", NULL }, { "", NULL },
	};
	char *got;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = NULL;
		cr_expect_eq(fo_target_normalise(cases[i].uri, &got),
		    cases[i].want != NULL ? FO_OK : FO_ERR_FORMAT, "%s",
		    cases[i].uri);
		if (cases[i].want != NULL)
			cr_expect_str_eq(got, cases[i].want);
		else
			cr_expect_null(got);
		free(got);
	}
	cr_expect_eq(fo_target_normalise(NULL, &got), FO_ERR_ARG);
}
