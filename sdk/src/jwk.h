/*
 * Public keys as JWK, for the other files of the library.
 */
#ifndef FO_SRC_JWK_H
#define FO_SRC_JWK_H

#include <firstops/error.h>
#include <firstops/jwk.h>

struct fo_json;

/* The canonical text of a P-256 JWK (RFC 7638 3.2) has always one length. */
#define FO_JWK_TEXT_LEN 126

/*
 * Read a key from parsed JSON: what fo_jwk_parse says, but for FO_ERR_FORMAT.
 * object may be NULL or no object: FO_ERR_BAD_KEY.
 */
FO_MUST_CHECK fo_err fo_jwk_read(const struct fo_json *object,
    struct fo_diag *diag, struct fo_jwk *ret_jwk);

/* Write the canonical text and a NUL. */
void fo_jwk_write(const struct fo_jwk *jwk, char text[FO_JWK_TEXT_LEN + 1]);

#endif
