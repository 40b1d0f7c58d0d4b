/*
 * A principal: a human or an agent, as its file says.
 */
#include "principal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#include "node.h"
#include "rfc3339.h"

static const char *const principal_keys[] = { "version", "status", "id",
	"kind", "name", "owner", "groups", "policies", "accounts", "keys",
	NULL };
static const char *const key_keys[] = { "thumbprint", "created", "expires",
	"revoked", "reason", NULL };

/* In the order of FO_STATUS_* and FO_KIND_*. */
static const char *const status_words[] = { "revoked", "suspended", "active",
	NULL };
static const char *const kind_words[] = { "agent", "human", NULL };

#define NAME_FORM "[a-z0-9][a-z0-9._-]{0,47}"

const char *
fo_status_word(fo_status status)
{
	return status_words[status];
}

const char *
fo_kind_word(fo_kind kind)
{
	return kind_words[kind];
}

/* ---- reading --------------------------------------------------------- */

/*
 * ACCOUNT or SERVICE:ACCOUNT, exact: a pattern here would hand out accounts
 * that do not exist yet. Patterns narrow, in policies.
 */
static bool
entry_ok(const char *entry)
{
	const char *colon = strchr(entry, ':');
	char service[FO_SERVICE_MAX + 1];
	int n;

	if (strpbrk(entry, "*?") != NULL)
		return false;
	if (colon == NULL)
		return fo_account_ok(entry);
	n = snprintf(service, sizeof(service), "%.*s", (int)(colon - entry),
	    entry);
	if (n < 0 || (size_t)n >= sizeof(service))
		return false;

	return fo_service_ok(service) && fo_account_ok(colon + 1);
}

/* The text of a key, if it is a name; else the reader fails. */
static void
read_name(struct fo_reader *rd, const struct fo_node *map, const char *key,
    char ret[FO_NAME_MAX + 1])
{
	const char *text = fo_reader_text(rd, map, key, true);

	if (text == NULL)
		return;
	if (!fo_name_ok(text))
		fo_reader_fail(rd, fo_node_get(map, key)->line, "'%s' is "
		    "'%.64s'; write a name of the form " NAME_FORM, key, text);
	else
		memcpy(ret, text, strlen(text) + 1);
}

static void
read_id(struct fo_reader *rd, const struct fo_node *root, const char *id,
    struct fo_principal *ret)
{
	const char *text = fo_reader_text(rd, root, "id", true);

	if (text == NULL)
		return;
	if (strcmp(text, id) != 0)
		fo_reader_fail(rd, fo_node_get(root, "id")->line, "id is "
		    "'%.64s', but the file is called %s.yaml; they must be "
		    "the same", text, id);
	memcpy(ret->id, id, strlen(id) + 1);
	ret->kind = (fo_kind)fo_reader_word(rd, root, "kind", kind_words);
	if (rd->err == FO_OK &&
	    (ret->kind == FO_KIND_AGENT) != fo_id_is_agent(id))
		fo_reader_fail(rd, fo_node_get(root, "kind")->line, "kind is "
		    "'%s', which does not go with this id; an agent's begins "
		    "with fo_agent_, a human's with fo_user_",
		    fo_kind_word(ret->kind));
}

static void
read_thumbprint(struct fo_reader *rd, const struct fo_node *map,
    const struct fo_principal *principal, struct fo_pkey *ret)
{
	const char *text = fo_reader_text(rd, map, "thumbprint", true);
	size_t line;

	if (text == NULL)
		return;
	line = fo_node_get(map, "thumbprint")->line;
	if (!fo_jkt_ok(text))
		fo_reader_fail(rd, line, "'%.64s' is not a thumbprint; write "
		    "the 43 characters that \"fo key thumbprint\" prints",
		    text);
	else if (fo_principal_key(principal, text) != NULL)
		fo_reader_fail(rd, line, "thumbprint %s is listed above "
		    "already; keep one of the two", text);
	else
		memcpy(ret->jkt, text, sizeof(ret->jkt));
}

static void
read_key(struct fo_reader *rd, const struct fo_node *map,
    const struct fo_principal *principal, struct fo_pkey *ret)
{
	const char *reason;

	fo_reader_map(rd, map, key_keys);
	read_thumbprint(rd, map, principal, ret);
	ret->created = fo_reader_time(rd, map, "created", true);
	ret->expires = fo_reader_time(rd, map, "expires", false);
	ret->revoked = fo_reader_time(rd, map, "revoked", false);
	if ((reason = fo_reader_text(rd, map, "reason", false)) == NULL)
		return;
	if (ret->revoked == 0)
		fo_reader_fail(rd, fo_node_get(map, "reason")->line, "a "
		    "reason without 'revoked'; say when the key was revoked, "
		    "or take the reason out");
	else if (!fo_prose_ok(reason))
		fo_reader_fail(rd, fo_node_get(map, "reason")->line, "'reason'"
		    " has control bytes; write one line of text");
	else if ((ret->reason = strdup(reason)) == NULL)
		rd->err = FO_ERR_NOMEM;
}

static void
read_keys(struct fo_reader *rd, const struct fo_node *root,
    struct fo_principal *ret)
{
	const struct fo_node *list = fo_reader_list(rd, root, "keys", true);
	size_t i;

	if (list == NULL)
		return;
	if (list->count > FO_PRINCIPAL_MAX_KEYS)
		fo_reader_fail(rd, list->items[FO_PRINCIPAL_MAX_KEYS]->line,
		    "more than %d keys; take out those revoked long ago, or "
		    "make another principal", FO_PRINCIPAL_MAX_KEYS);
	ret->keys = calloc(list->count + 1, sizeof(*ret->keys));
	if (ret->keys == NULL)
		rd->err = FO_ERR_NOMEM;
	for (i = 0; i < list->count && rd->err == FO_OK; i++) {
		read_key(rd, list->items[i], ret, &ret->keys[i]);
		ret->keys_count++;
	}
}

static void
read_principal(struct fo_reader *rd, const struct fo_node *root,
    const char *id, struct fo_principal *ret)
{
	fo_reader_version(rd, root);
	fo_reader_map(rd, root, principal_keys);
	ret->status = (fo_status)fo_reader_word(rd, root, "status",
	    status_words);
	read_id(rd, root, id, ret);
	read_name(rd, root, "name", ret->name);
	read_name(rd, root, "owner", ret->owner);
	ret->groups = fo_reader_texts(rd, root, "groups", fo_name_ok,
	    "the name of a group, " NAME_FORM);
	ret->policies = fo_reader_texts(rd, root, "policies", fo_name_ok,
	    "the name of a policy, " NAME_FORM);
	ret->accounts = fo_reader_texts(rd, root, "accounts", entry_ok,
	    "ACCOUNT or SERVICE:ACCOUNT, the account of 1 to 64 printable "
	    "characters without '*' and '?' (patterns belong in "
	    "reserved_accounts and policies)");
	read_keys(rd, root, ret);
}

fo_err
fo_principal_parse(const char *name, const char *id, const char *text,
    size_t len, struct fo_diag *diag, struct fo_principal **ret_principal)
{
	struct fo_reader rd = { .name = name, .diag = diag, .err = FO_OK };
	struct fo_principal *made = NULL;
	struct fo_node *root = NULL;
	fo_err r;

	if (!fo_id_ok(id))
		return FO_ERR_ARG;
	if ((r = fo_node_parse(name, text, len, diag, &root)) != FO_OK)
		return r;
	if ((made = calloc(1, sizeof(*made))) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	read_principal(&rd, root, id, made);
	if ((r = rd.err) != FO_OK)
		goto out;

	*ret_principal = made;
	made = NULL; /* now owned by the caller */
out:
	fo_principal_free(&made);
	fo_node_free(&root);
	return r;
}

void
fo_principal_free(struct fo_principal **principal)
{
	struct fo_principal *p;
	size_t i;

	if (principal == NULL || (p = *principal) == NULL)
		return;
	fo_texts_free(&p->groups);
	fo_texts_free(&p->policies);
	fo_texts_free(&p->accounts);
	for (i = 0; i < p->keys_count; i++)
		free(p->keys[i].reason);
	free(p->keys);
	free(p);
	*principal = NULL;
}

/* ---- writing --------------------------------------------------------- */

/*
 * May it stand without quotes, here and for other readers of YAML, who take
 * some words for booleans and null and some digits for numbers?
 */
static bool
needs_no_quotes(const char *text)
{
	static const char *const words[] = { "null", "true", "false", "yes",
		"no", "on", "off", "y", "n", NULL };
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		if (strcasecmp(words[i], text) == 0)
			return false;
	}
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 0)
		return false;

	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static void
add_scalar(struct fo_buf *buf, const char *text)
{
	if (needs_no_quotes(text)) {
		fo_buf_adds(buf, text);
		return;
	}
	fo_buf_adds(buf, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fo_buf_adds(buf, "\\");
		fo_buf_add(buf, text, 1);
	}
	fo_buf_adds(buf, "\"");
}

static void
add_field(struct fo_buf *buf, const char *key, const char *text)
{
	fo_buf_addf(buf, "%s: ", key);
	add_scalar(buf, text);
	fo_buf_adds(buf, "\n");
}

static void
add_texts(struct fo_buf *buf, const char *key, char *const *texts)
{
	size_t i;

	fo_buf_addf(buf, "%s: [", key);
	for (i = 0; texts != NULL && texts[i] != NULL; i++) {
		if (i > 0)
			fo_buf_adds(buf, ", ");
		add_scalar(buf, texts[i]);
	}
	fo_buf_adds(buf, "]\n");
}

/* A time that is there; 0 is absent and adds nothing. */
static void
add_time(struct fo_buf *buf, const char *key, int64_t s)
{
	char text[FO_TIME_SIZE];
	fo_err r;

	if (s == 0)
		return;
	if ((r = fo_time_format(s, text)) != FO_OK)
		buf->err = r;
	else
		fo_buf_addf(buf, "    %s: %s\n", key, text);
}

static void
add_key(struct fo_buf *buf, const struct fo_pkey *key)
{
	fo_buf_adds(buf, "  - ");
	add_field(buf, "thumbprint", key->jkt);
	add_time(buf, "created", key->created);
	add_time(buf, "expires", key->expires);
	add_time(buf, "revoked", key->revoked);
	if (key->reason != NULL) {
		fo_buf_adds(buf, "    ");
		add_field(buf, "reason", key->reason);
	}
}

fo_err
fo_principal_format(const struct fo_principal *principal, char **ret_text)
{
	struct fo_buf buf;
	size_t i;

	fo_buf_init(&buf, FO_FILE_MAX_BYTES);
	fo_buf_adds(&buf, "---\nversion: 1\n");
	add_field(&buf, "status", fo_status_word(principal->status));
	add_field(&buf, "id", principal->id);
	add_field(&buf, "kind", fo_kind_word(principal->kind));
	add_field(&buf, "name", principal->name);
	add_field(&buf, "owner", principal->owner);
	add_texts(&buf, "groups", principal->groups);
	add_texts(&buf, "policies", principal->policies);
	add_texts(&buf, "accounts", principal->accounts);
	fo_buf_adds(&buf, principal->keys_count == 0 ? "keys: []\n" :
	    "keys:\n");
	for (i = 0; i < principal->keys_count; i++)
		add_key(&buf, &principal->keys[i]);
	fo_buf_adds(&buf, "...\n");
	return fo_buf_take(&buf, ret_text);
}

/* ---- asking ---------------------------------------------------------- */

const struct fo_pkey *
fo_principal_key(const struct fo_principal *principal, const char *jkt)
{
	size_t i;

	for (i = 0; i < principal->keys_count; i++) {
		if (strcmp(principal->keys[i].jkt, jkt) == 0)
			return &principal->keys[i];
	}
	return NULL;
}

fo_err
fo_principal_in_force(const struct fo_principal *principal, const char *jkt,
    int64_t now)
{
	const struct fo_pkey *key;

	if (principal->status == FO_STATUS_REVOKED)
		return FO_ERR_REVOKED;
	if (principal->status == FO_STATUS_SUSPENDED)
		return FO_ERR_SUSPENDED;
	if (principal->status != FO_STATUS_ACTIVE)
		return FO_ERR_INTERNAL;
	if (jkt == NULL)
		return FO_OK;
	if ((key = fo_principal_key(principal, jkt)) == NULL)
		return FO_ERR_UNKNOWN_KEY;
	/* Revoked is revoked, also by a clock that is behind. */
	if (key->revoked != 0)
		return FO_ERR_REVOKED_KEY;
	if (key->expires != 0 && now >= key->expires)
		return FO_ERR_EXPIRED_KEY;

	return FO_OK;
}

bool
fo_principal_has_account(const struct fo_principal *principal,
    const char *service, const char *account)
{
	const char *entry, *colon;
	size_t i;

	if (principal->accounts == NULL)
		return false;
	for (i = 0; (entry = principal->accounts[i]) != NULL; i++) {
		colon = strchr(entry, ':');
		if (colon == NULL && strcmp(entry, account) == 0)
			return true;
		if (colon != NULL && strcmp(colon + 1, account) == 0 &&
		    strlen(service) == (size_t)(colon - entry) &&
		    strncmp(entry, service, strlen(service)) == 0)
			return true;
	}
	return false;
}
