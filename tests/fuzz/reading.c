/*
 * What a store says of a login, read in the plain way from its texts.
 */
#include "reading.h"

#include <string.h>
#include <time.h>

#include <yaml.h>

#include "fuzz.h"
#include "host/policy.h"
#include "reference.h"

#define POLICIES_MAX 8

/* ---- documents --------------------------------------------------------- */

struct document {
	yaml_document_t yaml;
	yaml_node_t *root;	/* NULL: the text is none */
};

static void
document_open(const char *text, struct document *ret)
{
	yaml_parser_t parser;

	memset(ret, 0, sizeof(*ret));
	NEED(yaml_parser_initialize(&parser) == 1);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text,
	    strlen(text));
	if (yaml_parser_load(&parser, &ret->yaml) == 1)
		ret->root = yaml_document_get_root_node(&ret->yaml);
	yaml_parser_delete(&parser);
}

static void
document_close(struct document *doc)
{
	yaml_document_delete(&doc->yaml);
}

/* "" for what is no text. */
static const char *
text_of(const yaml_node_t *node)
{
	return node != NULL && node->type == YAML_SCALAR_NODE ?
	    (const char *)node->data.scalar.value : "";
}

/* The value of a key that is there once. */
static yaml_node_t *
get(struct document *doc, const yaml_node_t *map, const char *key)
{
	yaml_node_t *found = NULL;
	const yaml_node_pair_t *pair;
	size_t times = 0;

	if (map == NULL || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = map->data.mapping.pairs.start;
	    pair < map->data.mapping.pairs.top; pair++)
		if (strcmp(text_of(yaml_document_get_node(&doc->yaml,
		    pair->key)), key) == 0) {
			found = yaml_document_get_node(&doc->yaml,
			    pair->value);
			times++;
		}
	return times == 1 ? found : NULL;
}

static bool
says(struct document *doc, const yaml_node_t *map, const char *key,
    const char *text)
{
	return strcmp(text_of(get(doc, map, key)), text) == 0;
}

/* The nth of a list; NULL: there are no more. */
static yaml_node_t *
item(struct document *doc, const yaml_node_t *list, size_t n)
{
	const yaml_node_item_t *at;

	if (list == NULL || list->type != YAML_SEQUENCE_NODE)
		return NULL;
	at = list->data.sequence.items.start + n;
	return at < list->data.sequence.items.top ?
	    yaml_document_get_node(&doc->yaml, *at) : NULL;
}

static bool
lists(struct document *doc, const yaml_node_t *list, const char *text)
{
	const yaml_node_t *one;

	for (size_t n = 0; (one = item(doc, list, n)) != NULL; n++)
		if (strcmp(text_of(one), text) == 0)
			return true;
	return false;
}

/* ---- the principal ----------------------------------------------------- */

/* Times of one form and one zone are in the order of their texts. */
static bool
has_passed(const char *text, int64_t now)
{
	const time_t t = now;
	char form[32];
	struct tm tm;

	NEED(gmtime_r(&t, &tm) != NULL);
	NEED(strftime(form, sizeof(form), "%Y-%m-%dT%H:%M:%SZ", &tm) == 20);
	return strlen(text) != 20 || strcmp(text, form) <= 0;
}

static bool
key_in_force(struct document *doc, const struct reading_login *login)
{
	const yaml_node_t *keys = get(doc, doc->root, "keys"), *key;
	size_t good = 0, bad = 0;

	for (size_t n = 0; (key = item(doc, keys, n)) != NULL; n++) {
		if (!says(doc, key, "thumbprint", login->jkt))
			continue;
		if (get(doc, key, "revoked") != NULL ||
		    (get(doc, key, "expires") != NULL &&
		    has_passed(text_of(get(doc, key, "expires")),
		    login->now)))
			bad++;
		else
			good++;
	}
	return good == 1 && bad == 0;
}

bool
reading_in_force(const struct reading_store *store,
    const struct reading_login *login)
{
	struct document doc;
	bool yes;

	document_open(store->principal, &doc);
	yes = says(&doc, doc.root, "status", "active") &&
	    says(&doc, doc.root, "id", store->id) &&
	    key_in_force(&doc, login);
	document_close(&doc);
	return yes;
}

/* ACCOUNT, or SERVICE:ACCOUNT. */
static bool
has_account(struct document *doc, const struct reading_login *login)
{
	const yaml_node_t *list = get(doc, doc->root, "accounts"), *one;
	const size_t n = strlen(login->service);
	const char *text;

	if (strchr(login->account, ':') == NULL &&
	    lists(doc, list, login->account))
		return true;
	for (size_t i = 0; (one = item(doc, list, i)) != NULL; i++) {
		text = text_of(one);
		if (strncmp(text, login->service, n) == 0 &&
		    text[n] == ':' && strcmp(text + n + 1, login->account) ==
		    0)
			return true;
	}
	return false;
}

/* ---- policies ---------------------------------------------------------- */

/* The policies that a login is weighed by, each once. */
struct policies {
	const struct reading_file *list[POLICIES_MAX];
	size_t count;
};

static const struct reading_file *
file_of(const struct reading_file *files, const char *name)
{
	for (; files->name != NULL; files++)
		if (strcmp(files->name, name) == 0)
			return files;
	return NULL;
}

static bool
has_policy(const struct policies *policies, const struct reading_file *file)
{
	for (size_t i = 0; i < policies->count; i++)
		if (policies->list[i] == file)
			return true;
	return false;
}

/* False: one that is named is not there. */
static bool
collect(const struct reading_store *store, struct document *doc,
    struct policies *to)
{
	const yaml_node_t *list = get(doc, doc->root, "policies"), *one;
	const struct reading_file *file;

	for (size_t n = 0; (one = item(doc, list, n)) != NULL; n++) {
		if ((file = file_of(store->policies, text_of(one))) == NULL)
			return false;
		if (has_policy(to, file))
			continue;
		NEED(to->count < POLICIES_MAX);
		to->list[to->count++] = file;
	}
	return true;
}

static bool
collect_group(const struct reading_store *store, const char *name,
    struct policies *to)
{
	const struct reading_file *file = file_of(store->groups, name);
	struct document doc;
	bool yes;

	if (file == NULL)
		return false;
	document_open(file->text, &doc);
	yes = says(&doc, doc.root, "group", name) &&
	    collect(store, &doc, to);
	document_close(&doc);
	return yes;
}

static bool
collect_all(const struct reading_store *store, struct document *principal,
    struct policies *to)
{
	const yaml_node_t *groups = get(principal, principal->root, "groups");
	const yaml_node_t *one;

	if (!collect(store, principal, to))
		return false;
	for (size_t n = 0; (one = item(principal, groups, n)) != NULL; n++)
		if (!collect_group(store, text_of(one), to))
			return false;
	return collect_group(store, "default", to);
}

/* Does the condition of this key, if there is one, take the text? */
static bool
condition_takes(struct document *doc, const yaml_node_t *when,
    const char *key, const char *text)
{
	const yaml_node_t *list = get(doc, when, key), *one;

	for (size_t n = 0; (one = item(doc, list, n)) != NULL; n++)
		if (reference_glob(text_of(one), text))
			return true;
	return list == NULL;
}

/*
 * Sources and hours aside, which reference_login weighs: what the rule says,
 * or "" if it does not say it of this login.
 */
static const char *
rule_says(struct document *doc, const yaml_node_t *rule, const char *host,
    const struct reading_login *login)
{
	const yaml_node_t *when = get(doc, rule, "when");
	const char *effect = text_of(get(doc, rule, "effect"));
	const bool open = get(doc, when, "source") != NULL ||
	    get(doc, when, "time") != NULL;

	if (!says(doc, rule, "channel", "login") ||
	    !condition_takes(doc, when, "service", login->service) ||
	    !condition_takes(doc, when, "account", login->account) ||
	    !condition_takes(doc, when, "host", host) ||
	    (open && strcmp(effect, "allow") != 0))
		return "";
	return effect;
}

/* Adds what one policy says; true: it is called what its file is. */
static bool
weigh(const struct reading_file *file, const char *host,
    const struct reading_login *login, bool *allows, bool *refuses)
{
	const yaml_node_t *rules, *rule;
	const char *effect;
	struct document doc;
	bool yes;

	document_open(file->text, &doc);
	yes = says(&doc, doc.root, "policy", file->name);
	rules = get(&doc, doc.root, "rules");
	for (size_t n = 0; (rule = item(&doc, rules, n)) != NULL; n++) {
		effect = rule_says(&doc, rule, host, login);
		if (strcmp(effect, "allow") == 0)
			*allows = true;
		else if (effect[0] != '\0')
			*refuses = true;
	}
	document_close(&doc);
	return yes;
}

/* All conditions weighed, if the policies can be read at all. */
static bool
weighs_allow(const struct policies *policies, const char *host,
    const struct reading_login *login)
{
	struct fo_action asked = { .service = login->service,
		.account = login->account, .host = host, .now = login->now };
	const struct fo_policy *list[POLICIES_MAX];
	struct fo_policy *made[POLICIES_MAX] = { NULL };
	bool yes = true;
	size_t i;

	fo_source_parse(login->rhost, &asked.source);
	for (i = 0; i < policies->count; i++) {
		yes = yes && fo_policy_parse("/f", policies->list[i]->name,
		    policies->list[i]->text, strlen(policies->list[i]->text),
		    NULL, &made[i]) == FO_OK;
		list[i] = made[i];
	}
	yes = yes && reference_login(list, policies->count, &asked) ==
	    FO_EFFECT_ALLOW;
	for (i = 0; i < policies->count; i++)
		fo_policy_free(&made[i]);
	return yes;
}

static bool
policies_permit(const struct policies *policies, const char *host,
    const struct reading_login *login)
{
	bool allows = false, refuses = false, yes = true;

	for (size_t i = 0; i < policies->count; i++)
		yes = weigh(policies->list[i], host, login, &allows,
		    &refuses) && yes;
	return yes && allows && !refuses &&
	    weighs_allow(policies, host, login);
}

bool
reading_permits(const struct reading_store *store,
    const struct reading_login *login)
{
	struct policies policies = { .count = 0 };
	struct document principal, config;
	bool yes;

	document_open(store->principal, &principal);
	document_open(store->config, &config);
	yes = has_account(&principal, login) &&
	    collect_all(store, &principal, &policies) &&
	    policies_permit(&policies, text_of(get(&config, config.root,
	    "host")), login);
	document_close(&config);
	document_close(&principal);
	return yes;
}

/* ---- the configuration ------------------------------------------------- */

bool
reading_is_target(const char *config, const char *htu,
    const struct reading_login *login)
{
	struct document doc;
	const yaml_node_t *aliases, *one;
	bool yes;

	document_open(config, &doc);
	yes = reference_target(htu, text_of(get(&doc, doc.root, "host")),
	    login->service, login->account);
	aliases = get(&doc, doc.root, "aliases");
	for (size_t n = 0; (one = item(&doc, aliases, n)) != NULL; n++)
		yes = yes || reference_target(htu, text_of(one),
		    login->service, login->account);
	document_close(&doc);
	return yes;
}

bool
reading_needs_nonce(const char *config, const char *service)
{
	static const char *const shipped[] = { "sshd", "sudo", "sudo-i", "su",
		"su-l", "login", "cockpit", "firstops-login", NULL };
	const yaml_node_t *services, *nonce;
	struct document doc;
	bool yes = false;

	document_open(config, &doc);
	services = get(&doc, doc.root, "services");
	nonce = get(&doc, get(&doc, services, service), "nonce");
	for (size_t i = 0; nonce == NULL && shipped[i] != NULL; i++)
		yes = yes || strcmp(shipped[i], service) == 0;
	if (nonce != NULL)
		yes = strcmp(text_of(nonce), "auto") != 0;
	document_close(&doc);
	return yes;
}

bool
reading_requires(const char *config, const char *sink)
{
	const yaml_node_t *required;
	struct document doc;
	bool yes;

	document_open(config, &doc);
	required = get(&doc, get(&doc, doc.root, "audit"), "required");
	yes = required == NULL ? strcmp(sink, "syslog") == 0 :
	    lists(&doc, required, sink);
	document_close(&doc);
	return yes;
}
