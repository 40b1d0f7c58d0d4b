/*
 * Results of libfirstops: one list of numbers, words and sentences.
 *
 * Every fallible function returns fo_err: FO_OK (0) or a negative value.
 * The list is append-only, so a number keeps its meaning for ever. The word
 * of a value (fo_err_word) is what events carry as "why" and what tools print
 * with --json; the sentence (fo_err_text) is for people.
 */
#ifndef FIRSTOPS_ERROR_H
#define FIRSTOPS_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#define FO_API __attribute__((visibility("default")))
#define FO_MUST_CHECK __attribute__((warn_unused_result))
#define FO_PRINTF(f, a) __attribute__((format(printf, f, a)))

typedef enum fo_err {
	FO_OK = 0,

	/* trouble of our own */
	FO_ERR_ARG = -1,	/* a caller's argument cannot be used */
	FO_ERR_NOMEM = -2,	/* out of memory */
	FO_ERR_CRYPTO = -3,	/* libcrypto failed; no verdict */
	FO_ERR_IO = -4,		/* reading, writing or randomness failed */
	FO_ERR_FORMAT = -5,	/* input is not of the form it should have */
	FO_ERR_NOT_FOUND = -6,	/* the thing named does not exist */
	FO_ERR_EXISTS = -7,	/* the thing to be made exists already */
	FO_ERR_TOO_LONG = -8,	/* the result would not fit its limit */
	FO_ERR_INTERNAL = -9,	/* broken invariant */

	/* no proof, or not the shape of one */
	FO_ERR_NO_PROOF = -20,
	FO_ERR_MALFORMED = -21,
	FO_ERR_CUT = -22,	/* a transport's limit shortened it */
	FO_ERR_BAD_TYP = -23,
	FO_ERR_BAD_ALG = -24,
	FO_ERR_BAD_CRIT = -25,
	FO_ERR_BAD_KEY = -26,	/* jwk missing, private, or not P-256 */

	/* find, verify */
	FO_ERR_UNKNOWN_KEY = -30,
	FO_ERR_BAD_SIGNATURE = -31,
	FO_ERR_WRONG_HTM = -32,
	FO_ERR_WRONG_HTU = -33,
	FO_ERR_STALE = -34,
	FO_ERR_FUTURE = -35,
	FO_ERR_NO_NONCE = -36,
	FO_ERR_WRONG_NONCE = -37,
	FO_ERR_NO_ATH = -38,
	FO_ERR_WRONG_ATH = -39,

	/* status, policy */
	FO_ERR_REVOKED = -50,
	FO_ERR_SUSPENDED = -51,
	FO_ERR_EXPIRED_KEY = -52,
	FO_ERR_REVOKED_KEY = -53,
	FO_ERR_NOT_AN_ACCOUNT = -54,
	FO_ERR_POLICY = -55,
	FO_ERR_ASK = -56,	/* a person is to be asked first */

	/* replay */
	FO_ERR_REPLAY = -60,
	FO_ERR_REPLAY_NEWBORN = -61,
	FO_ERR_REPLAY_STORE = -62,

	/* what the decision stands on */
	FO_ERR_STORE = -70,
	FO_ERR_CONFIG = -71,
	FO_ERR_AUDIT = -72,
	FO_ERR_SESSION = -73,	/* pending or session record */

	/* account phase */
	FO_ERR_RESERVED = -80,	/* reserved account, no login of ours */
	FO_ERR_USER_CHANGED = -81,

	/* the signer */
	FO_ERR_LOCKED = -90,
	FO_ERR_REFUSED = -91	/* not its target, or the person said no */
} fo_err;

/* Longest reason that a fo_diag carries, with its NUL. */
#define FO_DIAG_SIZE 512

/*
 * Why a call failed, in words, for whoever has to mend it: what, where, how.
 * The caller owns it and passes its address, or NULL; a function that fails
 * writes it, a function that succeeds leaves it alone. It never holds a
 * proof, a nonce or a private key.
 */
struct fo_diag {
	char text[FO_DIAG_SIZE];
};

/*
 * The word of a result: "ok", "bad_signature", "replay", ... Lower case
 * letters and '_'. Never NULL; "unknown" for a number not in the list.
 */
FO_API const char *fo_err_word(fo_err err);

/* The sentence of a result, lower case, no full stop. Never NULL. */
FO_API const char *fo_err_text(fo_err err);

#ifdef __cplusplus
}
#endif

#endif
