/*
 * base64url without padding, canonical only (RFC 4648 5, RFC 7515 2).
 */
#ifndef FO_BASE_B64URL_H
#define FO_BASE_B64URL_H

#include <stddef.h>

#include <firstops/error.h>

/* Characters that n bytes make, without a NUL. */
#define FO_B64URL_LEN(n) (((n) * 4 + 2) / 3)

/*
 * Write FO_B64URL_LEN(n) characters and a NUL to out, which has room for
 * them.
 */
void fo_b64url_encode(const void *data, size_t n, char *out);

/*
 * Decode exactly len characters. Refused with FO_ERR_FORMAT: any other
 * character (padding, white space, '+', '/', NUL), an impossible length, bits
 * after the last byte that are not zero. FO_ERR_TOO_LONG: more than max
 * bytes. out may be the text itself; on failure it holds nothing of use.
 */
FO_MUST_CHECK fo_err fo_b64url_decode(const char *text, size_t len, void *out,
    size_t max, size_t *ret_len);

#endif
