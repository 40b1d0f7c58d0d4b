/*
 * Read a file of the store as it is, and as it is after every small damage.
 *
 *   torn KIND NAME DAMAGE <FILE
 *
 * KIND is config, group, policy, principal or key; NAME what the file is
 * called. DAMAGE is one of
 *
 *   none    the file itself
 *   prefix  each beginning of it but the whole
 *   line    each line taken out
 *   bit     each bit turned over
 *   byte    each byte made any other
 *
 * Prints a line for each damage that the reader takes: where it is (length,
 * line, or offset), the byte that stands there now, and as JSON what was
 * understood. The last line says how many damages there were. Exit code: 0;
 * 2 for a usage that makes no sense.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <firstops/key.h>

#include "host/config.h"
#include "host/group.h"
#include "host/policy.h"
#include "host/principal.h"

#define FILE_SIZE 65536

/* ---- JSON --------------------------------------------------------------- */

static void
put_text(const char *text)
{
	if (text == NULL) {
		printf("null");
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void
put_member(const char *key, const char *text)
{
	printf("\"%s\":", key);
	put_text(text);
	putchar(',');
}

static void
put_number(const char *key, int64_t number)
{
	printf("\"%s\":%lld,", key, (long long)number);
}

static void
put_texts(const char *key, char *const *texts)
{
	printf("\"%s\":", key);
	if (texts == NULL)
		printf("null");
	for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
		putchar(i == 0 ? '[' : ',');
		put_text(texts[i]);
	}
	if (texts != NULL)
		printf("%s", texts[0] == NULL ? "[]" : "]");
	putchar(',');
}

/* ---- what was understood ------------------------------------------------ */

static void
put_config(const struct fo_config *c)
{
	put_member("host", c->host);
	put_texts("aliases", c->aliases);
	put_number("max_age_s", c->max_age_s);
	put_number("clock_skew_s", c->clock_skew_s);
	put_texts("reserved_accounts", c->reserved_accounts);
	printf("\"services\":[");
	for (size_t i = 0; i < c->services_count; i++) {
		printf("%s{", i > 0 ? "," : "");
		put_member("service", c->services[i].name);
		put_number("nonce", c->services[i].nonce);
		put_number("ask", c->services[i].ask);
		put_member("user", c->services[i].user);
		printf("\"\":0}");
	}
	printf("],");
	put_member("folder", c->replay_folder);
	put_texts("required", c->audit_required);
	put_texts("best_effort", c->audit_best_effort);
}

static void
put_group(const struct fo_group *g)
{
	put_member("group", g->name);
	put_member("description", g->description);
	put_texts("policies", g->policies);
}

static void
put_sources(const struct fo_rule *rule)
{
	char text[INET6_ADDRSTRLEN];

	printf("\"source\":%s", rule->sources_count > 0 ? "[" : "null");
	for (size_t i = 0; i < rule->sources_count; i++) {
		const struct fo_cidr *cidr = &rule->sources[i];

		(void)inet_ntop(cidr->base.bits == 32 ? AF_INET : AF_INET6,
		    cidr->base.bytes, text, sizeof(text));
		printf("%s\"%s/%d\"", i > 0 ? "," : "", text, cidr->prefix);
	}
	printf("%s,", rule->sources_count > 0 ? "]" : "");
}

static void
put_rule(const struct fo_rule *rule)
{
	const struct fo_hours *h = rule->hours;

	putchar('{');
	put_member("rule", rule->name);
	put_member("effect", fo_effect_word(rule->effect));
	put_member("channel", fo_channel_word(rule->channel));
	put_texts("service", rule->services);
	put_texts("account", rule->accounts);
	put_texts("host", rule->hosts);
	put_sources(rule);
	if (h != NULL)
		printf("\"time\":[%u,%d,%d,%d],", h->days, h->from_min,
		    h->to_min, h->offset_min);
	put_texts("command", rule->commands);
	put_texts("path", rule->paths);
	put_texts("tool", rule->tools);
	put_texts("method", rule->methods);
	put_texts("url", rule->urls);
	printf("\"\":0}");
}

static void
put_policy(const struct fo_policy *p)
{
	put_member("policy", p->name);
	printf("\"rules\":[");
	for (size_t i = 0; i < p->rules_count; i++) {
		printf("%s", i > 0 ? "," : "");
		put_rule(&p->rules[i]);
	}
	printf("],");
}

static void
put_principal(const struct fo_principal *p)
{
	put_member("status", fo_status_word(p->status));
	put_member("id", p->id);
	put_member("kind", fo_kind_word(p->kind));
	put_member("name", p->name);
	put_member("owner", p->owner);
	put_texts("groups", p->groups);
	put_texts("policies", p->policies);
	put_texts("accounts", p->accounts);
	printf("\"keys\":[");
	for (size_t i = 0; i < p->keys_count; i++) {
		printf("%s{", i > 0 ? "," : "");
		put_member("thumbprint", p->keys[i].jkt);
		put_number("created", p->keys[i].created);
		put_number("expires", p->keys[i].expires);
		put_number("revoked", p->keys[i].revoked);
		put_member("reason", p->keys[i].reason);
		printf("\"\":0}");
	}
	printf("],");
}

/* ---- reading ------------------------------------------------------------ */

/* Where the damage is, and what stands there now. */
struct damage {
	size_t where;
	int byte;
};

static void
begin(const struct damage *damage)
{
	printf("%zu\t%d\t{", damage->where, damage->byte);
}

static void
end(void)
{
	printf("\"\":0}\n");
}

static void
try_config(const char *name, const char *text, size_t len,
    const struct damage *damage)
{
	struct fo_config *config = NULL;

	if (fo_config_parse(name, text, len, NULL, &config) != FO_OK)
		return;
	begin(damage);
	put_config(config);
	end();
	fo_config_free(&config);
}

static void
try_group(const char *name, const char *text, size_t len,
    const struct damage *damage)
{
	struct fo_group *group = NULL;

	if (fo_group_parse(name, name, text, len, NULL, &group) != FO_OK)
		return;
	begin(damage);
	put_group(group);
	end();
	fo_group_free(&group);
}

static void
try_policy(const char *name, const char *text, size_t len,
    const struct damage *damage)
{
	struct fo_policy *policy = NULL;

	if (fo_policy_parse(name, name, text, len, NULL, &policy) != FO_OK)
		return;
	begin(damage);
	put_policy(policy);
	end();
	fo_policy_free(&policy);
}

static void
try_principal(const char *name, const char *text, size_t len,
    const struct damage *damage)
{
	struct fo_principal *principal = NULL;

	if (fo_principal_parse(name, name, text, len, NULL, &principal) !=
	    FO_OK)
		return;
	begin(damage);
	put_principal(principal);
	end();
	fo_principal_free(&principal);
}

static void
try_key(const char *name, const char *text, size_t len,
    const struct damage *damage)
{
	struct fo_key *key = NULL;
	char jkt[FO_JKT_SIZE];

	(void)name;
	if (fo_key_from_pem(text, len, NULL, NULL, NULL, &key) != FO_OK)
		return;
	if (fo_key_thumbprint(key, jkt) == FO_OK) {
		begin(damage);
		put_member("thumbprint", jkt);
		end();
	}
	fo_key_free(&key);
}

static const struct kind {
	const char *word;
	void (*try)(const char *name, const char *text, size_t len,
	    const struct damage *damage);
} kinds[] = {
	{ "config", try_config },
	{ "group", try_group },
	{ "policy", try_policy },
	{ "principal", try_principal },
	{ "key", try_key },
};

/* ---- damaging; each returns how many there are -------------------------- */

static size_t
tear(const struct kind *kind, const char *name, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const struct damage damage = { i, -1 };
		/* of its own size, so that a sanitizer sees its end */
		char *part = strndup(text, i);

		if (part == NULL)
			exit(2);
		kind->try(name, part, i, &damage);
		free(part);
	}
	return len;
}

static size_t
cut_lines(const struct kind *kind, const char *name, const char *text,
    size_t len)
{
	static char rest[FILE_SIZE];
	size_t start = 0, lines = 0, stop;

	for (; start < len; start = stop, lines++) {
		const struct damage damage = { lines + 1, -1 };

		stop = start + strcspn(text + start, "\n");
		stop += stop < len;
		memcpy(rest, text, start);
		memcpy(rest + start, text + stop, len - stop + 1);
		kind->try(name, rest, len - (stop - start), &damage);
	}
	return lines;
}

/* Each byte in turn, by its bits (8 changes) or its values (255). */
static size_t
change(const struct kind *kind, const char *name, char *text, size_t len,
    int changes)
{
	for (size_t i = 0; i < len; i++) {
		const int was = (unsigned char)text[i];

		for (int k = 0; k < changes; k++) {
			const struct damage damage = { i, changes == 8 ?
			    was ^ (1 << k) : (was + 1 + k) & 0xff };

			text[i] = (char)damage.byte;
			kind->try(name, text, len, &damage);
		}
		text[i] = (char)was;
	}
	return len * (size_t)changes;
}

static size_t
spoil(const struct kind *kind, const char *name, const char *how, char *text,
    size_t len)
{
	const struct damage none = { 0, -1 };

	if (strcmp(how, "prefix") == 0)
		return tear(kind, name, text, len);
	if (strcmp(how, "line") == 0)
		return cut_lines(kind, name, text, len);
	if (strcmp(how, "bit") == 0)
		return change(kind, name, text, len, 8);
	if (strcmp(how, "byte") == 0)
		return change(kind, name, text, len, 255);
	if (strcmp(how, "none") != 0)
		exit(2);
	kind->try(name, text, len, &none);
	return 1;
}

int
main(int argc, char **argv)
{
	static char text[FILE_SIZE];
	const size_t len = fread(text, 1, sizeof(text) - 1, stdin);

	if (argc != 4)
		return 2;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].word, argv[1]) == 0) {
			printf("%zu\n", spoil(&kinds[i], argv[2], argv[3],
			    text, len));
			return 0;
		}
	}
	return 2;
}
