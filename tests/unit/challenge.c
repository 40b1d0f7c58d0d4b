/*
 * The challenge: one form, made and read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/challenge.h>

#include "support/failing.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HTU "pam://bastion/sshd/deploy"
#define NONCE "Q2hhbGxlbmdlMTIz"
#define CHALLENGE \
	"[FirstOps DPoP htu=" HTU " nonce=" NONCE "] Password or proof: "

Test(challenge, has_exactly_this_form)
{
	char *prompt = NULL;

	cr_assert_eq(fo_challenge_format(HTU, NONCE, &prompt), FO_OK);
	cr_expect_str_eq(prompt, "[FirstOps DPoP "
	    "htu=pam://bastion/sshd/deploy nonce=Q2hhbGxlbmdlMTIz] "
	    "Password or proof: ");
	free(prompt);
}

Test(challenge, is_made_of_all_bytes_that_may_be_in_a_value)
{
	struct fo_challenge *c = NULL;
	char *prompt = NULL;

	cr_assert_eq(fo_challenge_format("!a~", "~n!", &prompt), FO_OK);
	cr_assert_eq(fo_challenge_parse(prompt, &c), FO_OK);
	cr_expect_str_eq(c->htu, "!a~");
	cr_expect_str_eq(c->nonce, "~n!");
	fo_challenge_free(&c);
	free(prompt);
}

Test(challenge, is_read_up_to_its_limit)
{
	static char prompt[65536 + 2];
	const size_t len = strlen(CHALLENGE);
	struct fo_challenge *c = NULL;

	memset(prompt, ' ', sizeof(prompt));
	memcpy(prompt + 65537 - len, CHALLENGE, len + 1);
	cr_expect_eq(fo_challenge_parse(prompt, &c), FO_ERR_FORMAT);
	cr_expect_eq(fo_challenge_parse(prompt + 1, &c), FO_OK);
	fo_challenge_free(&c);
}

Test(challenge, has_no_nonce_without_randomness)
{
	char nonce[FO_NONCE_SIZE] = "";

	failing("getrandom", 1, EINTR);
	cr_expect_eq(fo_nonce_new(nonce), FO_OK);
	cr_expect_eq(strlen(nonce), FO_NONCE_SIZE - 1);
	nonce[0] = '\0';
	failing("getrandom", 0, EIO);
	cr_expect_eq(fo_nonce_new(nonce), FO_ERR_IO);
	failing("getrandom", 0, 0);
	cr_expect_eq(fo_nonce_new(nonce), FO_ERR_IO);
	failing_none();
	cr_expect_str_eq(nonce, "");
}

Test(challenge, is_not_made_of_bytes_that_would_break_its_form)
{
	static const char *const bad[] = {
		"", "a b", "a]", "[a", "a\n", "a\t", "a\x7f", "\xc3\xbc", NULL
	};
	char *prompt = NULL;

	for (size_t i = 0; i < COUNT(bad); i++) {
		cr_expect_eq(fo_challenge_format(bad[i], NONCE, &prompt),
		    FO_ERR_ARG, "htu %zu", i);
		cr_expect_eq(fo_challenge_format(HTU, bad[i], &prompt),
		    FO_ERR_ARG, "nonce %zu", i);
	}
	cr_expect_null(prompt);
}

Test(challenge, is_read_back_whatever_stands_before_it)
{
	static const struct { const char *prompt; size_t prefix; } cases[] = {
		{ CHALLENGE, 0 },
		{ "(deploy@bastion) " CHALLENGE, 17 },
		{ "anything at all " CHALLENGE, 16 },
		{ "!~" CHALLENGE, 2 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_challenge *c = NULL;

		cr_assert_eq(fo_challenge_parse(cases[i].prompt, &c), FO_OK);
		cr_expect_str_eq(c->htu, HTU);
		cr_expect_str_eq(c->nonce, NONCE);
		cr_expect_eq(c->prefix_len, cases[i].prefix);
		fo_challenge_free(&c);
		cr_expect_null(c);
	}
}

Test(challenge, may_end_with_any_number_of_spaces)
{
	static const char *const ends[] = { "", " ", "   " };

	for (size_t i = 0; i < COUNT(ends); i++) {
		struct fo_challenge *c = NULL;
		char prompt[200] = "[FirstOps DPoP htu=" HTU " nonce=" NONCE
		    "] Password or proof:";

		memcpy(prompt + strlen(prompt), ends[i], strlen(ends[i]) + 1);
		cr_expect_eq(fo_challenge_parse(prompt, &c), FO_OK);
		fo_challenge_free(&c);
	}
}

Test(challenge, is_not_found_in_other_prompts)
{
	static const char *const others[] = {
		"",
		"Password: ",
		"[sudo] password for deploy: ",
		"(deploy@bastion) Password: ",
		"Are you sure you want to continue connecting "
		"(yes/no/[fingerprint])? ",
		"line one\nline two",
		"[firstops dpop htu=" HTU " nonce=" NONCE
		"] Password or proof: ",
	};
	struct fo_challenge *c = NULL;

	for (size_t i = 0; i < COUNT(others); i++)
		cr_expect_eq(fo_challenge_parse(others[i], &c),
		    FO_ERR_NOT_FOUND, "%s", others[i]);
	cr_expect_eq(fo_challenge_parse(NULL, &c), FO_ERR_ARG);
	cr_expect_null(c);
}

Test(challenge, is_refused_when_one_thing_about_it_is_wrong)
{
#define M "[FirstOps DPoP"
	static const struct { const char *why, *prompt; } cases[] = {
		{ "two of them", CHALLENGE CHALLENGE },
		{ "a marker before it", M " x] " CHALLENGE },
		{ "a marker after it", CHALLENGE M },
		{ "a newline before", "hello\n" CHALLENGE },
		{ "a newline after", CHALLENGE "\n" },
		{ "a carriage return", "(a@b) \r" CHALLENGE },
		{ "an escape sequence", "\033[2K" CHALLENGE },
		{ "a tab after", CHALLENGE "\t" },
		{ "a byte over 127", "\xc2\xa0" CHALLENGE },
		{ "words after", CHALLENGE "x" },
		{ "other closing words",
		    M " htu=" HTU " nonce=" NONCE "] Password: " },
		{ "nothing after the nonce", M " htu=" HTU " nonce=" NONCE },
		{ "no name of the htu", M HTU " nonce=" NONCE
		    "] Password or proof: " },
		{ "the byte before the space", "\x1f" CHALLENGE },
		{ "DEL", "\x7f" CHALLENGE },
		{ "no closing words", M " htu=" HTU " nonce=" NONCE "]" },
		{ "no htu", M " nonce=" NONCE "] Password or proof: " },
		{ "an empty htu",
		    M " htu= nonce=" NONCE "] Password or proof: " },
		{ "no nonce", M " htu=" HTU "] Password or proof: " },
		{ "an empty nonce",
		    M " htu=" HTU " nonce=] Password or proof: " },
		{ "two spaces",
		    M "  htu=" HTU " nonce=" NONCE "] Password or proof: " },
		{ "the other order",
		    M " nonce=" NONCE " htu=" HTU "] Password or proof: " },
		{ "one more member",
		    M " htu=" HTU " nonce=" NONCE " x=y] Password or proof: "
		},
		{ "two htus", M " htu=" HTU " htu=" HTU " nonce=" NONCE
		    "] Password or proof: " },
		{ "a bracket in the htu",
		    M " htu=a[b nonce=" NONCE "] Password or proof: " },
	};
	struct fo_challenge *c = NULL;

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect_eq(fo_challenge_parse(cases[i].prompt, &c),
		    FO_ERR_FORMAT, "%s", cases[i].why);
	cr_expect_null(c, "untouched on failure");
}

Test(challenge, has_a_new_nonce_each_time)
{
	char a[FO_NONCE_SIZE] = "", b[FO_NONCE_SIZE] = "";

	cr_assert_eq(fo_nonce_new(a), FO_OK);
	cr_assert_eq(fo_nonce_new(b), FO_OK);
	cr_expect_eq(strlen(a), 16);
	cr_expect_eq(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_"), 16);
	cr_expect_str_neq(a, b);
}
