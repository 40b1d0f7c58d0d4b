/*
 * The key that a principal gets.
 */
#include "newkey.h"

#include <string.h>
#include <unistd.h>

#include <firstops/key.h>

#include "base/wipe.h"

#include "file.h"
#include "json.h"
#include "key.h"
#include "out.h"

/* The public key that was made elsewhere. */
static fo_err
read_key(const char *path, struct fo_diag *diag, struct fo_jwk *ret_jwk)
{
	char *text = NULL;
	size_t len = 0;
	fo_err r;

	r = file_read(path, KEY_MAX_BYTES, diag, &text, &len);
	if (r == FO_OK)
		r = key_read_public(path, text, len, diag, ret_jwk);
	fo_wipe_free(&text, len);

	return r;
}

static fo_err
make_key(char **ret_pem, struct fo_jwk *ret_jwk)
{
	struct fo_key *key = NULL;
	fo_err r;

	if ((r = fo_key_generate(&key)) == FO_OK &&
	    (r = fo_key_jwk(key, ret_jwk)) == FO_OK)
		r = fo_key_to_pem(key, ret_pem);
	fo_key_free(&key);

	return r;
}

int
newkey_get(const struct call *call, struct newkey *key)
{
	const char *path = key->jwk != NULL ? key->jwk : key->ssh;
	struct fo_diag diag = { "" };
	struct fo_jwk jwk;
	fo_err r;

	if (key->jwk != NULL && key->ssh != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--jwk and --ssh-key exclude each other");
	if (path != NULL && key->out != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--out is for a"
		    " new private key; %s is a public one and stays where it"
		    " is", path);
	r = path != NULL ? read_key(path, &diag, &jwk) :
	    make_key(&key->pem, &jwk);
	if (r == FO_OK)
		r = fo_jwk_thumbprint(&jwk, key->jkt);
	if (r != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, r, "%s",
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));

	return FO_EXIT_DONE;
}

void
newkey_clear(struct newkey *key)
{
	fo_key_pem_free(&key->pem);
}

int
newkey_save(const struct call *call, const struct newkey *key)
{
	struct fo_diag diag = { "" };
	fo_err r;

	if (key->out == NULL)
		return FO_EXIT_DONE;
	r = file_write_secret(key->out, key->pem, &diag);

	return r == FO_OK ? FO_EXIT_DONE : fail_err(call, r, &diag, NULL);
}

void
newkey_unsave(const struct newkey *key)
{
	if (key->out != NULL && unlink(key->out) != 0)
		note("fo: %s: cannot be removed; its key is registered"
		    " nowhere, delete it", key->out);
}

void
newkey_json(const struct newkey *key, struct json *object)
{
	json_text(object, "thumbprint", key->jkt);
	if (key->out != NULL)
		json_text(object, "file", key->out);
	else if (key->pem != NULL)
		json_text(object, "private_key", key->pem);
}

bool
newkey_on_stdout(const struct newkey *key)
{
	return key->pem != NULL && key->out == NULL;
}

bool
newkey_print(const struct newkey *key)
{
	return !newkey_on_stdout(key) || out_raw(key->pem, strlen(key->pem));
}
