/*
 * firstops.yaml: what this host is called and how it decides.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "glob.h"
#include "names.h"
#include "node.h"

static const char *const config_keys[] = { "version", "host", "aliases",
	"proof", "reserved_accounts", "services", "replay", "audit", NULL };
static const char *const proof_keys[] = { "max_age_s", "clock_skew_s", NULL };
static const char *const service_keys[] = { "nonce", "ask", "user", NULL };
static const char *const replay_keys[] = { "folder", NULL };
static const char *const audit_keys[] = { "required", "best_effort", NULL };

/* In the order of FO_NONCE_* and FO_ASK_*. */
static const char *const nonce_words[] = { "always", "auto", NULL };
static const char *const ask_words[] = { "reserved", "all", NULL };

static const char default_user[] = "root";
static const char default_replay_folder[] = "/run/firstops/replay";

/*
 * What is shipped: services whose users meet the module's prompt get a
 * challenge, and people are not asked for what only principals have.
 */
static void
shipped(const char *service, struct fo_service *ret)
{
	static const char *const interactive[] = { "sshd", "sudo", "sudo-i",
		"su", "su-l", "login", "cockpit", "firstops-login", NULL };
	size_t i;

	ret->nonce = FO_NONCE_AUTO;
	ret->ask = FO_ASK_ALL;
	ret->user = default_user;
	for (i = 0; interactive[i] != NULL; i++) {
		if (strcmp(interactive[i], service) == 0) {
			ret->nonce = FO_NONCE_ALWAYS;
			ret->ask = FO_ASK_RESERVED;
		}
	}
}

/* An absolute path of plain components, at least two of them. */
static bool
folder_ok(const char *path)
{
	const char *part, *end;
	size_t n, parts = 0;

	if (path[0] != '/' || !fo_prose_ok(path))
		return false;
	for (part = path + 1;; part = end + 1) {
		end = strchrnul(part, '/');
		n = (size_t)(end - part);
		if (n == 0 || (n == 1 && part[0] == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return false;
		parts++;
		if (*end == '\0')
			return parts >= 2;
	}
}

static bool
sink_ok(const char *sink)
{
	if (strcmp(sink, "syslog") == 0)
		return true;

	return strncmp(sink, "file:", 5) == 0 && folder_ok(sink + 5);
}

/* A copy of a text; NULL without one, or, and the reader failed, memory. */
static char *
copied(struct fo_reader *rd, const char *text)
{
	char *copy;

	if (text == NULL)
		return NULL;
	if ((copy = strdup(text)) == NULL)
		rd->err = FO_ERR_NOMEM;
	return copy;
}

static void
read_service(struct fo_reader *rd, const struct fo_node *map,
    const char *name, size_t line, struct fo_service *ret)
{
	struct fo_service service;
	const char *user;

	if (!fo_service_ok(name))
		fo_reader_fail(rd, line, "'%.64s' cannot be a service; write "
		    "the name of its file in pam.d", name);
	fo_reader_map(rd, map, service_keys);
	shipped(name, &service);
	if (fo_node_get(map, "nonce") != NULL)
		service.nonce = (fo_nonce_rule)fo_reader_word(rd, map, "nonce",
		    nonce_words);
	if (fo_node_get(map, "ask") != NULL)
		service.ask = (fo_ask)fo_reader_word(rd, map, "ask",
		    ask_words);
	user = fo_reader_text(rd, map, "user", false);
	if (user != NULL && !fo_account_ok(user))
		fo_reader_fail(rd, fo_node_get(map, "user")->line, "'user' is "
		    "'%.64s'; write the name of the Unix user that runs this "
		    "service's PAM stack", user);
	ret->nonce = service.nonce;
	ret->ask = service.ask;
	ret->user = copied(rd, user != NULL ? user : service.user);
	ret->name = copied(rd, name);
}

static void
read_services(struct fo_reader *rd, const struct fo_node *root,
    struct fo_config *ret)
{
	const struct fo_node *map = fo_node_get(root, "services");
	size_t i;

	if (map == NULL)
		return;
	if (map->type != FO_NODE_MAP)
		fo_reader_fail(rd, map->line, "'services' is no map; write "
		    "lines of the form \"sshd: {nonce: always}\" below it");
	ret->services = calloc(map->count + 1, sizeof(*ret->services));
	if (ret->services == NULL)
		rd->err = FO_ERR_NOMEM;
	for (i = 0; i < map->count && rd->err == FO_OK; i++) {
		ret->services_count++;
		read_service(rd, map->items[i], map->keys[i],
		    map->key_lines[i], &ret->services[i]);
	}
}

static void
read_replay(struct fo_reader *rd, const struct fo_node *root,
    struct fo_config *ret)
{
	const struct fo_node *map = fo_node_get(root, "replay");
	const char *folder;

	fo_reader_map(rd, map, replay_keys);
	folder = fo_reader_text(rd, map, "folder", false);
	if (folder != NULL && !folder_ok(folder))
		fo_reader_fail(rd, fo_node_get(map, "folder")->line,
		    "'folder' is '%.128s'; write an absolute path as %s, "
		    "without \".\", \"..\" and empty parts", folder,
		    default_replay_folder);
	ret->replay_folder = copied(rd,
	    folder != NULL ? folder : default_replay_folder);
}

/* The sinks as they are given; where none are said to be required, syslog. */
static void
read_audit(struct fo_reader *rd, const struct fo_node *root,
    struct fo_config *ret)
{
	static const char what[] = "\"syslog\" or \"file:/absolute/path\"";
	const struct fo_node *map = fo_node_get(root, "audit");

	fo_reader_map(rd, map, audit_keys);
	ret->audit_best_effort = fo_reader_texts(rd, map, "best_effort",
	    sink_ok, what);
	if (fo_node_get(map, "required") != NULL) {
		ret->audit_required = fo_reader_texts(rd, map, "required",
		    sink_ok, what);
	} else if (rd->err == FO_OK) {
		ret->audit_required = calloc(2, sizeof(char *));
		if (ret->audit_required == NULL)
			rd->err = FO_ERR_NOMEM;
		else
			ret->audit_required[0] = copied(rd, "syslog");
	}
	if (rd->err == FO_OK && ret->audit_required[0] == NULL &&
	    ret->audit_best_effort[0] == NULL)
		fo_reader_fail(rd, map->line, "'audit' names no sink, so no "
		    "login would leave a trace; write required: [syslog]");
}

static void
read_config(struct fo_reader *rd, const struct fo_node *root,
    struct fo_config *ret)
{
	static const char host_form[] = "a name of this host in [A-Za-z0-9._-]"
	    ", not localhost and not an address";
	const struct fo_node *proof = fo_node_get(root, "proof");
	const char *host;

	fo_reader_version(rd, root);
	fo_reader_map(rd, root, config_keys);
	host = fo_reader_text(rd, root, "host", true);
	if (host != NULL && !fo_host_ok(host))
		fo_reader_fail(rd, fo_node_get(root, "host")->line, "'host' "
		    "is '%.64s'; write %s", host, host_form);
	ret->host = copied(rd, host);
	ret->aliases = fo_reader_texts(rd, root, "aliases", fo_host_ok,
	    host_form);
	fo_reader_map(rd, proof, proof_keys);
	ret->max_age_s = fo_reader_int(rd, proof, "max_age_s", 1,
	    FO_MAX_AGE_LIMIT_S, FO_MAX_AGE_S);
	ret->clock_skew_s = fo_reader_int(rd, proof, "clock_skew_s", 0,
	    FO_CLOCK_SKEW_LIMIT_S, FO_CLOCK_SKEW_S);
	ret->reserved_accounts = fo_reader_texts(rd, root,
	    "reserved_accounts", fo_pattern_ok, "an account or a pattern of "
	    "accounts with '*' and '?', without spaces");
	read_services(rd, root, ret);
	read_replay(rd, root, ret);
	read_audit(rd, root, ret);
}

fo_err
fo_config_parse(const char *name, const char *text, size_t len,
    struct fo_diag *diag, struct fo_config **ret_config)
{
	struct fo_reader rd = { .name = name, .diag = diag, .err = FO_OK };
	struct fo_config *made = NULL;
	struct fo_node *root = NULL;
	fo_err r;

	if ((r = fo_node_parse(name, text, len, diag, &root)) != FO_OK)
		return r;
	if ((made = calloc(1, sizeof(*made))) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	read_config(&rd, root, made);
	if ((r = rd.err) != FO_OK)
		goto out;

	*ret_config = made;
	made = NULL; /* now owned by the caller */
out:
	fo_config_free(&made);
	fo_node_free(&root);
	return r;
}

/* Free a text of our own that others may only read. */
static void
drop(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
fo_config_free(struct fo_config **config)
{
	struct fo_config *c;
	size_t i;

	if (config == NULL || (c = *config) == NULL)
		return;
	free(c->host);
	fo_texts_free(&c->aliases);
	fo_texts_free(&c->reserved_accounts);
	for (i = 0; i < c->services_count; i++) {
		drop(c->services[i].name);
		drop(c->services[i].user);
	}
	free(c->services);
	free(c->replay_folder);
	fo_texts_free(&c->audit_required);
	fo_texts_free(&c->audit_best_effort);
	free(c);
	*config = NULL;
}

void
fo_config_service(const struct fo_config *config, const char *service,
    struct fo_service *ret)
{
	size_t i;

	for (i = 0; i < config->services_count; i++) {
		if (strcmp(config->services[i].name, service) == 0) {
			*ret = config->services[i];
			return;
		}
	}
	shipped(service, ret);
	ret->name = service;
}

bool
fo_config_reserved(const struct fo_config *config, const char *account)
{
	size_t i;

	for (i = 0; config->reserved_accounts[i] != NULL; i++) {
		if (fo_glob_match(config->reserved_accounts[i], account))
			return true;
	}
	return false;
}
