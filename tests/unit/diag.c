/*
 * Reasons: cut at their size, harmless on a terminal and in a log.
 */
#include <string.h>

#include <criterion/criterion.h>

#include "base/diag.h"

Test(diag, holds_what_was_set)
{
	struct fo_diag diag = { "old" };

	fo_diag_set(&diag, "%s:%d: %s", "/etc/x", 3, "bad");
	cr_expect_str_eq(diag.text, "/etc/x:3: bad");
}

Test(diag, turns_control_bytes_into_question_marks)
{
	struct fo_diag diag;

	fo_diag_set(&diag, "%s", "a\nb\033[0mc\177\td");
	cr_expect_str_eq(diag.text, "a?b?[0mc??d");
}

Test(diag, keeps_other_languages)
{
	struct fo_diag diag;

	fo_diag_set(&diag, "%s", "/etc/gr\xc3\xbc\xc3\x9f" "e");
	cr_expect_str_eq(diag.text, "/etc/gr\xc3\xbc\xc3\x9f" "e");
}

Test(diag, is_cut_at_its_size)
{
	struct fo_diag diag;
	char text[FO_DIAG_SIZE + 10];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	fo_diag_set(&diag, "%s", text);
	cr_expect_eq(strlen(diag.text), FO_DIAG_SIZE - 1);
	fo_diag_prefix(&diag, "place");
	cr_expect_eq(strlen(diag.text), FO_DIAG_SIZE - 1);
	cr_expect_eq(strncmp(diag.text, "place: xxx", 10), 0);
}

Test(diag, may_quote_itself)
{
	struct fo_diag diag;

	fo_diag_set(&diag, "inner");
	fo_diag_set(&diag, "outer (%s)", diag.text);
	cr_expect_str_eq(diag.text, "outer (inner)");
}

Test(diag, puts_a_place_before_the_reason)
{
	struct fo_diag diag;

	fo_diag_set(&diag, "torn");
	fo_diag_prefix(&diag, "%s:%d", "/etc/x", 7);
	cr_expect_str_eq(diag.text, "/etc/x:7: torn");
}

/* As one with a character that the locale "C" does not have. */
Test(diag, of_a_format_that_cannot_be_written_nothing_is_said)
{
	struct fo_diag diag;

	fo_diag_set(&diag, "torn");
	fo_diag_prefix(&diag, "%ls", L"\u20ac");
	cr_expect_str_eq(diag.text, "torn");
	fo_diag_set(&diag, "x%ls", L"\u20ac");
	cr_expect_str_eq(diag.text, "");
}

Test(diag, may_be_absent)
{
	fo_diag_set(NULL, "%s", "x");
	fo_diag_prefix(NULL, "%s", "x");
}

Test(diag, quotes_others_as_one_word)
{
	char word[FO_DIAG_WORD_SIZE], text[FO_DIAG_WORD_SIZE + 10];

	fo_diag_word("a) all is well (b", word);
	cr_expect_str_eq(word, "a)?all?is?well?(b");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	fo_diag_word(text, word);
	cr_expect_eq(strlen(word), FO_DIAG_WORD_SIZE - 1);
}
