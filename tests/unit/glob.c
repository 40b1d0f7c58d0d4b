/*
 * Patterns with '*' and '?'.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "host/glob.h"

Test(glob, matches_bytes_with_star_and_question_mark_only)
{
	static const struct {
		const char *pattern;
		const char *text;
		bool want;
	} cases[] = {
		{ "", "", true }, { "", "a", false }, { "a", "", false },
		{ "*", "", true }, { "*", "anything/at all", true },
		{ "?", "", false }, { "?", "a", true }, { "?", "ab", false },
		{ "deploy", "deploy", true }, { "deploy", "Deploy", false },
		{ "deploy", "deployer", false },
		{ "web-*", "web-", true }, { "web-*", "web-1", true },
		{ "web-*", "we-1", false }, { "*-db", "prod-db", true },
		{ "*-db", "prod-db2", false }, { "a*b*c", "abc", true },
		{ "a*b*c", "aXbYbZc", true }, { "a*b*c", "acb", false },
		{ "a**b", "ab", true }, { "*a", "aaab", false },
		{ "*ab", "aaab", true }, { "a?c", "abc", true },
		{ "*?", "", false }, { "*?", "x", true }, { "?*?", "x", false },
		{ "*.example.com", "a.example.com.evil", false },
		/* nothing else is special */
		{ "[ab]", "a", false }, { "[ab]", "[ab]", true },
		{ "\\*", "*", false }, { "\\*", "\\x", true },
		{ "{a,b}", "a", false }, { ".", "a", false },
		/* bytes, not characters: one letter of UTF-8 is two */
		{ "?", "\xc3\xa4", false }, { "??", "\xc3\xa4", true },
		{ "a", "a\xff", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(fo_glob_match(cases[i].pattern, cases[i].text),
		    cases[i].want, "'%s' '%s'", cases[i].pattern,
		    cases[i].text);
}

/*
 * With a way back over every '*' this would take longer than the universe
 * has lasted; the bound is 1,000 * 60,001 steps.
 */
Test(glob, a_pattern_of_many_stars_ends, .timeout = 60)
{
	char pattern[1001], *text = malloc(60001);

	cr_assert_not_null(text);
	for (size_t i = 0; i < 998; i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + 998, "*b", 3);
	memset(text, 'a', 60000);
	text[60000] = '\0';
	cr_expect_not(fo_glob_match(pattern, text));
	text[59999] = 'b';
	cr_expect(fo_glob_match(pattern, text));
	free(text);
}
