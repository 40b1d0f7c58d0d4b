/*
 * A proof taken apart: its shape and form, without a key or a request.
 */
#include <firstops/proof.h>

#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/diag.h"
#include "base/wipe.h"
#include "json.h"
#include "jwk.h"
#include "proof.h"

/* What is shorter is no proof: the header alone takes more. */
#define LOOKS_LIKE_MIN 100
#define SEGMENT_MAX_BYTES ((size_t)FO_PROOF_MAX_BYTES / 4 * 3)

enum { HEADER, PAYLOAD, SIGNATURE, SEGMENTS };

/* The three segments of a JWS (RFC 7515 7.1): as text, then decoded. */
struct jws {
	const char *text[SEGMENTS];
	size_t text_len[SEGMENTS];
	unsigned char sig[SEGMENT_MAX_BYTES];
	size_t sig_len;
	struct fo_json *header;
	struct fo_json *claims;
};

static bool
is_b64url(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool
fo_proof_looks_like(const char *text, size_t len)
{
	size_t dots = 0;

	if (text == NULL || len < LOOKS_LIKE_MIN || memcmp(text, "eyJ", 3) != 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '.')
			dots++;
		else if (!is_b64url(text[i]))
			return false;
	}

	return dots == SEGMENTS - 1;
}

bool
fo_jti_is_valid(const char *jti)
{
	return strlen(jti) <= FO_JTI_MAX &&
	    jti[strspn(jti, " \t\n\v\f\r")] != '\0';
}

/* ---- segments -------------------------------------------------------- */

static fo_err
split(const char *text, size_t len, struct fo_diag *diag, struct jws *jws)
{
	const char *const end = text + len;
	const char *dot;

	if (len == 0 || len > FO_PROOF_MAX_BYTES) {
		fo_diag_set(diag, "the proof has %zu bytes; 1 to %d are "
		    "accepted", len, FO_PROOF_MAX_BYTES);
		return FO_ERR_MALFORMED;
	}
	for (int i = 0; i < SEGMENTS; i++) {
		dot = memchr(text, '.', (size_t)(end - text));
		if ((dot == NULL) != (i == SEGMENTS - 1)) {
			fo_diag_set(diag, "the proof has not three segments "
			    "with a dot between them");
			return FO_ERR_MALFORMED;
		}
		jws->text[i] = text;
		jws->text_len[i] = (size_t)((dot != NULL ? dot : end) - text);
		text = dot != NULL ? dot + 1 : end;
	}

	return FO_OK;
}

static fo_err
decode(const struct jws *jws, int segment, const char *what,
    struct fo_diag *diag, unsigned char out[SEGMENT_MAX_BYTES],
    size_t *ret_len)
{
	if (fo_b64url_decode(jws->text[segment], jws->text_len[segment], out,
	    SEGMENT_MAX_BYTES, ret_len) == FO_OK)
		return FO_OK;

	fo_diag_set(diag, "the proof's %s is not canonical base64url", what);
	return FO_ERR_MALFORMED;
}

static fo_err
decode_json(const struct jws *jws, int segment, const char *what,
    struct fo_diag *diag, struct fo_json **ret_root)
{
	unsigned char bytes[SEGMENT_MAX_BYTES];
	size_t len = 0;
	fo_err r;

	if ((r = decode(jws, segment, what, diag, bytes, &len)) != FO_OK)
		goto out;
	r = fo_json_parse((const char *)bytes, len, what, diag, ret_root);
	if (r == FO_ERR_FORMAT) {
		fo_diag_prefix(diag, "the proof");
		r = FO_ERR_MALFORMED;
	}
out:
	fo_wipe(bytes, sizeof(bytes));
	return r;
}

/* ---- header (RFC 9449 4.2 and 4.3, 4 to 7) --------------------------- */

static fo_err
read_header(const struct fo_json *header, struct fo_diag *diag,
    struct fo_proof *proof)
{
	if (!fo_json_equals(fo_json_member(header, "typ"), "dpop+jwt")) {
		fo_diag_set(diag, "the proof's typ is not \"dpop+jwt\"");
		return FO_ERR_BAD_TYP;
	}
	if (!fo_json_equals(fo_json_member(header, "alg"), "ES256")) {
		fo_diag_set(diag, "the proof's alg is not \"ES256\"");
		return FO_ERR_BAD_ALG;
	}
	/* RFC 7515 4.1.11: we understand no extension */
	if (fo_json_member(header, "crit") != NULL) {
		fo_diag_set(diag, "the proof has a crit member");
		return FO_ERR_BAD_CRIT;
	}

	return fo_jwk_read(fo_json_member(header, "jwk"), diag, &proof->jwk);
}

/* ---- claims (RFC 9449 4.2) ------------------------------------------- */

static fo_err
dup_string(const struct fo_json *claim, const char *name,
    struct fo_diag *diag, char **ret_text)
{
	const char *text = fo_json_string(claim);
	char *copy;

	if (text == NULL) {
		fo_diag_set(diag, "the proof's %s is %s", name,
		    claim == NULL ? "missing" : "not a string");
		return FO_ERR_MALFORMED;
	}
	if ((copy = strdup(text)) == NULL)
		return FO_ERR_NOMEM;

	*ret_text = copy;
	return FO_OK;
}

/* Leaves *ret_text NULL if there is no such claim. */
static fo_err
dup_optional(const struct fo_json *claim, const char *name,
    struct fo_diag *diag, char **ret_text)
{
	return claim == NULL ? FO_OK : dup_string(claim, name, diag, ret_text);
}

/*
 * Without an access token ath says nothing to us, whatever it is; with one,
 * what is no string is no ath.
 */
static fo_err
dup_ath(const struct fo_json *claim, char **ret_text)
{
	const char *text = fo_json_string(claim);
	char *copy;

	if (text == NULL)
		return FO_OK;
	if ((copy = strdup(text)) == NULL)
		return FO_ERR_NOMEM;

	*ret_text = copy;
	return FO_OK;
}

/* RFC 7519 2: a NumericDate is a JSON number, with or without a fraction. */
static fo_err
read_date(const struct fo_json *claim, const char *name, struct fo_diag *diag,
    double *ret_date)
{
	if (fo_json_real(claim, ret_date))
		return FO_OK;

	fo_diag_set(diag, "the proof's %s is %s", name,
	    claim == NULL ? "missing" : "not a number");
	return FO_ERR_MALFORMED;
}

static fo_err
read_dates(const struct fo_json *claims, struct fo_diag *diag,
    struct fo_proof *proof)
{
	const struct fo_json *exp = fo_json_member(claims, "exp");
	const struct fo_json *nbf = fo_json_member(claims, "nbf");
	fo_err r;

	if ((r = read_date(fo_json_member(claims, "iat"), "iat", diag,
	    &proof->iat)) != FO_OK)
		return r;
	if (exp != NULL &&
	    (r = read_date(exp, "exp", diag, &proof->exp)) != FO_OK)
		return r;
	if (nbf != NULL &&
	    (r = read_date(nbf, "nbf", diag, &proof->nbf)) != FO_OK)
		return r;

	proof->has_exp = exp != NULL;
	proof->has_nbf = nbf != NULL;
	return FO_OK;
}

static fo_err
read_claims(const struct fo_json *claims, struct fo_diag *diag,
    struct fo_proof *proof)
{
	fo_err r;

	if ((r = dup_string(fo_json_member(claims, "jti"), "jti", diag,
	    &proof->jti)) != FO_OK ||
	    (r = dup_string(fo_json_member(claims, "htm"), "htm", diag,
	    &proof->htm)) != FO_OK ||
	    (r = dup_string(fo_json_member(claims, "htu"), "htu", diag,
	    &proof->htu)) != FO_OK ||
	    (r = read_dates(claims, diag, proof)) != FO_OK ||
	    (r = dup_optional(fo_json_member(claims, "nonce"), "nonce", diag,
	    &proof->nonce)) != FO_OK ||
	    (r = dup_ath(fo_json_member(claims, "ath"), &proof->ath)) !=
	    FO_OK)
		return r;
	if (!fo_jti_is_valid(proof->jti)) {
		fo_diag_set(diag, "the proof's jti is blank, or longer than "
		    "%d bytes", FO_JTI_MAX);
		return FO_ERR_MALFORMED;
	}

	return FO_OK;
}

/* ---- the whole ------------------------------------------------------- */

/* RFC 7518 3.4: 64 bytes; DER is not ES256. */
static fo_err
read_signature(const struct jws *jws, struct fo_diag *diag,
    struct fo_proof *proof)
{
	if (jws->sig_len != sizeof(proof->sig)) {
		fo_diag_set(diag, "the proof's signature has %zu bytes, not "
		    "the %zu of r and s", jws->sig_len, sizeof(proof->sig));
		return FO_ERR_MALFORMED;
	}

	memcpy(proof->sig, jws->sig, sizeof(proof->sig));
	return FO_OK;
}

/*
 * The thumbprint; what the signature is over (RFC 7515 5.2: header "."
 * payload, as they came); and the name under which the proof is spent.
 */
static fo_err
digest(const struct jws *jws, struct fo_proof *proof)
{
	char text[sizeof(proof->jkt) + FO_JTI_MAX];
	const size_t jkt_len = sizeof(proof->jkt) - 1;
	const size_t jti_len = strlen(proof->jti);
	fo_err r;

	if ((r = fo_jwk_thumbprint(&proof->jwk, proof->jkt)) != FO_OK ||
	    (r = fo_sha256(jws->text[HEADER],
	    jws->text_len[HEADER] + 1 + jws->text_len[PAYLOAD],
	    proof->digest)) != FO_OK)
		return r;

	memcpy(text, proof->jkt, jkt_len);
	text[jkt_len] = '.';
	memcpy(text + jkt_len + 1, proof->jti, jti_len);
	return fo_sha256_text(text, jkt_len + 1 + jti_len, proof->hash);
}

/*
 * First what makes it a JWS at all, then the header, whose words (another
 * algorithm, another key) say more than what follows from them.
 */
static fo_err
parse(struct jws *jws, const char *text, size_t len, struct fo_diag *diag,
    struct fo_proof *proof)
{
	fo_err r;

	if ((r = split(text, len, diag, jws)) != FO_OK ||
	    (r = decode_json(jws, HEADER, "header", diag, &jws->header)) !=
	    FO_OK ||
	    (r = decode_json(jws, PAYLOAD, "payload", diag, &jws->claims)) !=
	    FO_OK ||
	    (r = decode(jws, SIGNATURE, "signature", diag, jws->sig,
	    &jws->sig_len)) != FO_OK ||
	    (r = read_header(jws->header, diag, proof)) != FO_OK ||
	    (r = read_signature(jws, diag, proof)) != FO_OK ||
	    (r = read_claims(jws->claims, diag, proof)) != FO_OK)
		return r;

	return digest(jws, proof);
}

/*
 * The lengths at which sudo, OpenSSH and PgBouncer cut a longer answer
 * without a word, with and without the NUL.
 */
static bool
is_cut_length(size_t len)
{
	return len == 511 || len == 512 || len == 1023 || len == 1024 ||
	    len == 2047;
}

fo_err
fo_proof_parse(const char *text, size_t len, struct fo_diag *diag,
    struct fo_proof **ret_proof)
{
	struct fo_proof *proof = NULL;
	struct jws *jws = NULL;
	fo_err r = FO_ERR_NOMEM;

	if (text == NULL || ret_proof == NULL)
		return FO_ERR_ARG;
	if ((proof = calloc(1, sizeof(*proof))) == NULL ||
	    (jws = calloc(1, sizeof(*jws))) == NULL)
		goto out;
	r = parse(jws, text, len, diag, proof);
	if (r == FO_ERR_MALFORMED && is_cut_length(len)) {
		fo_diag_prefix(diag, "cut at %zu bytes on its way, as it "
		    "seems: make a shorter proof (a shorter htu), or use a "
		    "service that carries more", len);
		r = FO_ERR_CUT;
	}
	if (r != FO_OK)
		goto out;

	*ret_proof = proof;
	proof = NULL; /* now owned by the caller */
out:
	if (jws != NULL) {
		fo_json_free(&jws->header);
		fo_json_free(&jws->claims);
		fo_wipe(jws, sizeof(*jws));
		free(jws);
	}
	fo_proof_free(&proof);
	return r;
}

void
fo_proof_free(struct fo_proof **proof)
{
	struct fo_proof *p;

	if (proof == NULL || (p = *proof) == NULL)
		return;
	fo_wipe_string(&p->jti);
	fo_wipe_string(&p->htm);
	fo_wipe_string(&p->htu);
	fo_wipe_string(&p->nonce);
	fo_wipe_string(&p->ath);
	fo_wipe(p, sizeof(*p));
	free(p);
	*proof = NULL;
}

/* ---- views ----------------------------------------------------------- */

const char *
fo_proof_jkt(const struct fo_proof *proof)
{
	return proof->jkt;
}

const char *
fo_proof_hash(const struct fo_proof *proof)
{
	return proof->hash;
}

const char *
fo_proof_htm(const struct fo_proof *proof)
{
	return proof->htm;
}

const char *
fo_proof_htu(const struct fo_proof *proof)
{
	return proof->htu;
}

const char *
fo_proof_jti(const struct fo_proof *proof)
{
	return proof->jti;
}

const char *
fo_proof_nonce(const struct fo_proof *proof)
{
	return proof->nonce;
}

int64_t
fo_proof_iat(const struct fo_proof *proof)
{
	/* 2^63 is a double, INT64_MAX is not */
	const double limit = 9223372036854775808.0;
	int64_t whole;

	if (proof->iat >= limit)
		return INT64_MAX;
	if (proof->iat < -limit)
		return INT64_MIN;

	whole = (int64_t)proof->iat; /* towards zero */
	return (double)whole > proof->iat ? whole - 1 : whole;
}
