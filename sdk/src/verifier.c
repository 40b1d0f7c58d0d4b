/*
 * The verifier: ECDSA on P-256 (FIPS 186-5 6.4.2, SEC 1 4.1.4), by
 * libcrypto's arithmetic on points and numbers.
 *
 * Not by EVP_PKEY_verify(), since OpenSSL 3 asks the engine table of the
 * whole process before any library context: in a program whose configuration
 * gives an engine all algorithms, that engine would decide who is let in.
 * EC_KEY with libcrypto's own methods still has the engine table set up, and
 * with that the program's configuration read, in the middle of a login.
 * Arithmetic asks nobody: no fetch, no provider, no engine, no configuration.
 * It also tells a bad signature from trouble of our own, which EVP does not
 * for signatures that lead to the point at infinity.
 *
 * All that is computed with is public, so nothing here has to take constant
 * time. The thread's error queue is left as it was found.
 */
#include "verifier.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "p256.h"

struct fo_verifier {
	OSSL_LIB_CTX *libctx;
	BN_CTX *scratch;
	EC_GROUP *group;
	BIGNUM *inverting;	/* the order - 2 */
	EC_POINT *sum;
	EC_POINT *key;
	struct fo_jwk jwk;	/* what key is, if has_jwk */
	bool has_jwk;
};

/* The numbers of the standard, by its names. */
struct numbers {
	BIGNUM *r, *s, *e, *w, *u1, *u2, *x;
};

/*
 * Is it certain that a key is no point on the curve? FO_ERR_BAD_KEY: yes, a
 * coordinate is not below p, or y^2 is not x^3 + ax + b. FO_ERR_CRYPTO: no.
 */
static fo_err
judge_point(const struct fo_verifier *v, const struct fo_jwk *jwk)
{
	BIGNUM *x = BN_CTX_get(v->scratch);
	BIGNUM *y = BN_CTX_get(v->scratch);
	BIGNUM *p = BN_CTX_get(v->scratch);
	BIGNUM *a = BN_CTX_get(v->scratch);
	BIGNUM *b = BN_CTX_get(v->scratch);
	BIGNUM *left = BN_CTX_get(v->scratch);
	BIGNUM *right = BN_CTX_get(v->scratch);

	/* once one fails, all that follow do */
	if (right == NULL)
		return FO_ERR_NOMEM;
	if (BN_bin2bn(jwk->x, FO_COORD_BYTES, x) == NULL ||
	    BN_bin2bn(jwk->y, FO_COORD_BYTES, y) == NULL ||
	    EC_GROUP_get_curve(v->group, p, a, b, v->scratch) != 1)
		return FO_ERR_CRYPTO;
	if (BN_ucmp(x, p) >= 0 || BN_ucmp(y, p) >= 0)
		return FO_ERR_BAD_KEY;
	/* (x^2 + a) x + b */
	if (BN_mod_sqr(left, y, p, v->scratch) != 1 ||
	    BN_mod_sqr(right, x, p, v->scratch) != 1 ||
	    BN_mod_add(right, right, a, p, v->scratch) != 1 ||
	    BN_mod_mul(right, right, x, p, v->scratch) != 1 ||
	    BN_mod_add(right, right, b, p, v->scratch) != 1)
		return FO_ERR_CRYPTO;

	return BN_ucmp(left, right) != 0 ? FO_ERR_BAD_KEY : FO_ERR_CRYPTO;
}

/*
 * Why did libcrypto refuse a point? It gives the same reason where its test
 * for the curve ran out of memory as where the point failed that test.
 */
static fo_err
explain_refusal(const struct fo_verifier *v, const struct fo_jwk *jwk)
{
	fo_err r;

	BN_CTX_start(v->scratch);
	r = judge_point(v, jwk);
	BN_CTX_end(v->scratch);
	return r;
}

static fo_err
import(struct fo_verifier *v, const struct fo_jwk *jwk)
{
	unsigned char point[FO_P256_POINT_BYTES];

	if (v->has_jwk && memcmp(&v->jwk, jwk, sizeof(*jwk)) == 0)
		return FO_OK;

	v->has_jwk = false;
	/* refuses what is not on the curve, and coordinates beyond the field */
	fo_p256_point(jwk, point);
	if (EC_POINT_oct2point(v->group, v->key, point, sizeof(point),
	    v->scratch) != 1)
		return explain_refusal(v, jwk);

	v->jwk = *jwk;
	v->has_jwk = true;
	return FO_OK;
}

/* Is 0 < n < order? */
static bool
is_in_range(const BIGNUM *n, const BIGNUM *order)
{
	return !BN_is_zero(n) && BN_ucmp(n, order) < 0;
}

/*
 * 1/s modulo the order, which is prime: s to the power of the order - 2
 * (Fermat). With the group's Montgomery numbers that takes three quarters of
 * what BN_mod_inverse() takes.
 */
static int
invert(const struct fo_verifier *v, BIGNUM *w, const BIGNUM *s)
{
	return BN_mod_exp_mont(w, s, v->inverting,
	    EC_GROUP_get0_order(v->group), v->scratch,
	    EC_GROUP_get_mont_data(v->group));
}

/* The equation: x of (e/s) G + (r/s) key, modulo the order, is r. */
static fo_err
solve(struct fo_verifier *v, const struct numbers *n)
{
	const BIGNUM *order = EC_GROUP_get0_order(v->group);

	if (!is_in_range(n->r, order) || !is_in_range(n->s, order))
		return FO_ERR_BAD_SIGNATURE;
	if (invert(v, n->w, n->s) != 1 ||
	    BN_mod_mul(n->u1, n->e, n->w, order, v->scratch) != 1 ||
	    BN_mod_mul(n->u2, n->r, n->w, order, v->scratch) != 1 ||
	    EC_POINT_mul(v->group, v->sum, n->u1, v->key, n->u2,
	    v->scratch) != 1)
		return FO_ERR_CRYPTO;
	if (EC_POINT_is_at_infinity(v->group, v->sum))
		return FO_ERR_BAD_SIGNATURE;
	if (EC_POINT_get_affine_coordinates(v->group, v->sum, n->x, NULL,
	    v->scratch) != 1 ||
	    BN_nnmod(n->x, n->x, order, v->scratch) != 1)
		return FO_ERR_CRYPTO;

	return BN_cmp(n->x, n->r) == 0 ? FO_OK : FO_ERR_BAD_SIGNATURE;
}

static fo_err
check(struct fo_verifier *v, const unsigned char digest[FO_SHA256_BYTES],
    const unsigned char sig[FO_SIG_BYTES])
{
	fo_err r = FO_ERR_NOMEM;
	struct numbers n;

	BN_CTX_start(v->scratch);
	n.r = BN_CTX_get(v->scratch);
	n.s = BN_CTX_get(v->scratch);
	n.e = BN_CTX_get(v->scratch);
	n.w = BN_CTX_get(v->scratch);
	n.u1 = BN_CTX_get(v->scratch);
	n.u2 = BN_CTX_get(v->scratch);
	n.x = BN_CTX_get(v->scratch);
	/* once one fails, all that follow do */
	if (n.x == NULL)
		goto out;
	if (BN_bin2bn(sig, FO_COORD_BYTES, n.r) == NULL ||
	    BN_bin2bn(sig + FO_COORD_BYTES, FO_COORD_BYTES, n.s) == NULL ||
	    BN_bin2bn(digest, FO_SHA256_BYTES, n.e) == NULL)
		goto out;
	r = solve(v, &n);
out:
	BN_CTX_end(v->scratch);
	return r;
}

fo_err
fo_verifier_import(struct fo_verifier *verifier, const struct fo_jwk *jwk)
{
	fo_err r;

	(void)ERR_set_mark();
	r = import(verifier, jwk);
	(void)ERR_pop_to_mark();
	return r;
}

fo_err
fo_verifier_check(struct fo_verifier *verifier, const struct fo_jwk *jwk,
    const unsigned char digest[FO_SHA256_BYTES], const unsigned char *sig,
    size_t sig_len)
{
	fo_err r;

	if (sig_len != FO_SIG_BYTES)
		return FO_ERR_BAD_SIGNATURE;

	(void)ERR_set_mark();
	if ((r = import(verifier, jwk)) == FO_OK)
		r = check(verifier, digest, sig);
	(void)ERR_pop_to_mark();
	return r;
}

fo_err
fo_verifier_new(struct fo_verifier **ret_verifier)
{
	struct fo_verifier *v;
	fo_err r = FO_ERR_NOMEM;

	if (ret_verifier == NULL)
		return FO_ERR_ARG;
	if ((v = calloc(1, sizeof(*v))) == NULL)
		return FO_ERR_NOMEM;

	(void)ERR_set_mark();
	if ((v->libctx = OSSL_LIB_CTX_new()) == NULL ||
	    (v->scratch = BN_CTX_new_ex(v->libctx)) == NULL ||
	    (v->group = EC_GROUP_new_by_curve_name_ex(v->libctx, NULL,
	    NID_X9_62_prime256v1)) == NULL ||
	    (v->inverting = BN_dup(EC_GROUP_get0_order(v->group))) == NULL ||
	    BN_sub_word(v->inverting, 2) != 1 ||
	    (v->sum = EC_POINT_new(v->group)) == NULL ||
	    (v->key = EC_POINT_new(v->group)) == NULL)
		goto out;

	*ret_verifier = v;
	v = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	fo_verifier_free(&v);
	(void)ERR_pop_to_mark();
	return r;
}

void
fo_verifier_free(struct fo_verifier **verifier)
{
	struct fo_verifier *v;

	if (verifier == NULL || (v = *verifier) == NULL)
		return;
	EC_POINT_free(v->key);
	EC_POINT_free(v->sum);
	BN_free(v->inverting);
	EC_GROUP_free(v->group);
	BN_CTX_free(v->scratch);
	OSSL_LIB_CTX_free(v->libctx);
	free(v);
	*verifier = NULL;
}
