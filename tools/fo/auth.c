/*
 * fo auth: the key of the person who runs this, on this machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <firstops/key.h>
#include <firstops/signer.h>

#include "base/buf.h"
#include "base/diag.h"
#include "host/clock.h"

#include "file.h"
#include "json.h"
#include "key.h"
#include "out.h"
#include "principal.h"
#include "verb.h"

#define PATH_MAX_BYTES 4096

/* The files of a person's key, below ~/.config/firstops. */
struct own {
	char *folder;
	char *key;		/* key.pem */
	char *public;		/* key.jwk, for the administrator */
	char *next;		/* key.pem.next, of a rotation */
	char *temporary;
};

/* ---- where -------------------------------------------------------------- */

static fo_err
join(const char *folder, const char *name, char **ret_path)
{
	struct fo_buf buf;

	fo_buf_init(&buf, PATH_MAX_BYTES);
	fo_buf_addf(&buf, "%s/%s", folder, name);
	return fo_buf_take(&buf, ret_path);
}

/* makes: its folders are made where they are not there. */
static fo_err
own_open(struct own *own, bool makes, struct fo_diag *diag)
{
	char *config = NULL;
	fo_err r;

	if ((r = file_config_home(diag, &config)) != FO_OK)
		return r;
	if ((r = join(config, "firstops", &own->folder)) == FO_OK &&
	    (r = join(own->folder, "key.pem", &own->key)) == FO_OK &&
	    (r = join(own->folder, "key.jwk", &own->public)) == FO_OK &&
	    (r = join(own->folder, "key.pem.next", &own->next)) == FO_OK)
		r = join(own->folder, ".key.new", &own->temporary);
	if (r == FO_OK && makes &&
	    ((mkdir(config, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(own->folder, 0700) != 0 && errno != EEXIST))) {
		fo_diag_set(diag, "%s: %s; %s", own->folder, strerror(errno),
		    fo_diag_remedy(errno));
		r = FO_ERR_IO;
	}
	free(config);
	return r;
}

static void
own_clear(struct own *own)
{
	free(own->folder);
	free(own->key);
	free(own->public);
	free(own->next);
	free(own->temporary);
}

/* ---- making ------------------------------------------------------------- */

/* A new key in a file that is not there yet, and its public half beside it. */
static fo_err
make_key(const struct own *own, const char *path, bool tpm,
    struct fo_diag *diag, char ret_jkt[FO_JKT_SIZE])
{
	char *pem = NULL, *public = NULL;
	struct fo_key *key = NULL;
	struct fo_jwk jwk;
	fo_err r;

	r = tpm ? fo_key_generate_tpm(diag, &key) : fo_key_generate(&key);
	if (r == FO_OK && (r = fo_key_to_pem(key, &pem)) == FO_OK &&
	    (r = fo_key_thumbprint(key, ret_jkt)) == FO_OK &&
	    (r = fo_key_jwk(key, &jwk)) == FO_OK &&
	    (r = fo_jwk_format(&jwk, &public)) == FO_OK &&
	    (r = file_write_secret(path, pem, diag)) == FO_OK &&
	    (r = file_replace(own->public, own->temporary, public, 0644,
	    diag)) != FO_OK)
		(void)unlink(path); /* nobody has been told of it */
	free(public);
	fo_key_pem_free(&pem);
	fo_key_free(&key);
	return r;
}

/* ---- the signer --------------------------------------------------------- */

static fo_err
add_to(struct fo_signer *signer, const char *path,
    const struct fo_signer_terms *terms, struct fo_diag *diag)
{
	char jkt[FO_JKT_SIZE], *pem = NULL;
	struct fo_key *key = NULL;
	fo_err r;

	if ((r = fo_key_load(path, NULL, NULL, diag, &key)) == FO_OK &&
	    (r = fo_key_to_pem(key, &pem)) == FO_OK)
		r = fo_signer_add(signer, pem, terms, diag, jkt);
	fo_key_pem_free(&pem);
	fo_key_free(&key);
	return r;
}

static void
note_signer(const char *what, fo_err r, const struct fo_diag *diag)
{
	note("fo: the signer %s: %s", what, diag->text[0] != '\0' ?
	    diag->text : fo_err_text(r));
}

/*
 * Give a key to the signer, if one runs; a TPM's it gets when it starts. What
 * comes of it is told, and is no failure.
 */
static void
tell_signer(const char *path)
{
	struct fo_signer *signer = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	if (fo_signer_connect(NULL, NULL, &signer) != FO_OK)
		return;
	if ((r = add_to(signer, path, NULL, &diag)) != FO_OK)
		note_signer("does not hold the key", r, &diag);
	fo_signer_free(&signer);
}

/* Have it forget a key. */
static void
untell_signer(const char *jkt)
{
	struct fo_signer *signer = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	if (fo_signer_connect(NULL, NULL, &signer) != FO_OK)
		return;
	if ((r = fo_signer_remove(signer, jkt, &diag)) != FO_OK &&
	    r != FO_ERR_NOT_FOUND)
		note_signer("still holds the key", r, &diag);
	fo_signer_free(&signer);
}

/* If it holds the one key: the other takes its place there, on its terms. */
static void
swap_in_signer(const char *jkt, const char *path)
{
	struct fo_signer *signer = NULL;
	struct fo_signer_state state = { .count = 0 };
	struct fo_diag diag = { "" };
	fo_err r;

	if (fo_signer_connect(NULL, NULL, &signer) != FO_OK)
		return;
	if ((r = fo_signer_list(signer, &diag, &state)) == FO_OK &&
	    state.locked) {
		fo_diag_set(&diag, "it is locked: fo signer unlock");
		r = FO_ERR_LOCKED;
	}
	for (size_t i = 0; r == FO_OK && i < state.count; i++) {
		const struct fo_signer_key *old = &state.keys[i];
		const struct fo_signer_terms terms = {
			.name = old->name[0] != '\0' ? old->name : NULL,
			.lifetime_s = old->lifetime_s,
			.targets = old->targets[0] != '\0' ? old->targets :
			    NULL,
			.confirm = old->confirm };

		if (strcmp(old->thumbprint, jkt) == 0 &&
		    (r = fo_signer_remove(signer, jkt, &diag)) == FO_OK)
			r = add_to(signer, path, &terms, &diag);
	}
	if (r != FO_OK)
		note_signer("does not hold the new key", r, &diag);
	fo_signer_free(&signer);
}

/* The thumbprint of the key in a file. */
static fo_err
thumbprint_of(const char *path, struct fo_diag *diag,
    char ret_jkt[FO_JKT_SIZE])
{
	struct fo_key *key = NULL;
	fo_err r;

	if ((r = fo_key_load(path, NULL, NULL, diag, &key)) == FO_OK)
		r = fo_key_thumbprint(key, ret_jkt);
	fo_key_free(&key);
	return r;
}

/* ---- telling ------------------------------------------------------------- */

static int
print_new(const struct call *call, const struct own *own, const char *path,
    const char *jkt, const char *verb)
{
	struct json *json;

	if (call->json) {
		json = json_object_new();
		json_flag(json, "ok", true);
		json_text(json, "thumbprint", jkt);
		json_text(json, "file", path);
		json_text(json, "jwk", own->public);
		return json_print(&json);
	}
	printf("%s\n", jkt);
	note("the key is in %s and stays on this machine", path);
	note("give %s to your administrator:\n  fo human %s YOUR-NAME%s --jwk"
	    " key.jwk", own->public, verb, strcmp(verb, "create") == 0 ?
	    " --owner TEAM --accounts YOUR-ACCOUNT" : "");

	return FO_EXIT_DONE;
}

/* ---- login -------------------------------------------------------------- */

enum { LOGIN_LOCAL, LOGIN_TPM };

static const struct verb_option login_options[] = {
	[LOGIN_LOCAL] = { "local", NULL, "the key is made here, and an"
	    " administrator registers it" },
	[LOGIN_TPM] = { "tpm", NULL, "make it in this machine's TPM 2.0, which"
	    " it cannot leave" },
	{ NULL, NULL, NULL }
};

static int
login(const struct call *call)
{
	struct own own = { .key = NULL };
	struct fo_diag diag = { "" };
	char jkt[FO_JKT_SIZE];
	int code;
	fo_err r;

	if (call->option[LOGIN_LOCAL] == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "say --local:"
		    " the key is made here, and an administrator registers"
		    " it");
	if ((r = own_open(&own, true, &diag)) == FO_OK)
		r = make_key(&own, own.key, call->option[LOGIN_TPM] != NULL,
		    &diag, jkt);
	if (r == FO_OK)
		tell_signer(own.key);
	if (r == FO_ERR_EXISTS)
		fo_diag_set(&diag, "%s: you have a key: fo auth status; fo auth"
		    " rotate makes a new one", own.key);
	code = r == FO_OK ? print_new(call, &own, own.key, jkt, "create") :
	    fail_err(call, r, &diag, NULL);
	own_clear(&own);

	return code;
}

const struct verb verb_auth_login = {
	.name = "auth login",
	.synopsis = "--local [--tpm] [--json]",
	.summary = "Make your own key on this machine",
	.text =
	    "Make a key pair for the person who runs this: the private half"
	    " in\n~/.config/firstops/key.pem, mode 0600, or in the TPM; the"
	    " public half beside it,\nfor an administrator to register. If the"
	    " signer runs, it gets the key.\n",
	.example =
	    "  fo auth login --local\n"
	    "  sudo fo human create alice --owner team-web --accounts alice"
	    " --jwk key.jwk\n",
	.exits =
	    "  0  done\n"
	    "  1  there is a key already\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: it could not be made or written\n",
	.options = login_options,
	.json = true,
	.run = login,
};

/* ---- logout ------------------------------------------------------------- */

/* A file of theirs that is to go; one that is not there is none. */
static fo_err
remove_file(const char *path, struct fo_diag *diag)
{
	if (unlink(path) == 0)
		return FO_OK;
	fo_diag_set(diag, "%s: %s", path, strerror(errno));
	return errno == ENOENT || errno == ENOTDIR ? FO_ERR_NOT_FOUND :
	    FO_ERR_IO;
}

/* The key, and one that was made to take its place. */
static fo_err
remove_own(const struct own *own, struct fo_diag *diag)
{
	fo_err r, next;

	r = remove_file(own->key, diag);
	if (r != FO_OK && r != FO_ERR_NOT_FOUND)
		return r;
	next = remove_file(own->next, r == FO_OK ? diag : NULL);
	if (next != FO_OK && next != FO_ERR_NOT_FOUND)
		return next;
	(void)unlink(own->public);

	return r == FO_OK || next == FO_OK ? FO_OK : r;
}

static int
logout(const struct call *call)
{
	struct own own = { .key = NULL };
	struct fo_diag diag = { "" };
	char jkt[FO_JKT_SIZE] = "";
	int code = FO_EXIT_DONE;
	fo_err r;

	if ((r = own_open(&own, false, &diag)) == FO_OK) {
		if ((r = thumbprint_of(own.key, NULL, jkt)) == FO_OK)
			untell_signer(jkt);
		else if (r != FO_ERR_NOT_FOUND)
			note("fo: the key cannot be read, so a signer may"
			    " hold it yet: fo signer list");
		r = remove_own(&own, &diag);
	}
	if (r == FO_OK)
		note("the key is gone from this machine; it stays registered"
		    " until fo human revoke");
	else
		code = fail_err(call, r, &diag, NULL);
	own_clear(&own);

	return code;
}

const struct verb verb_auth_logout = {
	.name = "auth logout",
	.synopsis = "",
	.summary = "Remove your key from this machine",
	.text =
	    "Have the signer forget the key, and remove"
	    " ~/.config/firstops/key.pem, with a new\none that waits beside"
	    " it. It cannot be brought back; that it is registered, an"
	    "\nadministrator ends: fo human revoke.\n",
	.example = "  fo auth logout\n",
	.exits =
	    "  0  done\n"
	    "  1  there is no key\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: it could not be removed\n",
	.run = logout,
};

/* ---- rotate ------------------------------------------------------------- */

enum { ROTATE_DONE, ROTATE_TPM };

static const struct verb_option rotate_options[] = {
	[ROTATE_DONE] = { "done", NULL, "the new key is registered: use it from"
	    " now on" },
	[ROTATE_TPM] = { "tpm", NULL, "make the new one in the TPM" },
	{ NULL, NULL, NULL }
};

/* The new key takes the old one's place at once, here and in the signer. */
static fo_err
finish(const struct own *own, struct fo_diag *diag)
{
	char jkt[FO_JKT_SIZE] = "";
	fo_err known;

	if (access(own->next, F_OK) != 0) {
		fo_diag_set(diag, "%s: %s; fo auth rotate makes one",
		    own->next, strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ?
		    FO_ERR_NOT_FOUND : FO_ERR_IO;
	}
	known = thumbprint_of(own->key, NULL, jkt);
	if (rename(own->next, own->key) != 0 ||
	    file_sync_folder_of(own->key) != 0) {
		fo_diag_set(diag, "%s: %s; %s", own->key, strerror(errno),
		    fo_diag_remedy(errno));
		return FO_ERR_IO;
	}
	if (known == FO_OK)
		swap_in_signer(jkt, own->key);

	return FO_OK;
}

/* One beside that which is in use. */
static fo_err
begin(const struct own *own, bool tpm, struct fo_diag *diag,
    char ret_jkt[FO_JKT_SIZE])
{
	if (access(own->key, F_OK) != 0) {
		fo_diag_set(diag, "%s: %s; fo auth login --local makes the"
		    " first", own->key, strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ?
		    FO_ERR_NOT_FOUND : FO_ERR_IO;
	}
	return make_key(own, own->next, tpm, diag, ret_jkt);
}

static int
rotate(const struct call *call)
{
	const bool done = call->option[ROTATE_DONE] != NULL;
	struct own own = { .key = NULL };
	struct fo_diag diag = { "" };
	char jkt[FO_JKT_SIZE] = "";
	int code;
	fo_err r;

	if ((r = own_open(&own, false, &diag)) == FO_OK)
		r = done ? finish(&own, &diag) : begin(&own,
		    call->option[ROTATE_TPM] != NULL, &diag, jkt);
	if (r == FO_ERR_EXISTS)
		fo_diag_set(&diag, "%s: a new key is there already; once it is"
		    " registered: fo auth rotate --done", own.next);
	if (r != FO_OK)
		code = fail_err(call, r, &diag, NULL);
	else if (!done)
		code = print_new(call, &own, own.next, jkt, "rotate");
	else
		code = FO_EXIT_DONE;
	if (r == FO_OK && !done)
		note("then: fo auth rotate --done");
	own_clear(&own);

	return code;
}

const struct verb verb_auth_rotate = {
	.name = "auth rotate",
	.synopsis = "[--tpm] [--json] | --done",
	.summary = "Get a new key of your own, in two steps",
	.text =
	    "Make a new key beside the one in use, for an administrator to"
	    " register: fo human\nrotate. The old one signs until --done, which"
	    " puts the new one in its place, here\nand in the signer, if that"
	    " holds the old one: on the same terms.\n",
	.example =
	    "  fo auth rotate\n"
	    "  fo auth rotate --done\n",
	.exits =
	    "  0  done\n"
	    "  1  a new key waits already; or there is no key, with --done no"
	    " new one\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble\n",
	.options = rotate_options,
	.json = true,
	.run = rotate,
};

/* ---- status ------------------------------------------------------------- */

/* Whose key this host's store says it is. */
static fo_err
find_owner(const char *config, const char *jkt, struct fo_diag *diag,
    struct fo_principal **ret_principal, fo_err *ret_state)
{
	struct fo_store *store = NULL;
	char id[FO_ID_SIZE];
	struct fo_now now;
	fo_err r;

	if ((r = fo_store_new(config, diag, &store)) == FO_OK &&
	    (r = fo_clock_system.now(fo_clock_system.arg, &now)) == FO_OK &&
	    (r = fo_store_find(store, jkt, diag, id)) == FO_OK &&
	    (r = fo_store_principal(store, id, diag, ret_principal)) ==
	    FO_OK)
		*ret_state = fo_principal_in_force(*ret_principal, jkt,
		    now.s);
	fo_store_free(&store);
	return r;
}

static int
print_status(const struct call *call, const char *uri, const char *jkt,
    const struct fo_principal *who, fo_err state, const char *reason)
{
	const bool good = who != NULL && state == FO_OK;
	struct json *json;

	if (call->json) {
		json = json_object_new();
		json_flag(json, "ok", good);
		json_text(json, "thumbprint", jkt);
		json_text(json, "key", uri);
		json_text(json, "name", who != NULL ? who->name : NULL);
		json_text(json, "owner", who != NULL ? who->owner : NULL);
		json_text(json, "why", fo_err_word(state));
		if (json_print(&json) != FO_EXIT_DONE)
			return FO_EXIT_TROUBLE;
	} else {
		printf("key         %s\nthumbprint  %s\n", uri, jkt);
		if (who != NULL)
			printf("principal   %s %s of %s\n",
			    fo_kind_word(who->kind), who->name, who->owner);
		printf("state       %s\n", good ? "in force" :
		    reason[0] != '\0' ? reason : fo_err_text(state));
	}

	return good ? FO_EXIT_DONE : exit_of(state);
}

static int
status(const struct call *call)
{
	struct fo_principal *who = NULL;
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	char jkt[FO_JKT_SIZE], *uri = NULL;
	fo_err r, state = FO_ERR_UNKNOWN_KEY;
	int code;

	if ((r = fo_key_find(NULL, &diag, &uri)) == FO_ERR_NOT_FOUND) {
		code = fail(call, FO_EXIT_DENIED, r, "you have no key here:"
		    " fo auth login --local");
		goto out;
	}
	if (r == FO_OK && (code = key_load(call, uri, &key)) != FO_EXIT_DONE)
		goto out;
	if (r != FO_OK || (r = fo_key_thumbprint(key, jkt)) != FO_OK) {
		code = fail_err(call, r, &diag, NULL);
		goto out;
	}
	r = find_owner(call->config, jkt, &diag, &who, &state);
	code = print_status(call, uri, jkt, who, r == FO_OK ? state : r,
	    r == FO_OK ? "" : diag.text);
out:
	fo_principal_free(&who);
	fo_key_free(&key);
	free(uri);
	return code;
}

const struct verb verb_auth_status = {
	.name = "auth status",
	.synopsis = "[--json]",
	.summary = "Say which key is yours here, and what it is good for",
	.text =
	    "Show the key that signs for you (FO_PRIVATE_KEY_PATH, the signer,"
	    " or\n~/.config/firstops/key.pem), and whose it is by this host's"
	    " store.\n",
	.example = "  fo auth status\n",
	.exits =
	    "  0  it is registered and in force\n"
	    "  1  it is not, or there is no key\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the key or the store cannot be read\n",
	.store = true,
	.json = true,
	.run = status,
};
