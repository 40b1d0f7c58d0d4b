/*
 * A public ES256 key as a JWK (RFC 7517, RFC 7518 6.2.1) and its thumbprint.
 */
#ifndef FIRSTOPS_JWK_H
#define FIRSTOPS_JWK_H

#include <stddef.h>

#include <firstops/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A thumbprint as text: 43 of [A-Za-z0-9_-] and a NUL (RFC 7638 3). */
#define FO_JKT_SIZE 44
/* Bytes of one coordinate of a P-256 point. */
#define FO_COORD_BYTES 32

/* The public key: affine coordinates, big endian. Not a secret. */
struct fo_jwk {
	unsigned char x[FO_COORD_BYTES];
	unsigned char y[FO_COORD_BYTES];
};

/*
 * Read a public P-256 JWK from JSON text.
 *
 * json, len  the text, one object and nothing else; duplicate members are
 *            refused, unknown public members ignored.
 * diag       NULL, or where the reason goes on failure.
 * ret_jwk    the key; untouched on failure.
 *
 * Refused with FO_ERR_BAD_KEY: kty other than EC, crv other than P-256, a
 * coordinate that is not 32 bytes of canonical base64url, any private member
 * (even null), use other than "sig", alg other than "ES256", key_ops other
 * than an array that is empty or has "verify" or "sign". FO_ERR_FORMAT: not
 * JSON. Whether the point is on the curve is not looked at here; every
 * use of the key does (fo_jwk_check, fo_proof_check).
 */
FO_API FO_MUST_CHECK fo_err fo_jwk_parse(const char *json, size_t len,
    struct fo_diag *diag, struct fo_jwk *ret_jwk);

/*
 * FO_OK if the point is on the curve, FO_ERR_BAD_KEY if not, FO_ERR_CRYPTO
 * or FO_ERR_NOMEM if that could not be found out.
 */
FO_API FO_MUST_CHECK fo_err fo_jwk_check(const struct fo_jwk *jwk);

/*
 * Read an OpenSSH public key line of type ecdsa-sha2-nistp256 (RFC 5656 3.1):
 * "ecdsa-sha2-nistp256 AAAA... comment". Leading options are refused.
 * FO_ERR_BAD_KEY: another type or curve. FO_ERR_FORMAT: damaged.
 */
FO_API FO_MUST_CHECK fo_err fo_jwk_from_ssh(const char *line, size_t len,
    struct fo_diag *diag, struct fo_jwk *ret_jwk);

/*
 * Write the key as {"crv":"P-256","kty":"EC","x":"...","y":"..."}: the
 * required members in lexicographic order, which is also the text that the
 * thumbprint hashes (RFC 7638 3.2). The caller frees *ret_json with free().
 */
FO_API FO_MUST_CHECK fo_err fo_jwk_format(const struct fo_jwk *jwk,
    char **ret_json);

/*
 * Write the RFC 7638 SHA-256 thumbprint of a public key.
 *
 * jwk      key to hash; borrowed.
 * ret_jkt  FO_JKT_SIZE bytes: 43 of [A-Za-z0-9_-] and a NUL; untouched on
 *          failure.
 *
 * Returns FO_OK, FO_ERR_CRYPTO if libcrypto fails. Thread safe.
 */
FO_API FO_MUST_CHECK fo_err fo_jwk_thumbprint(const struct fo_jwk *jwk,
    char ret_jkt[FO_JKT_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
