/*
 * Keys on a command line: a private one to sign with, a public one to name.
 */
#include "key.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/wipe.h"

#include "file.h"
#include "out.h"
#include "passphrase.h"

int
key_load(const struct call *call, const char *path, struct fo_key **ret_key)
{
	struct fo_diag diag = { "" };
	char *uri = NULL;
	fo_err r;

	if ((r = fo_key_find(path, &diag, &uri)) == FO_OK)
		r = fo_key_load(uri, passphrase_ask, uri, &diag, ret_key);
	free(uri);
	if (r == FO_OK)
		return FO_EXIT_DONE;

	/* without a key nothing was asked yet, so nothing is refused */
	return fail(call, FO_EXIT_TROUBLE, r, "%s",
	    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
}

/* The public half of a private key. */
static fo_err
read_private(const char *path, const char *text, size_t len,
    struct fo_diag *diag, struct fo_jwk *ret_jwk)
{
	struct fo_key *key = NULL;
	char *name;
	fo_err r;

	if ((name = strdup(path)) == NULL)
		return FO_ERR_NOMEM;
	r = fo_key_from_pem(text, len, passphrase_ask, name, diag, &key);
	if (r == FO_OK)
		r = fo_key_jwk(key, ret_jwk);
	fo_key_free(&key);
	free(name);

	return r;
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

fo_err
key_read_public(const char *path, const char *text, size_t len,
    struct fo_diag *diag, struct fo_jwk *ret_jwk)
{
	const char *start = text + strspn(text, " \t\r\n");
	struct fo_jwk jwk;
	fo_err r;

	if (*start == '{') {
		r = fo_jwk_parse(text, len, diag, &jwk);
	} else if (begins(start, "ecdsa-") || begins(start, "ssh-") ||
	    begins(start, "sk-")) {
		r = fo_jwk_from_ssh(text, len, diag, &jwk);
	} else if (strstr(text, "-----BEGIN ") != NULL) {
		r = read_private(path, text, len, diag, &jwk);
	} else {
		fo_diag_set(diag, "no key in it; a private key in PEM, a"
		    " public JWK or an ecdsa-sha2-nistp256 public key line"
		    " can be read");
		r = FO_ERR_FORMAT;
	}
	if (r == FO_OK && (r = fo_jwk_check(&jwk)) == FO_ERR_BAD_KEY)
		fo_diag_set(diag, "its point is not on the curve P-256");
	if (r != FO_OK) {
		fo_diag_prefix(diag, "%s",
		    strcmp(path, "-") == 0 ? "standard input" : path);
		return r;
	}
	*ret_jwk = jwk;

	return FO_OK;
}

/* A key that is no file: handle:0x81000001, pkcs11:... */
static bool
is_in_device(const char *name)
{
	return strchr(name, ':') != NULL && access(name, F_OK) != 0;
}

static int
read_file(const struct call *call, const char *path, struct fo_jwk *ret_jwk)
{
	struct fo_diag diag = { "" };
	char *text = NULL;
	size_t len = 0;
	fo_err r;

	r = file_read(path, KEY_MAX_BYTES, &diag, &text, &len);
	if (r == FO_OK)
		r = key_read_public(path, text, len, &diag, ret_jwk);
	fo_wipe_free(&text, len);
	if (r == FO_OK)
		return FO_EXIT_DONE;

	return fail(call, FO_EXIT_TROUBLE, r, "%s",
	    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
}

int
key_named(const struct call *call, struct fo_jwk *ret_jwk)
{
	const char *name = call->argc > 0 ? call->argv[0] : NULL;
	struct fo_key *key = NULL;
	int code;
	fo_err r;

	if (name != NULL && !is_in_device(name))
		return read_file(call, name, ret_jwk);
	if ((code = key_load(call, name, &key)) != FO_EXIT_DONE)
		return code;
	r = fo_key_jwk(key, ret_jwk);
	fo_key_free(&key);

	return r == FO_OK ? FO_EXIT_DONE : fail_err(call, r, NULL, name);
}
