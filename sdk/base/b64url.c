/*
 * base64url without padding, canonical only (RFC 4648 5, RFC 7515 2).
 */
#include "b64url.h"

#include <stdint.h>

static const char alphabet[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits that a character stands for, or -1. */
static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;

	return -1;
}

void
fo_b64url_encode(const void *data, size_t n, char *out)
{
	const unsigned char *in = data;
	uint32_t bits = 0;
	unsigned int held = 0;

	for (size_t i = 0; i < n; i++) {
		bits = (bits << 8 | in[i]) & 0xffff;
		held += 8;
		while (held >= 6) {
			held -= 6;
			*out++ = alphabet[bits >> held & 0x3f];
		}
	}
	if (held > 0)
		*out++ = alphabet[bits << (6 - held) & 0x3f];
	*out = '\0';
}

fo_err
fo_b64url_decode(const char *text, size_t len, void *out, size_t max,
    size_t *ret_len)
{
	unsigned char *to = out;
	const size_t rest = len % 4;
	const size_t bytes = len / 4 * 3 + (rest > 0 ? rest - 1 : 0);
	uint32_t bits = 0;
	unsigned int held = 0;
	size_t n = 0;

	if (rest == 1)
		return FO_ERR_FORMAT;
	if (bytes > max)
		return FO_ERR_TOO_LONG;

	/* Byte n is written after character n was read: text may be out. */
	for (size_t i = 0; i < len; i++) {
		const int v = value_of(text[i]);

		if (v < 0)
			return FO_ERR_FORMAT;
		bits = (bits << 6 | (uint32_t)v) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			to[n++] = (unsigned char)(bits >> held & 0xff);
		}
	}
	/*
	 * RFC 4648 3.5: bits beyond the last byte are zero, so that each
	 * value has one text.
	 */
	if ((bits & ((1U << held) - 1)) != 0)
		return FO_ERR_FORMAT;

	*ret_len = n;
	return FO_OK;
}
