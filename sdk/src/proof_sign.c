/*
 * A proof made and signed (RFC 9449 4.2).
 *
 * Compact on purpose: sudo carries 511 bytes, so nothing is in a proof but
 * what has to be.
 */
#include <firstops/proof.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <firstops/challenge.h>

#include "base/b64url.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/sha256.h"
#include "base/wipe.h"
#include "json.h"
#include "jwk.h"
#include "key.h"
#include "proof.h"
#include "signer.h"

#define HEADER_BEGIN "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":"
#define HEADER_END "}"
#define HEADER_LEN \
	(sizeof(HEADER_BEGIN) - 1 + FO_JWK_TEXT_LEN + sizeof(HEADER_END) - 1)

/* Room to say by how much a request is over; longer ones are just too long. */
#define CLAIMS_MAX ((size_t)1024 * 1024)
#define IAT_MAX ((int64_t)1 << 53) /* what every JSON reader holds exactly */

static bool
has_scheme(const char *htu, const char *scheme_colon)
{
	return strncasecmp(htu, scheme_colon, strlen(scheme_colon)) == 0;
}

/* ---- the request ----------------------------------------------------- */

static fo_err
check_request(const struct fo_request *req)
{
	if (req->htm == NULL || req->htm[0] == '\0' || req->htu == NULL ||
	    req->htu[0] == '\0') {
		fo_diag_set(req->diag, "a proof needs htm and htu");
		return FO_ERR_ARG;
	}
	if (req->iat <= 0 || req->iat > IAT_MAX) {
		fo_diag_set(req->diag, "a proof needs iat, in seconds since "
		    "1970");
		return FO_ERR_ARG;
	}
	if ((req->nonce != NULL && req->nonce[0] == '\0') ||
	    (req->access_token != NULL && req->access_token[0] == '\0')) {
		fo_diag_set(req->diag, "the nonce or the access token is "
		    "empty");
		return FO_ERR_ARG;
	}
	if (req->jti != NULL && !fo_jti_is_valid(req->jti)) {
		fo_diag_set(req->diag, "the jti is blank, or longer than %d "
		    "bytes", FO_JTI_MAX);
		return FO_ERR_ARG;
	}
	if (req->max_bytes > FO_PROOF_MAX_BYTES) {
		fo_diag_set(req->diag, "no proof is longer than %d bytes",
		    FO_PROOF_MAX_BYTES);
		return FO_ERR_ARG;
	}

	return FO_OK;
}

/* What takes less than other PAM services: no proof is as short. */
static const struct {
	const char *service;
	size_t max_bytes;
} short_of[] = {
	{ "vsftpd", 128 },
};

/* The service in pam://HOST/SERVICE/USER, and a slash; "" without one. */
static const char *
service_of(const char *htu)
{
	const char *host = strstr(htu, "//");
	const char *slash = host != NULL ? strchr(host + 2, '/') : NULL;

	return slash != NULL ? slash + 1 : "";
}

static size_t
limit_of(const struct fo_request *req)
{
	const char *service = service_of(req->htu);

	if (req->max_bytes != 0)
		return req->max_bytes;
	if (!has_scheme(req->htu, "pam:"))
		return FO_PROOF_MAX_BYTES;
	for (size_t i = 0; i < sizeof(short_of) / sizeof(short_of[0]); i++) {
		const size_t len = strlen(short_of[i].service);

		if (strncmp(service, short_of[i].service, len) == 0 &&
		    service[len] == '/')
			return short_of[i].max_bytes;
	}

	return FO_PROOF_PAM_MAX_BYTES;
}

/* ---- claims ---------------------------------------------------------- */

/* name is ours: the brace or comma before it, quotes and colon included. */
static fo_err
add_claim(struct fo_buf *claims, const char *name, const char *value,
    struct fo_diag *diag)
{
	fo_buf_adds(claims, name);
	if (fo_json_add_string(claims, value) == FO_OK)
		return FO_OK;

	fo_diag_set(diag, "what shall be signed as %s is not UTF-8", name + 1);
	return FO_ERR_ARG;
}

/* RFC 9449 4.2: the target of a request is without query and fragment. */
static fo_err
add_htu(struct fo_buf *claims, const struct fo_request *req)
{
	const bool http = has_scheme(req->htu, "http:") ||
	    has_scheme(req->htu, "https:");
	const size_t len = http ? strcspn(req->htu, "?#") : strlen(req->htu);
	char *htu;
	fo_err r;

	if ((htu = strndup(req->htu, len)) == NULL)
		return FO_ERR_NOMEM;

	r = add_claim(claims, ",\"htu\":", htu, req->diag);
	free(htu);
	return r;
}

static fo_err
add_claims(struct fo_buf *claims, const struct fo_request *req,
    const char *ath)
{
	char fresh[FO_NONCE_SIZE]; /* as unpredictable as a nonce, as short */
	const char *jti = req->jti;
	fo_err r;

	if (jti == NULL) {
		if ((r = fo_nonce_new(fresh)) != FO_OK)
			return r;
		jti = fresh;
	}
	if ((r = add_claim(claims, "{\"jti\":", jti, req->diag)) != FO_OK ||
	    (r = add_claim(claims, ",\"htm\":", req->htm, req->diag)) !=
	    FO_OK ||
	    (r = add_htu(claims, req)) != FO_OK)
		return r;
	fo_buf_addf(claims, ",\"iat\":%" PRId64, req->iat);
	if (req->nonce != NULL && (r = add_claim(claims, ",\"nonce\":",
	    req->nonce, req->diag)) != FO_OK)
		return r;
	if (ath != NULL &&
	    (r = add_claim(claims, ",\"ath\":", ath, req->diag)) != FO_OK)
		return r;
	fo_buf_adds(claims, "}");

	return claims->err;
}

/* ---- the whole ------------------------------------------------------- */

static fo_err
make_header(const struct fo_key *key, char ret_header[HEADER_LEN + 1])
{
	char text[FO_JWK_TEXT_LEN + 1];
	struct fo_jwk jwk;
	fo_err r;

	if ((r = fo_key_jwk(key, &jwk)) != FO_OK)
		return r;

	fo_jwk_write(&jwk, text);
	(void)snprintf(ret_header, HEADER_LEN + 1, "%s%s%s", HEADER_BEGIN,
	    text, HEADER_END);
	return FO_OK;
}

static fo_err
check_length(size_t len, const struct fo_request *req)
{
	const size_t limit = limit_of(req);

	if (len <= limit)
		return FO_OK;

	fo_diag_set(req->diag, "the proof would have %zu bytes, %zu more than "
	    "the %zu that arrive whole; use a shorter host, service or user "
	    "name, or a larger limit where the service carries more", len,
	    len - limit, limit);
	return FO_ERR_TOO_LONG;
}

/* header "." claims "." signature, each as base64url (RFC 7515 7.1). */
static fo_err
assemble(const struct fo_key *key, const struct fo_request *req,
    const char *header, const struct fo_buf *claims, char **ret_proof)
{
	unsigned char digest[FO_SHA256_BYTES], sig[FO_SIG_BYTES];
	const size_t header_len = FO_B64URL_LEN(HEADER_LEN);
	const size_t input_len = header_len + 1 + FO_B64URL_LEN(claims->len);
	const size_t len = input_len + 1 + FO_B64URL_LEN(sizeof(sig));
	char *proof;
	fo_err r;

	if ((r = check_length(len, req)) != FO_OK)
		return r;
	if ((proof = calloc(1, len + 1)) == NULL)
		return FO_ERR_NOMEM;

	fo_b64url_encode(header, HEADER_LEN, proof);
	proof[header_len] = '.';
	fo_b64url_encode(claims->data, claims->len, proof + header_len + 1);
	if ((r = fo_sha256(proof, input_len, digest)) != FO_OK ||
	    (r = fo_key_sign(key, digest, req->diag, sig)) != FO_OK)
		goto out;
	proof[input_len] = '.';
	fo_b64url_encode(sig, sizeof(sig), proof + input_len + 1);

	*ret_proof = proof;
	proof = NULL; /* now owned by the caller */
out:
	fo_wipe_string(&proof);
	return r;
}

fo_err
fo_proof_compose(const struct fo_key *key, const struct fo_request *req,
    const char *ath, char **ret_proof)
{
	char header[HEADER_LEN + 1];
	struct fo_buf claims;
	fo_err r;

	if ((r = check_request(req)) != FO_OK)
		return r;

	fo_buf_init(&claims, CLAIMS_MAX);
	if ((r = make_header(key, header)) != FO_OK ||
	    (r = add_claims(&claims, req, ath)) != FO_OK)
		goto out;
	r = assemble(key, req, header, &claims, ret_proof);
out:
	if (r == FO_ERR_TOO_LONG && claims.err == FO_ERR_TOO_LONG)
		fo_diag_set(req->diag, "the proof would be far longer than "
		    "the %zu bytes that arrive whole", limit_of(req));
	fo_buf_clear(&claims);
	return r;
}

fo_err
fo_proof_sign(const struct fo_key *key, const struct fo_request *req,
    char **ret_proof)
{
	char ath[FO_SHA256_TEXT_SIZE];
	fo_err r;

	if (key == NULL || req == NULL || ret_proof == NULL)
		return FO_ERR_ARG;
	if (key->signer != NULL)
		return fo_signer_sign_with(key, req, ret_proof);
	if (req->access_token == NULL)
		return fo_proof_compose(key, req, NULL, ret_proof);
	if ((r = fo_sha256_text(req->access_token, strlen(req->access_token),
	    ath)) != FO_OK)
		return r;

	return fo_proof_compose(key, req, ath, ret_proof);
}

void
fo_proof_text_free(char **proof)
{
	fo_wipe_string(proof);
}
