/*
 * Public ES256 keys: read from a JWK or an OpenSSH line, written as a JWK,
 * and hashed to the thumbprint that names them.
 */
#include <firstops/jwk.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/b64url.h"
#include "base/diag.h"
#include "base/sha256.h"
#include "json.h"
#include "jwk.h"
#include "verifier.h"

/* No JWK that we have a use for is longer. */
#define MAX_TEXT 16384

/* SSH lines: RFC 5656 3.1 and RFC 4251 5. */
#define SSH_TYPE "ecdsa-sha2-nistp256"
#define SSH_CURVE "nistp256"
/* Strings with their lengths; the last is a point that is not compressed. */
#define SSH_PREFIX "\0\0\0\023" SSH_TYPE "\0\0\0\010" SSH_CURVE \
	"\0\0\0\101" "\004"
#define SSH_PREFIX_BYTES (sizeof(SSH_PREFIX) - 1)
#define SSH_BLOB_BYTES (SSH_PREFIX_BYTES + 2 * (size_t)FO_COORD_BYTES)
#define SSH_BASE64_LEN ((SSH_BLOB_BYTES + 2) / 3 * 4)
_Static_assert(SSH_BLOB_BYTES % 3 == 2, "its base64 ends in one '='");

/*
 * A public key that carries any of these is a leaked private key (RFC 7518
 * 6.2.2, 6.3.2, 6.4.1; "priv" is the name that newer key types share).
 */
static fo_err
refuse_private(const struct fo_json *object, struct fo_diag *diag)
{
	static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi",
		"oth", "k", "priv" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (fo_json_member(object, names[i]) != NULL) {
			fo_diag_set(diag, "the jwk has the private member "
			    "\"%s\": give the public key only, and replace "
			    "this one, for it has been shown", names[i]);
			return FO_ERR_BAD_KEY;
		}
	}

	return FO_OK;
}

/*
 * What the key says it is for must not exclude signatures (RFC 7517 4.2 to
 * 4.4). A private key that lost its d still lists "sign", and the public half
 * of a key pair that WebCrypto made for "sign" alone lists nothing.
 */
static fo_err
check_purpose(const struct fo_json *object, struct fo_diag *diag)
{
	const struct fo_json *use = fo_json_member(object, "use");
	const struct fo_json *alg = fo_json_member(object, "alg");
	const struct fo_json *ops = fo_json_member(object, "key_ops");

	if (use != NULL && !fo_json_equals(use, "sig")) {
		fo_diag_set(diag, "the jwk's use is not \"sig\"");
		return FO_ERR_BAD_KEY;
	}
	if (alg != NULL && !fo_json_equals(alg, "ES256")) {
		fo_diag_set(diag, "the jwk's alg is not \"ES256\"");
		return FO_ERR_BAD_KEY;
	}
	if (ops != NULL && !fo_json_is_empty_array(ops) &&
	    !fo_json_array_has(ops, "verify") &&
	    !fo_json_array_has(ops, "sign")) {
		fo_diag_set(diag, "the jwk's key_ops leave out \"verify\"");
		return FO_ERR_BAD_KEY;
	}

	return FO_OK;
}

/* RFC 7518 6.2.1.2: always the full 32 bytes, leading zeros included. */
static fo_err
read_coordinate(const struct fo_json *object, const char *name,
    struct fo_diag *diag, unsigned char ret[FO_COORD_BYTES])
{
	const char *text = fo_json_string(fo_json_member(object, name));
	unsigned char bytes[FO_COORD_BYTES];
	size_t len = 0;

	if (text == NULL || fo_b64url_decode(text, strlen(text), bytes,
	    sizeof(bytes), &len) != FO_OK || len != sizeof(bytes)) {
		fo_diag_set(diag, "the jwk's %s is not %d bytes in base64url",
		    name, FO_COORD_BYTES);
		return FO_ERR_BAD_KEY;
	}

	memcpy(ret, bytes, sizeof(bytes));
	return FO_OK;
}

fo_err
fo_jwk_read(const struct fo_json *object, struct fo_diag *diag,
    struct fo_jwk *ret_jwk)
{
	struct fo_jwk jwk;
	fo_err r;

	if (!fo_json_is_object(object)) {
		fo_diag_set(diag, "the jwk is missing, or no JSON object");
		return FO_ERR_BAD_KEY;
	}
	if (!fo_json_equals(fo_json_member(object, "kty"), "EC")) {
		fo_diag_set(diag, "the jwk's kty is not \"EC\"");
		return FO_ERR_BAD_KEY;
	}
	if (!fo_json_equals(fo_json_member(object, "crv"), "P-256")) {
		fo_diag_set(diag, "the jwk's crv is not \"P-256\"");
		return FO_ERR_BAD_KEY;
	}
	if ((r = refuse_private(object, diag)) != FO_OK ||
	    (r = check_purpose(object, diag)) != FO_OK ||
	    (r = read_coordinate(object, "x", diag, jwk.x)) != FO_OK ||
	    (r = read_coordinate(object, "y", diag, jwk.y)) != FO_OK)
		return r;

	*ret_jwk = jwk;
	return FO_OK;
}

fo_err
fo_jwk_parse(const char *json, size_t len, struct fo_diag *diag,
    struct fo_jwk *ret_jwk)
{
	struct fo_json *object = NULL;
	fo_err r;

	if (json == NULL || ret_jwk == NULL)
		return FO_ERR_ARG;
	if (len > MAX_TEXT) {
		fo_diag_set(diag, "the jwk has %zu bytes, more than %d", len,
		    MAX_TEXT);
		return FO_ERR_FORMAT;
	}
	if ((r = fo_json_parse(json, len, "the jwk", diag, &object)) != FO_OK)
		return r;

	r = fo_jwk_read(object, diag, ret_jwk);
	fo_json_free(&object);
	return r;
}

fo_err
fo_jwk_check(const struct fo_jwk *jwk)
{
	struct fo_verifier *verifier = NULL;
	fo_err r;

	if (jwk == NULL)
		return FO_ERR_ARG;
	if ((r = fo_verifier_new(&verifier)) != FO_OK)
		return r;

	r = fo_verifier_import(verifier, jwk);
	fo_verifier_free(&verifier);
	return r;
}

void
fo_jwk_write(const struct fo_jwk *jwk, char text[FO_JWK_TEXT_LEN + 1])
{
	char x[FO_B64URL_LEN(FO_COORD_BYTES) + 1];
	char y[FO_B64URL_LEN(FO_COORD_BYTES) + 1];

	fo_b64url_encode(jwk->x, sizeof(jwk->x), x);
	fo_b64url_encode(jwk->y, sizeof(jwk->y), y);
	(void)snprintf(text, FO_JWK_TEXT_LEN + 1,
	    "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
	    x, y);
}

fo_err
fo_jwk_format(const struct fo_jwk *jwk, char **ret_json)
{
	char text[FO_JWK_TEXT_LEN + 1];
	char *json;

	if (jwk == NULL || ret_json == NULL)
		return FO_ERR_ARG;
	fo_jwk_write(jwk, text);
	if ((json = strdup(text)) == NULL)
		return FO_ERR_NOMEM;

	*ret_json = json;
	return FO_OK;
}

fo_err
fo_jwk_thumbprint(const struct fo_jwk *jwk, char ret_jkt[FO_JKT_SIZE])
{
	char text[FO_JWK_TEXT_LEN + 1];

	_Static_assert((int)FO_JKT_SIZE == (int)FO_SHA256_TEXT_SIZE,
	    "a thumbprint is a SHA-256 digest as text");
	if (jwk == NULL || ret_jkt == NULL)
		return FO_ERR_ARG;
	fo_jwk_write(jwk, text);
	return fo_sha256_text(text, FO_JWK_TEXT_LEN, ret_jkt);
}

/* ---- OpenSSH --------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* How many bytes come before white space or the end. */
static size_t
word_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && !is_blank(s[n]))
		n++;
	return n;
}

/*
 * Such keys are all of one length, and fixed in all but the point. What was
 * decoded must be written as it was: then no bit of it went unread.
 */
static bool
read_ssh_blob(const char *base64, size_t len, struct fo_jwk *ret_jwk)
{
	unsigned char blob[SSH_BLOB_BYTES + 1]; /* '=' counts as a byte */
	char again[SSH_BASE64_LEN + 1];		/* and a NUL */
	const unsigned char *point = blob + SSH_PREFIX_BYTES;

	if (len != SSH_BASE64_LEN ||
	    EVP_DecodeBlock(blob, (const unsigned char *)base64,
	    SSH_BASE64_LEN) != (int)sizeof(blob))
		return false;
	(void)EVP_EncodeBlock((unsigned char *)again, blob, SSH_BLOB_BYTES);
	if (memcmp(again, base64, len) != 0 ||
	    memcmp(blob, SSH_PREFIX, SSH_PREFIX_BYTES) != 0)
		return false;

	memcpy(ret_jwk->x, point, FO_COORD_BYTES);
	memcpy(ret_jwk->y, point + FO_COORD_BYTES, FO_COORD_BYTES);
	return true;
}

static fo_err
check_ssh_type(const char *word, size_t len, struct fo_diag *diag)
{
	static const char *const others[] = { "ssh-", "ecdsa-sha2-", "sk-" };

	if (len == sizeof(SSH_TYPE) - 1 && memcmp(word, SSH_TYPE, len) == 0)
		return FO_OK;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		const size_t n = strlen(others[i]);

		if (len > n && memcmp(word, others[i], n) == 0) {
			fo_diag_set(diag, "an OpenSSH key of type %.*s; only "
			    SSH_TYPE " will do: ssh-keygen -t ecdsa -b 256",
			    len > 64 ? 64 : (int)len, word);
			return FO_ERR_BAD_KEY;
		}
	}
	fo_diag_set(diag, "not an OpenSSH public key line: it must begin with "
	    SSH_TYPE ", without options");
	return FO_ERR_FORMAT;
}

fo_err
fo_jwk_from_ssh(const char *line, size_t len, struct fo_diag *diag,
    struct fo_jwk *ret_jwk)
{
	struct fo_jwk jwk;
	size_t n;
	fo_err r;

	if (line == NULL || ret_jwk == NULL)
		return FO_ERR_ARG;
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	if (memchr(line, '\n', len) != NULL ||
	    memchr(line, '\0', len) != NULL) {
		fo_diag_set(diag, "more than one line; give one OpenSSH "
		    "public key");
		return FO_ERR_FORMAT;
	}
	n = word_len(line, len);
	if ((r = check_ssh_type(line, n, diag)) != FO_OK)
		return r;
	line += n;
	len -= n;
	while (len > 0 && is_blank(*line)) {
		line++;
		len--;
	}
	if (!read_ssh_blob(line, word_len(line, len), &jwk)) {
		fo_diag_set(diag, "the OpenSSH public key is damaged: what "
		    "follows " SSH_TYPE " is not such a key");
		return FO_ERR_FORMAT;
	}

	*ret_jwk = jwk;
	return FO_OK;
}
