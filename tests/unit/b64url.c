/*
 * base64url: canonical texts only, both ways.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/b64url.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 4648 10, without the padding, and the two characters of its section 5. */
static const struct { const char *bytes, *text; } pairs[] = {
	{ "", "" },
	{ "f", "Zg" },
	{ "fo", "Zm8" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg" },
	{ "fooba", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbe", "-_--" },
};

Test(b64url, encodes_the_examples_of_rfc_4648)
{
	char text[16];

	for (size_t i = 0; i < COUNT(pairs); i++) {
		const size_t n = strlen(pairs[i].bytes);

		fo_b64url_encode(pairs[i].bytes, n, text);
		cr_expect_str_eq(text, pairs[i].text);
		cr_expect_eq(FO_B64URL_LEN(n), strlen(pairs[i].text));
	}
}

Test(b64url, decodes_the_examples_of_rfc_4648)
{
	for (size_t i = 0; i < COUNT(pairs); i++) {
		const size_t n = strlen(pairs[i].bytes);
		char bytes[16];
		size_t len = 99;

		cr_assert_eq(fo_b64url_decode(pairs[i].text,
		    strlen(pairs[i].text), bytes, n, &len), FO_OK, "%s",
		    pairs[i].text);
		cr_expect_eq(len, n);
		cr_expect_eq(memcmp(bytes, pairs[i].bytes, n), 0);
	}
}

Test(b64url, returns_every_byte_at_every_place)
{
	unsigned char bytes[256 + 3], back[256 + 3];
	char text[FO_B64URL_LEN(sizeof(bytes)) + 1];
	size_t len;

	for (size_t shift = 0; shift <= 3; shift++) {
		const size_t n = 256 + shift;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (unsigned char)(i + shift);
		fo_b64url_encode(bytes, n, text);
		cr_assert_eq(fo_b64url_decode(text, strlen(text), back,
		    sizeof(back), &len), FO_OK);
		cr_assert_eq(len, n);
		cr_expect_eq(memcmp(back, bytes, n), 0);
	}
}

Test(b64url, decodes_in_place)
{
	char text[] = "Zm9vYmFy";
	size_t len;

	cr_assert_eq(fo_b64url_decode(text, strlen(text), text, sizeof(text),
	    &len), FO_OK);
	cr_expect_eq(len, 6);
	cr_expect_eq(memcmp(text, "foobar", 6), 0);
}

Test(b64url, refuses_what_is_not_canonical)
{
	static const struct { const char *why, *text; size_t len; } cases[] = {
		{ "padding", "Zg==", 4 },
		{ "one character", "Z", 1 },
		{ "one character too many", "Zm9vY", 5 },
		{ "four bits left over", "Zh", 2 },
		{ "the highest of four bits left over", "Zo", 2 },
		{ "two bits left over", "Zm9", 3 },
		{ "the plus of plain base64", "Zm+v", 4 },
		{ "the slash of plain base64", "Zm/v", 4 },
		{ "a space", "Zm v", 4 },
		{ "a newline at the end", "Zm9\n", 4 },
		{ "a NUL", "Zm\0v", 4 },
		{ "a byte over 127", "Zm\xc3v", 4 },
	};
	char out[16];
	size_t len = 99;

	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect_eq(fo_b64url_decode(cases[i].text, cases[i].len,
		    out, sizeof(out), &len), FO_ERR_FORMAT, "%s",
		    cases[i].why);
	cr_expect_eq(len, 99, "the length is untouched on failure");
}

Test(b64url, takes_no_more_bytes_than_it_was_given_room_for)
{
	char out[4] = "xxx";
	size_t len = 99;

	cr_expect_eq(fo_b64url_decode("Zm9v", 4, out, 2, &len),
	    FO_ERR_TOO_LONG);
	cr_expect_eq(fo_b64url_decode("Zm9v", 4, out, 3, &len), FO_OK);
	cr_expect_eq(out[3], '\0', "nothing behind the room is written");
}

Test(b64url, has_an_alphabet_of_64_and_no_other_byte)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[3];
	size_t len;

	for (int c = 0; c < 256; c++) {
		const char text[] = { 'A', 'A', 'A', (char)c };

		cr_expect_eq(fo_b64url_decode(text, sizeof(text), bytes,
		    sizeof(bytes), &len) == FO_OK, c != 0 &&
		    strchr(alphabet, c) != NULL, "byte %d", c);
	}
}
