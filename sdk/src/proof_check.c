/*
 * A proof checked against what is wanted (RFC 9449 4.3, 7 to 12). Nothing
 * here reads a clock, a file or the environment.
 */
#include <firstops/proof.h>

#include <string.h>

#include <openssl/crypto.h>

#include <firstops/target.h>

#include "base/diag.h"
#include "proof.h"
#include "verifier.h"

/* Seconds that a double holds exactly: far beyond any clock. */
#define NOW_MAX ((int64_t)1 << 53)
/* Beyond this an excess is not worth its digits. */
#define SECONDS_MAX 1e15

static bool
is_same(const char *a, const char *b)
{
	const size_t len = strlen(a);

	return len == strlen(b) && CRYPTO_memcmp(a, b, len) == 0;
}

/* Seconds for people: whole, rounded up. */
static long long
seconds(double excess)
{
	long long whole;

	if (excess > SECONDS_MAX)
		return (long long)SECONDS_MAX;

	whole = (long long)excess;
	return (double)whole < excess ? whole + 1 : whole;
}

/* A caller that asks for less than a check gets no check at all. */
static fo_err
check_want(const struct fo_expect *want)
{
	if (want->htm == NULL || want->htm[0] == '\0' || want->htu == NULL ||
	    want->htu[0] == '\0') {
		fo_diag_set(want->diag, "no htm or no htu is expected");
		return FO_ERR_ARG;
	}
	if (want->now < 0 || want->now > NOW_MAX) {
		fo_diag_set(want->diag, "the clock is out of range");
		return FO_ERR_ARG;
	}
	if (want->max_age_s < 0 || want->max_age_s > FO_MAX_AGE_LIMIT_S ||
	    want->clock_skew_s < 0 ||
	    want->clock_skew_s > FO_CLOCK_SKEW_LIMIT_S) {
		fo_diag_set(want->diag, "max_age is 0 to %d s, clock_skew 0 "
		    "to %d s", FO_MAX_AGE_LIMIT_S, FO_CLOCK_SKEW_LIMIT_S);
		return FO_ERR_ARG;
	}
	if (want->nonce_rule != FO_NONCE_ALWAYS &&
	    want->nonce_rule != FO_NONCE_AUTO &&
	    want->nonce_rule != FO_NONCE_IGNORE) {
		fo_diag_set(want->diag, "there is no such nonce rule");
		return FO_ERR_ARG;
	}
	if ((want->nonce != NULL && want->nonce[0] == '\0') ||
	    (want->access_token != NULL && want->access_token[0] == '\0')) {
		fo_diag_set(want->diag, "an expected nonce or access token "
		    "is empty");
		return FO_ERR_ARG;
	}

	return FO_OK;
}

static fo_err
check_key(const struct fo_proof *proof, const struct fo_expect *want)
{
	if (want->jkt == NULL || is_same(proof->jkt, want->jkt))
		return FO_OK;

	fo_diag_set(want->diag, "the proof's key has thumbprint %s, not %s",
	    proof->jkt, want->jkt);
	return FO_ERR_UNKNOWN_KEY;
}

static fo_err
check_signature(const struct fo_proof *proof, const struct fo_expect *want)
{
	struct fo_verifier *verifier = want->verifier;
	struct fo_verifier *own = NULL;
	fo_err r;

	if (verifier == NULL) {
		if ((r = fo_verifier_new(&own)) != FO_OK)
			return r;
		verifier = own;
	}

	r = fo_verifier_check(verifier, &proof->jwk, proof->digest, proof->sig,
	    sizeof(proof->sig));
	fo_verifier_free(&own);
	if (r != FO_OK)
		fo_diag_set(want->diag, "key %s: %s", proof->jkt,
		    r == FO_ERR_BAD_KEY ? "not a point on P-256" :
		    fo_err_text(r));
	return r;
}

static fo_err
check_htm(const struct fo_proof *proof, const struct fo_expect *want)
{
	char htm[FO_DIAG_WORD_SIZE];

	if (strcmp(proof->htm, want->htm) == 0)
		return FO_OK;

	fo_diag_word(proof->htm, htm);
	fo_diag_set(want->diag, "the proof is for method %.64s, not %.64s",
	    htm, want->htm);
	return FO_ERR_WRONG_HTM;
}

static fo_err
check_htu(const struct fo_proof *proof, const struct fo_expect *want)
{
	const char *const *also = want->htu_also;
	fo_err r = fo_target_match(proof->htu, want->htu);
	char htu[FO_DIAG_WORD_SIZE];

	for (; r == FO_ERR_WRONG_HTU && also != NULL && *also != NULL; also++)
		r = fo_target_match(proof->htu, *also);
	if (r == FO_ERR_WRONG_HTU) {
		fo_diag_word(proof->htu, htu);
		fo_diag_set(want->diag, "the proof is for %s, not for %.200s",
		    htu, want->htu);
	} else if (r == FO_ERR_ARG) {
		fo_diag_set(want->diag, "the htu that is expected is no URI "
		    "of its scheme: %.200s", want->htu);
	}

	return r;
}

/*
 * iat lies in [now - max_age, now + skew]. All of it as reals: they hold the
 * caller's numbers exactly, and whatever the proof says does not overflow.
 */
static fo_err
check_iat(const struct fo_proof *proof, const struct fo_expect *want)
{
	const double age = (double)want->now - proof->iat;
	const double oldest = (double)want->max_age_s;
	const double skew = (double)want->clock_skew_s;

	if (age > oldest) {
		fo_diag_set(want->diag, "stale by %lld s: the proof is %lld s "
		    "old, %lld s are allowed", seconds(age - oldest),
		    seconds(age), (long long)want->max_age_s);
		return FO_ERR_STALE;
	}
	if (-age > skew) {
		fo_diag_set(want->diag, "from the future by %lld s: the proof "
		    "is made %lld s ahead of this clock, %lld s are allowed",
		    seconds(-age - skew), seconds(-age),
		    (long long)want->clock_skew_s);
		return FO_ERR_FUTURE;
	}

	return FO_OK;
}

/*
 * RFC 7519 4.1.4 and 4.1.5, where they are present. Leeway only for nbf: a
 * clock that is behind must not refuse a proof that was just made, while
 * nobody has to accept one past the end that it names itself.
 */
static fo_err
check_exp_nbf(const struct fo_proof *proof, const struct fo_expect *want)
{
	const double now = (double)want->now;
	const double skew = (double)want->clock_skew_s;

	if (proof->has_exp && now >= proof->exp) {
		fo_diag_set(want->diag, "stale by %lld s: the proof's exp has "
		    "passed", seconds(now - proof->exp));
		return FO_ERR_STALE;
	}
	if (proof->has_nbf && proof->nbf > now + skew) {
		fo_diag_set(want->diag, "from the future by %lld s: the "
		    "proof's nbf is still to come",
		    seconds(proof->nbf - now - skew));
		return FO_ERR_FUTURE;
	}

	return FO_OK;
}

static fo_err
check_nonce(const struct fo_proof *proof, const struct fo_expect *want)
{
	if (want->nonce_rule == FO_NONCE_IGNORE)
		return FO_OK;
	if (proof->nonce == NULL && want->nonce_rule == FO_NONCE_AUTO)
		return FO_OK;

	if (proof->nonce == NULL) {
		fo_diag_set(want->diag, "the proof carries no nonce, and one "
		    "is required");
		return FO_ERR_NO_NONCE;
	}
	if (want->nonce == NULL) {
		fo_diag_set(want->diag, "the proof carries a nonce, but none "
		    "was issued");
		return FO_ERR_WRONG_NONCE;
	}
	if (!is_same(proof->nonce, want->nonce)) {
		fo_diag_set(want->diag, "the proof's nonce is not the one "
		    "that was issued");
		return FO_ERR_WRONG_NONCE;
	}

	return FO_OK;
}

/* RFC 9449 4.3, 12: only with a token is there anything to compare. */
static fo_err
check_ath(const struct fo_proof *proof, const struct fo_expect *want)
{
	char ath[FO_SHA256_TEXT_SIZE];
	fo_err r;

	if (want->access_token == NULL)
		return FO_OK;
	if (proof->ath == NULL) {
		fo_diag_set(want->diag, "an access token came along, but the "
		    "proof has no ath");
		return FO_ERR_NO_ATH;
	}
	if ((r = fo_sha256_text(want->access_token,
	    strlen(want->access_token), ath)) != FO_OK)
		return r;
	if (!is_same(proof->ath, ath)) {
		fo_diag_set(want->diag, "the proof's ath is not the hash of "
		    "the access token");
		return FO_ERR_WRONG_ATH;
	}

	return FO_OK;
}

fo_err
fo_proof_check(const struct fo_proof *proof, const struct fo_expect *want)
{
	fo_err r;

	if (proof == NULL || want == NULL)
		return FO_ERR_ARG;

	if ((r = check_want(want)) != FO_OK ||
	    (r = check_key(proof, want)) != FO_OK ||
	    (r = check_signature(proof, want)) != FO_OK ||
	    (r = check_htm(proof, want)) != FO_OK ||
	    (r = check_htu(proof, want)) != FO_OK ||
	    (r = check_iat(proof, want)) != FO_OK ||
	    (r = check_exp_nbf(proof, want)) != FO_OK ||
	    (r = check_nonce(proof, want)) != FO_OK ||
	    (r = check_ath(proof, want)) != FO_OK)
		return r;

	return FO_OK;
}

fo_err
fo_proof_verify(const char *text, size_t len, const struct fo_expect *want,
    struct fo_proof **ret_proof)
{
	struct fo_proof *proof = NULL;
	fo_err r;

	if (want == NULL || ret_proof == NULL)
		return FO_ERR_ARG;
	if ((r = fo_proof_parse(text, len, want->diag, &proof)) != FO_OK)
		return r;
	if ((r = fo_proof_check(proof, want)) != FO_OK)
		goto out;

	*ret_proof = proof;
	proof = NULL; /* now owned by the caller */
out:
	fo_proof_free(&proof);
	return r;
}
