/*
 * DPoP proofs (RFC 9449): made by whoever holds the key, checked by whoever
 * is asked to let somebody in.
 */
#ifndef FIRSTOPS_PROOF_H
#define FIRSTOPS_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>
#include <firstops/jwk.h>
#include <firstops/key.h>

#ifdef __cplusplus
extern "C" {
#endif

/* No proof longer than this is looked at, or made. */
#define FO_PROOF_MAX_BYTES 4096
/* What every PAM service carries (sudo takes no more). */
#define FO_PROOF_PAM_MAX_BYTES 511
/* A replay hash: SHA-256(jkt "." jti) as 43 base64url characters and NUL. */
#define FO_HASH_SIZE 44

/* Defaults and upper limits of the window in which an iat is fresh. */
#define FO_MAX_AGE_S 60
#define FO_MAX_AGE_LIMIT_S 300
#define FO_CLOCK_SKEW_S 15
#define FO_CLOCK_SKEW_LIMIT_S 60

/* ---- making ---------------------------------------------------------- */

/* What a proof shall say. Zero-initialise; pointers are borrowed. */
struct fo_request {
	const char *htm;	  /* required */
	const char *htu;	  /* required; http(s): query, fragment cut */
	const char *nonce;	  /* NULL: none asked for */
	const char *access_token; /* NULL: no ath */
	int64_t iat;		  /* required: seconds since 1970 */
	const char *jti;	  /* NULL: 12 random bytes, 16 characters */
	/* 0: what arrives whole: 128 at vsftpd, which so takes none; 511 at
	 * every other service of a pam: target; otherwise 4096 */
	size_t max_bytes;
	struct fo_diag *diag;	  /* NULL, or where the reason goes */
};

/*
 * Sign a fresh proof. Header members in the order typ alg jwk, claims
 * jti htm htu iat nonce ath. The caller frees *ret_proof with
 * fo_proof_text_free: until it is spent, it lets its bearer in.
 *
 * FO_ERR_ARG: a required member is missing, or a text is not UTF-8.
 * FO_ERR_TOO_LONG: over max_bytes; the reason says by how much.
 */
FO_API FO_MUST_CHECK fo_err fo_proof_sign(const struct fo_key *key,
    const struct fo_request *req, char **ret_proof);

/* Wipe and free; NULL is fine; *proof is NULL afterwards. */
FO_API void fo_proof_text_free(char **proof);

/* ---- checking -------------------------------------------------------- */

/*
 * What a verifier keeps between proofs: a library context of its own, the
 * curve, and the key that it met last. Optional; a program that checks many proofs makes one.
 * Not to be used by two threads at once.
 */
struct fo_verifier;

FO_API FO_MUST_CHECK fo_err fo_verifier_new(struct fo_verifier **ret_verifier);
FO_API void fo_verifier_free(struct fo_verifier **verifier);

/* What is asked of the nonce claim. */
typedef enum fo_nonce_rule {
	FO_NONCE_ALWAYS = 0, /* must be there and equal fo_expect.nonce */
	FO_NONCE_AUTO = 1,   /* if there, must equal fo_expect.nonce */
	FO_NONCE_IGNORE = 2  /* not looked at: no nonce was ever issued */
} fo_nonce_rule;

/* What a proof must say. Zero-initialise; pointers are borrowed. */
struct fo_expect {
	const char *htm;	  /* required */
	const char *htu;	  /* required */
	const char *const *htu_also; /* NULL, or more targets, NULL at end */
	const char *jkt;	  /* NULL, or the only key to accept */
	fo_nonce_rule nonce_rule;
	const char *nonce;	  /* the nonce issued, or NULL: none was */
	const char *access_token; /* NULL: none came along, ath ignored */
	int64_t now;		  /* seconds since 1970 */
	int64_t max_age_s;	  /* 0 to FO_MAX_AGE_LIMIT_S */
	int64_t clock_skew_s;	  /* 0 to FO_CLOCK_SKEW_LIMIT_S */
	struct fo_verifier *verifier; /* NULL: one is made for this call */
	struct fo_diag *diag;	  /* NULL, or where the reason goes */
};

/* A proof taken apart. Free with fo_proof_free. */
struct fo_proof;

/*
 * Does it look like a proof? At least 100 bytes, beginning with "eyJ", only
 * base64url characters and exactly two dots. What does not is a password or
 * something else, never an attack.
 */
FO_API bool fo_proof_looks_like(const char *text, size_t len);

/*
 * Take a proof apart and check its shape (RFC 9449 4.3, 1 to 6 and the form
 * of the claims): no key is imported, nothing is compared with a request.
 * The thumbprint of its jwk is computed.
 *
 * FO_ERR_MALFORMED, FO_ERR_CUT, FO_ERR_BAD_TYP, FO_ERR_BAD_ALG,
 * FO_ERR_BAD_CRIT, FO_ERR_BAD_KEY, FO_ERR_NOMEM, FO_ERR_CRYPTO.
 */
FO_API FO_MUST_CHECK fo_err fo_proof_parse(const char *text, size_t len,
    struct fo_diag *diag, struct fo_proof **ret_proof);

/*
 * Check a parsed proof against what is wanted, in this order: want->jkt,
 * signature, htm, htu, iat (exp and nbf where present), nonce, ath.
 */
FO_API FO_MUST_CHECK fo_err fo_proof_check(const struct fo_proof *proof,
    const struct fo_expect *want);

/*
 * fo_proof_parse, then fo_proof_check. *ret_proof is untouched unless the
 * whole is FO_OK. Whether the proof was used before is not known here: a
 * verifier records fo_proof_hash and refuses the second.
 */
FO_API FO_MUST_CHECK fo_err fo_proof_verify(const char *text, size_t len,
    const struct fo_expect *want, struct fo_proof **ret_proof);

/* Borrowed views, valid as long as the proof. Never NULL but as said. */
FO_API const char *fo_proof_jkt(const struct fo_proof *proof);
FO_API const char *fo_proof_hash(const struct fo_proof *proof);
FO_API const char *fo_proof_htm(const struct fo_proof *proof);
FO_API const char *fo_proof_htu(const struct fo_proof *proof);
FO_API const char *fo_proof_jti(const struct fo_proof *proof);
/* NULL: the proof carries no nonce. */
FO_API const char *fo_proof_nonce(const struct fo_proof *proof);
/* Whole seconds, rounded towards minus infinity. */
FO_API int64_t fo_proof_iat(const struct fo_proof *proof);

/* Wipe and free; *proof is NULL afterwards; NULLs are fine. */
FO_API void fo_proof_free(struct fo_proof **proof);

#ifdef __cplusplus
}
#endif

#endif
