/*
 * fo signer: the daemon that holds a person's keys, started and asked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <firstops/signer.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/wipe.h"

#include "file.h"
#include "json.h"
#include "key.h"
#include "out.h"
#include "passphrase.h"
#include "verb.h"
#include "when.h"

#define PASSPHRASE_SIZE 1024
#define PATH_MAX_BYTES 4096

/* ---- fo signer ---------------------------------------------------------- */

enum { RUN_SOCKET, RUN_ASKPASS, RUN_LOAD, RUN_OPTIONS };

static const struct verb_option run_options[] = {
	[RUN_SOCKET] = { "socket", "PATH", "default"
	    " $XDG_RUNTIME_DIR/firstops/signer.sock" },
	[RUN_ASKPASS] = { "askpass", "PROGRAM", "asks the person before a key"
	    " that wants it signs" },
	[RUN_LOAD] = { "load", "KEY", "a key to begin with: a file,"
	    " handle:0x81000001, pkcs11:..." },
	{ NULL, NULL, NULL }
};

static int
run(const struct call *call)
{
	static const char *const names[RUN_OPTIONS] = { "--socket",
		"--askpass", "--load" };
	const char *words[1 + 2 * RUN_OPTIONS + 1] = { "fo-signer" };
	char *argv[sizeof(words) / sizeof(words[0])];
	size_t n = 1;

	for (size_t i = 0; i < RUN_OPTIONS; i++) {
		if (call->option[i] != NULL) {
			words[n++] = names[i];
			words[n++] = call->option[i];
		}
	}
	/* execvp does not write to them; its type is older than const */
	memcpy(argv, words, sizeof(argv));
	(void)fflush(NULL);
	(void)execvp(argv[0], argv);

	return fail(call, FO_EXIT_TROUBLE, FO_ERR_NOT_FOUND, "fo-signer: %s",
	    strerror(errno));
}

const struct verb verb_signer = {
	.name = "signer",
	.synopsis = "[--socket PATH] [--askpass PROGRAM] [--load KEY]",
	.summary = "Hold your keys, and sign with them",
	.text =
	    "Run the signer in the foreground, until it is ended: it holds"
	    " private keys and\nsigns proofs with them for programs of the same"
	    " user, which find it before a key\nin a file. systemctl --user"
	    " enable --now firstops-signer.socket starts it by itself.\n",
	.example =
	    "  fo signer --askpass /usr/bin/ssh-askpass &\n"
	    "  fo signer add ~/.config/firstops/key.pem --lifetime 8h\n",
	.exits =
	    "  0  ended by a signal\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: it runs already, or cannot start\n",
	.options = run_options,
	.run = run,
};

/* ---- asking it ---------------------------------------------------------- */

static int
trouble(const struct call *call, fo_err r, const struct fo_diag *diag)
{
	const bool refused = r == FO_ERR_LOCKED || r == FO_ERR_REFUSED;

	return fail(call, refused ? FO_EXIT_DENIED : exit_of(r), r, "%s",
	    diag->text[0] != '\0' ? diag->text : fo_err_text(r));
}

static int
say_done(const struct call *call, const char *name, const char *value)
{
	struct json *json;

	if (!call->json) {
		if (value != NULL)
			printf("%s\n", value);
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	if (value != NULL)
		json_text(json, name, value);
	return json_print(&json);
}

enum { ADD_LIFETIME, ADD_TARGETS, ADD_NAME, ADD_CONFIRM };

static const struct verb_option add_options[] = {
	[ADD_LIFETIME] = { "lifetime", "TIME", "let go of it after 30m, 8h,"
	    " 7d; default: never" },
	[ADD_TARGETS] = { "targets", "PATTERNS", "sign for these only, with *"
	    " and ?, apart by spaces" },
	[ADD_NAME] = { "name", "TEXT", "what to call it" },
	[ADD_CONFIRM] = { "confirm", NULL, "ask the person before each"
	    " signature" },
	{ NULL, NULL, NULL }
};

/*
 * The key to give: what is named, else the one in a file, where a client
 * would find the signer's first.
 */
static int
load_own(const struct call *call, struct fo_key **ret_key)
{
	const char *named = getenv("FO_PRIVATE_KEY_PATH");
	struct fo_diag diag = { "" };
	char *home = NULL, *path = NULL;
	struct fo_buf buf;
	int code;
	fo_err r;

	if (call->argc > 0 || (named != NULL && named[0] != '\0'))
		return key_load(call, call->argc > 0 ? call->argv[0] : NULL,
		    ret_key);
	if ((r = file_config_home(&diag, &home)) == FO_OK) {
		fo_buf_init(&buf, PATH_MAX_BYTES);
		fo_buf_addf(&buf, "%s/firstops/key.pem", home);
		r = fo_buf_take(&buf, &path);
	}
	code = r == FO_OK ? key_load(call, path, ret_key) :
	    fail_err(call, r, &diag, NULL);
	free(path);
	free(home);
	return code;
}

static int
add(const struct call *call)
{
	struct fo_signer_terms terms = { .name = call->option[ADD_NAME],
		.targets = call->option[ADD_TARGETS],
		.confirm = call->option[ADD_CONFIRM] != NULL };
	const char *lifetime = call->option[ADD_LIFETIME];
	char jkt[FO_JKT_SIZE], *pem = NULL;
	struct fo_signer *signer = NULL;
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	int code;
	fo_err r;

	if (lifetime != NULL && !span_parse(lifetime, &terms.lifetime_s))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--lifetime %s:"
		    " a time such as 30m, 8h or 7d", lifetime);
	/* read here: the passphrase is asked for where the person is */
	if ((code = load_own(call, &key)) != FO_EXIT_DONE)
		return code;
	if ((r = fo_key_to_pem(key, &pem)) == FO_ERR_BAD_KEY)
		fo_diag_set(&diag, "this key cannot leave its device: fo signer"
		    " --load KEY");
	if (r == FO_OK)
		r = fo_signer_connect(NULL, &diag, &signer);
	if (r == FO_OK)
		r = fo_signer_add(signer, pem, &terms, &diag, jkt);
	fo_signer_free(&signer);
	fo_key_pem_free(&pem);
	fo_key_free(&key);

	return r == FO_OK ? say_done(call, "thumbprint", jkt) :
	    trouble(call, r, &diag);
}

const struct verb verb_signer_add = {
	.name = "signer add",
	.synopsis = "[FILE] [options]",
	.summary = "Give the signer a key",
	.text =
	    "Read a private key, and give it to the signer that runs. Without"
	    " FILE: the one\nthat FO_PRIVATE_KEY_PATH names or"
	    " ~/.config/firstops/key.pem. A key that is there\nalready gets the"
	    " new terms.\n",
	.example =
	    "  fo signer add --lifetime 8h --targets 'pam://bastion/*'\n",
	.exits =
	    "  0  done\n"
	    "  1  refused: locked, or there is no signer\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the key cannot be read\n",
	.options = add_options,
	.max_operands = 1,
	.json = true,
	.run = add,
};

enum { REMOVE_ALL };

static const struct verb_option remove_options[] = {
	[REMOVE_ALL] = { "all", NULL, "let go of all" },
	{ NULL, NULL, NULL }
};

static int
remove_key(const struct call *call)
{
	const bool all = call->option[REMOVE_ALL] != NULL;
	struct fo_signer *signer = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	if (all == (call->argc > 0))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "a thumbprint,"
		    " or --all: fo signer list has them");
	if ((r = fo_signer_connect(NULL, &diag, &signer)) == FO_OK)
		r = fo_signer_remove(signer, all ? NULL : call->argv[0],
		    &diag);
	fo_signer_free(&signer);

	return r == FO_OK ? say_done(call, NULL, NULL) :
	    trouble(call, r, &diag);
}

const struct verb verb_signer_remove = {
	.name = "signer remove",
	.synopsis = "THUMBPRINT | --all [--json]",
	.summary = "Take a key from the signer",
	.text = "Have the signer wipe a key, or all of them.\n",
	.example = "  fo signer remove --all\n",
	.exits =
	    "  0  done\n"
	    "  1  refused: locked, or there is none\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble\n",
	.options = remove_options,
	.max_operands = 1,
	.json = true,
	.run = remove_key,
};

/* ---- its lock ----------------------------------------------------------- */

static fo_err
is_there(struct fo_diag *diag)
{
	struct fo_signer *signer = NULL;
	const fo_err r = fo_signer_connect(NULL, diag, &signer);

	fo_signer_free(&signer);
	return r;
}

/* At the terminal. Tells why there is none, and returns the exit code. */
static int
ask(const struct call *call, bool twice, char passphrase[PASSPHRASE_SIZE])
{
	char name[] = "the signer's lock", again[] = "the signer's lock, again";
	char second[PASSPHRASE_SIZE];
	bool same;

	if (passphrase_ask(passphrase, PASSPHRASE_SIZE, name) < 0)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "no passphrase:"
		    " there is no terminal to ask at");
	if (!twice)
		return FO_EXIT_DONE;
	same = passphrase_ask(second, sizeof(second), again) >= 0 &&
	    strcmp(passphrase, second) == 0;
	fo_wipe(second, sizeof(second));
	if (same)
		return FO_EXIT_DONE;

	fo_wipe(passphrase, PASSPHRASE_SIZE);
	return fail(call, FO_EXIT_DENIED, FO_ERR_ARG, "the passphrases are not"
	    " the same: nothing is locked");
}

/* Asked for first: the signer does not wait for those who type. */
static int
with_passphrase(const struct call *call, bool twice,
    fo_err (*what)(struct fo_signer *, const char *, struct fo_diag *))
{
	char passphrase[PASSPHRASE_SIZE];
	struct fo_signer *signer = NULL;
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if ((r = is_there(&diag)) != FO_OK)
		return trouble(call, r, &diag);
	if ((code = ask(call, twice, passphrase)) != FO_EXIT_DONE)
		return code;
	if ((r = fo_signer_connect(NULL, &diag, &signer)) == FO_OK)
		r = what(signer, passphrase, &diag);
	fo_wipe(passphrase, sizeof(passphrase));
	fo_signer_free(&signer);

	return r == FO_OK ? say_done(call, NULL, NULL) :
	    trouble(call, r, &diag);
}

static int
lock(const struct call *call)
{
	return with_passphrase(call, true, fo_signer_lock);
}

static int
unlock(const struct call *call)
{
	return with_passphrase(call, false, fo_signer_unlock);
}

#define LOCK_EXITS						\
	"  0  done\n"						\
	"  1  refused: a wrong passphrase, locked already, no signer\n" \
	"  2  the command line cannot be understood\n"		\
	"  3  trouble: no terminal, or no answer\n"

const struct verb verb_signer_lock = {
	.name = "signer lock",
	.synopsis = "[--json]",
	.summary = "Let the signer sign nothing for a while",
	.text =
	    "Ask for a passphrase on the terminal, twice, and lock the signer"
	    " with it: it signs\nnothing, and adds and removes no key, until it"
	    " is unlocked.\n",
	.example = "  fo signer lock\n",
	.exits = LOCK_EXITS,
	.json = true,
	.run = lock,
};

const struct verb verb_signer_unlock = {
	.name = "signer unlock",
	.synopsis = "[--json]",
	.summary = "Let the signer sign again",
	.text =
	    "Ask for the passphrase that it was locked with. After a wrong one"
	    " the signer looks\nat none for a second, after the next for two,"
	    " up to 30.\n",
	.example = "  fo signer unlock\n",
	.exits = LOCK_EXITS,
	.json = true,
	.run = unlock,
};

/* ---- what it holds ------------------------------------------------------ */

static void
print_key(const struct fo_signer_key *key, struct out_table *table)
{
	char left[32];
	const char *cells[] = { key->thumbprint,
		key->name[0] != '\0' ? key->name : NULL, left,
		key->confirm ? "yes" : "no",
		key->targets[0] != '\0' ? key->targets : "any" };

	if (key->lifetime_s == 0)
		(void)snprintf(left, sizeof(left), "-");
	else
		(void)snprintf(left, sizeof(left), "%lld s",
		    (long long)key->lifetime_s);
	out_rows(table, cells, 1);
}

static int
print_state(const struct call *call, const struct fo_signer_state *state)
{
	static const char *const heads[] = { "THUMBPRINT", "NAME", "LEFT",
		"CONFIRM", "TARGETS" };
	struct out_table table = { .columns = 5 };
	struct json *json, *keys, *one;

	if (!call->json) {
		if (state->locked)
			note("fo: the signer is locked: fo signer unlock");
		else
			out_rows(&table, heads, 1);
		for (size_t i = 0; i < state->count; i++)
			print_key(&state->keys[i], &table);
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_flag(json, "locked", state->locked);
	keys = json_list_new();
	for (size_t i = 0; i < state->count; i++) {
		const struct fo_signer_key *key = &state->keys[i];

		one = json_object_new();
		json_text(one, "thumbprint", key->thumbprint);
		json_text(one, "name", key->name);
		json_text(one, "targets", key->targets);
		json_number(one, "lifetime_s", key->lifetime_s);
		json_flag(one, "confirm", key->confirm);
		json_append(keys, &one);
	}
	json_put(json, "keys", &keys);
	return json_print(&json);
}

static int
list(const struct call *call)
{
	struct fo_signer_state state = { .count = 0 };
	struct fo_signer *signer = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	if ((r = fo_signer_connect(NULL, &diag, &signer)) == FO_OK)
		r = fo_signer_list(signer, &diag, &state);
	fo_signer_free(&signer);

	return r == FO_OK ? print_state(call, &state) :
	    trouble(call, r, &diag);
}

const struct verb verb_signer_list = {
	.name = "signer list",
	.synopsis = "[--json]",
	.summary = "Show which keys the signer holds",
	.text =
	    "Show the keys that the signer holds, how long it will, and what"
	    " for.\n",
	.example = "  fo signer list\n",
	.exits =
	    "  0  done\n"
	    "  1  there is no signer\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble\n",
	.json = true,
	.run = list,
};
