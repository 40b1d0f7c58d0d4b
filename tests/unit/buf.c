/*
 * The growing text: its limit, and that it remembers failure.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/wipe.h"

Test(buf, gathers_pieces_into_one_text)
{
	struct fo_buf buf;
	char *text = NULL;

	fo_buf_init(&buf, 100);
	fo_buf_add(&buf, "abc", 2);
	fo_buf_adds(&buf, "-");
	fo_buf_addf(&buf, "%d%s", 42, "!");
	cr_expect_eq(buf.len, 6);
	cr_expect_str_eq(buf.data, "ab-42!", "it ends in a NUL all along");
	cr_assert_eq(fo_buf_take(&buf, &text), FO_OK);
	cr_expect_str_eq(text, "ab-42!");
	cr_expect_null(buf.data);
	free(text);
}

Test(buf, is_an_empty_text_when_nothing_was_added)
{
	struct fo_buf buf;
	char *text = NULL;

	fo_buf_init(&buf, 0);
	cr_assert_eq(fo_buf_take(&buf, &text), FO_OK);
	cr_expect_str_eq(text, "");
	free(text);
}

Test(buf, keeps_NUL_bytes)
{
	struct fo_buf buf;

	fo_buf_init(&buf, 10);
	fo_buf_add(&buf, "a\0b", 3);
	cr_expect_eq(buf.len, 3);
	cr_expect_eq(memcmp(buf.data, "a\0b", 4), 0);
	fo_buf_clear(&buf);
}

Test(buf, takes_exactly_its_limit_and_not_one_byte_more)
{
	struct fo_buf buf;
	char *text = NULL;

	fo_buf_init(&buf, 4);
	fo_buf_adds(&buf, "1234");
	cr_expect_eq(buf.err, FO_OK);
	fo_buf_adds(&buf, "5");
	cr_expect_eq(buf.err, FO_ERR_TOO_LONG);
	cr_expect_eq(fo_buf_take(&buf, &text), FO_ERR_TOO_LONG);
	cr_expect_null(text, "untouched on failure");
	cr_expect_null(buf.data);
}

Test(buf, formats_up_to_its_limit_and_not_one_byte_more)
{
	struct fo_buf buf;

	fo_buf_init(&buf, 4);
	fo_buf_addf(&buf, "%s", "1234");
	cr_expect_eq(buf.err, FO_OK);
	fo_buf_clear(&buf);
	fo_buf_addf(&buf, "%s", "12345");
	cr_expect_eq(buf.err, FO_ERR_TOO_LONG);
	fo_buf_clear(&buf);
	/* nor where there is memory from before */
	fo_buf_init(&buf, 100);
	fo_buf_adds(&buf, "0123456789");
	fo_buf_addf(&buf, "%060d", 0);
	cr_expect_eq(buf.len, 70);
	fo_buf_addf(&buf, "%031d", 0);
	cr_expect_eq(buf.err, FO_ERR_TOO_LONG);
	cr_expect_eq(buf.len, 70);
	cr_expect_eq(strlen(buf.data), 70);
	fo_buf_clear(&buf);
	fo_buf_adds(&buf, "0123456789");
	fo_buf_addf(&buf, "%090d", 0);
	cr_expect_eq(buf.err, FO_OK);
	cr_expect_eq(buf.len, 100);
	fo_buf_clear(&buf);
}

Test(buf, adds_nothing_after_a_failure)
{
	struct fo_buf buf;

	fo_buf_init(&buf, 4);
	fo_buf_adds(&buf, "12");
	fo_buf_adds(&buf, "345");
	fo_buf_adds(&buf, "3");
	cr_expect_eq(buf.len, 2, "a hole must not go unnoticed");
	cr_expect_eq(buf.err, FO_ERR_TOO_LONG);
	fo_buf_clear(&buf);
}

Test(buf, can_be_used_again_after_it_was_taken)
{
	struct fo_buf buf;
	char *first = NULL, *second = NULL;

	fo_buf_init(&buf, 4);
	fo_buf_adds(&buf, "12345");
	cr_expect_eq(fo_buf_take(&buf, &first), FO_ERR_TOO_LONG);
	fo_buf_adds(&buf, "1234");
	cr_assert_eq(fo_buf_take(&buf, &second), FO_OK);
	cr_expect_str_eq(second, "1234");
	free(second);
}

Test(buf, keeps_its_text_over_many_growths)
{
	struct fo_buf buf;

	fo_buf_init(&buf, SIZE_MAX);
	for (int i = 0; i < 10000; i++)
		fo_buf_addf(&buf, "%04d", i);
	cr_assert_eq(buf.err, FO_OK);
	cr_assert_eq(buf.len, 40000);
	cr_expect_eq(memcmp(buf.data + 4 * 7777, "7777", 4), 0);
	cr_expect_eq(buf.data[buf.len], '\0');
	fo_buf_clear(&buf);
}

Test(buf, stays_in_memory_that_was_lent_and_leaves_it_there)
{
	char memory[5] = "????";
	struct fo_buf buf;

	fo_buf_init_in(&buf, memory, sizeof(memory));
	cr_expect_str_eq(memory, "");
	fo_buf_adds(&buf, "ab");
	fo_buf_addf(&buf, "%d", 34);
	cr_expect_eq(buf.err, FO_OK);
	cr_expect_str_eq(memory, "ab34");
	fo_buf_adds(&buf, "5");
	cr_expect_eq(buf.err, FO_ERR_TOO_LONG);
	cr_expect_str_eq(memory, "ab34");
	fo_buf_clear(&buf);
	cr_expect_arr_eq(memory, "\0\0\0\0", sizeof(memory), "wiped");
	fo_buf_adds(&buf, "cd");
	cr_expect_str_eq(memory, "cd", "and used again");
}

Test(buf, does_not_hand_over_memory_that_was_lent)
{
	char memory[4], *text = NULL;
	struct fo_buf buf;

	fo_buf_init_in(&buf, memory, sizeof(memory));
	fo_buf_adds(&buf, "a");
	cr_expect_eq(fo_buf_take(&buf, &text), FO_ERR_INTERNAL);
	cr_expect_null(text);
	cr_expect_eq(buf.data, memory);
	cr_expect_eq(buf.err, FO_OK, "empty, and used again");
}

Test(buf, does_not_overflow_on_an_impossible_length)
{
	struct fo_buf buf;

	fo_buf_init(&buf, SIZE_MAX);
	fo_buf_adds(&buf, "x");
	fo_buf_add(&buf, "y", SIZE_MAX - 1);
	cr_expect_eq(buf.err, FO_ERR_TOO_LONG);
	cr_expect_eq(buf.len, 1);
	fo_buf_clear(&buf);
}

/* A character that the locale "C" does not have ends a format. */
Test(buf, remembers_a_format_that_cannot_be_written)
{
	struct fo_buf buf;

	fo_buf_init(&buf, 100);
	fo_buf_adds(&buf, "x");
	fo_buf_addf(&buf, "y%ls", L"\u20ac");
	cr_expect_eq(buf.err, FO_ERR_TOO_LONG);
	cr_expect_str_eq(buf.data, "x");
	buf.err = FO_ERR_NOMEM;
	fo_buf_addf(&buf, "y%ls", L"\u20ac");
	cr_expect_eq(buf.err, FO_ERR_NOMEM, "the first stays");
	fo_buf_clear(&buf);
}

Test(wipe, overwrites_and_accepts_nothing)
{
	char secret[] = "secret";
	char *s = strdup("secret");

	fo_wipe(secret, 3);
	cr_expect_eq(memcmp(secret, "\0\0\0ret", 6), 0);
	fo_wipe(NULL, 3);
	fo_wipe_string(NULL);
	fo_wipe_free(NULL, 3);
	fo_wipe_string(&s);
	cr_expect_null(s);
	fo_wipe_string(&s);
	fo_wipe_free(&s, 3);
}
