/*
 * fo policy check: what policies say that their author cannot have meant.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/glob.h"
#include "host/names.h"

#include "admin.h"
#include "findings.h"
#include "options.h"
#include "out.h"
#include "principal.h"
#include "verb.h"

/* The whole store, in memory. */
struct policies_check {
	const struct admin *admin;
	struct findings *findings;
	struct fo_policy **policies;
	size_t policies_count;
	struct fo_group **groups;
	size_t groups_count;
	struct principals all;
};

/* ---- loading --------------------------------------------------------- */

static fo_err
broken(struct policies_check *check, const char *kind, const char *name,
    fo_err r, const struct fo_diag *diag)
{
	finding(check->findings, LEVEL_FAIL, "mend the file: until then whom"
	    " it concerns is refused", "%s %s: %s", kind, name,
	    diag->text[0] != '\0' ? diag->text : fo_err_text(r));

	return r == FO_ERR_NOMEM ? r : FO_OK;
}

static fo_err
load_policy(const char *name, void *arg)
{
	struct policies_check *check = arg;
	struct fo_policy *policy = NULL, **grown;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_store_policy(check->admin->store, name, &diag, &policy);
	if (r != FO_OK)
		return broken(check, "policy", name, r, &diag);
	grown = reallocarray(check->policies, check->policies_count + 1,
	    sizeof(*grown));
	if (grown == NULL) {
		fo_policy_free(&policy);
		return FO_ERR_NOMEM;
	}
	check->policies = grown;
	grown[check->policies_count++] = policy;

	return FO_OK;
}

static fo_err
load_group(const char *name, void *arg)
{
	struct policies_check *check = arg;
	struct fo_group *group = NULL, **grown;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_store_group(check->admin->store, name, &diag, &group);
	if (r != FO_OK)
		return broken(check, "group", name, r, &diag);
	grown = reallocarray(check->groups, check->groups_count + 1,
	    sizeof(*grown));
	if (grown == NULL) {
		fo_group_free(&group);
		return FO_ERR_NOMEM;
	}
	check->groups = grown;
	grown[check->groups_count++] = group;

	return FO_OK;
}

static fo_err
load(struct policies_check *check, struct fo_diag *diag)
{
	const struct fo_store *store = check->admin->store;
	fo_err r;

	r = fo_store_each(store, FO_STORE_POLICIES, diag, load_policy, check);
	if (r == FO_OK)
		r = fo_store_each(store, FO_STORE_GROUPS, diag, load_group,
		    check);
	if (r == FO_OK)
		r = principals_load(check->admin, PRINCIPALS_ALL, diag,
		    &check->all);
	if (r == FO_OK && check->all.broken > 0)
		finding(check->findings, LEVEL_FAIL, "fo store check lists"
		    " them", "%zu principals cannot be read: %s",
		    check->all.broken, check->all.reason.text);

	return r;
}

static void
unload(struct policies_check *check)
{
	size_t i;

	for (i = 0; i < check->policies_count; i++)
		fo_policy_free(&check->policies[i]);
	for (i = 0; i < check->groups_count; i++)
		fo_group_free(&check->groups[i]);
	free(check->policies);
	free(check->groups);
	principals_clear(&check->all);
}

/* ---- who names whom -------------------------------------------------- */

static const struct fo_policy *
policy_of(const struct policies_check *check, const char *name)
{
	size_t i;

	for (i = 0; i < check->policies_count; i++)
		if (strcmp(check->policies[i]->name, name) == 0)
			return check->policies[i];

	return NULL;
}

static const struct fo_group *
group_of(const struct policies_check *check, const char *name)
{
	size_t i;

	for (i = 0; i < check->groups_count; i++)
		if (strcmp(check->groups[i]->name, name) == 0)
			return check->groups[i];

	return NULL;
}

/* Report what is named and not there; the nearest name is a good guess. */
static void
missing(struct policies_check *check, const char *who, const char *name,
    const char *kind, const char *wanted)
{
	finding(check->findings, LEVEL_FAIL, "make it, or take its name out:"
	    " until then whom it concerns is refused",
	    "%s %s names %s \"%s\", which does not exist or cannot be read",
	    who, name, kind, wanted);
}

static void
check_names(struct policies_check *check)
{
	size_t i, k;

	for (i = 0; i < check->groups_count; i++) {
		const struct fo_group *group = check->groups[i];

		for (k = 0; group->policies[k] != NULL; k++)
			if (policy_of(check, group->policies[k]) == NULL)
				missing(check, "group", group->name,
				    "policy", group->policies[k]);
	}
	for (i = 0; i < check->all.count; i++) {
		const struct fo_principal *p = check->all.list[i];

		for (k = 0; p->policies[k] != NULL; k++)
			if (policy_of(check, p->policies[k]) == NULL)
				missing(check, fo_kind_word(p->kind), p->name,
				    "policy", p->policies[k]);
		for (k = 0; p->groups[k] != NULL; k++)
			if (group_of(check, p->groups[k]) == NULL)
				missing(check, fo_kind_word(p->kind), p->name,
				    "group", p->groups[k]);
	}
}

/* Is a policy weighed for anybody at all? */
static bool
is_used(const struct policies_check *check, const struct fo_policy *policy)
{
	size_t i, k;

	for (i = 0; i < check->all.count; i++) {
		const struct fo_principal *p = check->all.list[i];

		if (list_has(p->policies, policy->name))
			return true;
		for (k = 0; k < check->groups_count; k++)
			if (list_has(check->groups[k]->policies,
			    policy->name) && (list_has(p->groups,
			    check->groups[k]->name) ||
			    strcmp(check->groups[k]->name,
			    FO_GROUP_DEFAULT) == 0))
				return true;
	}

	return false;
}

/* ---- rules that another rule leaves nothing to ----------------------- */

/*
 * Does pattern a match all that pattern b does? For sure, that is: a '?' of a
 * must not stand for a '*' of b.
 */
static bool
covers_pattern(const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (fo_glob_match(a, b) &&
	    (strchr(a, '?') == NULL || strchr(b, '*') == NULL));
}

static bool
covers_list(char *const *a, char *const *b, bool exactly)
{
	size_t i;

	if (a == NULL)
		return true;
	if (b == NULL)
		return false;
	for (; *b != NULL; b++) {
		for (i = 0; a[i] != NULL && !(exactly ?
		    strcmp(a[i], *b) == 0 : covers_pattern(a[i], *b)); i++)
			;
		if (a[i] == NULL)
			return false;
	}

	return true;
}

static bool
covers_sources(const struct fo_rule *a, const struct fo_rule *b)
{
	size_t i, k;

	if (a->sources_count == 0)
		return true;
	for (i = 0; i < b->sources_count; i++) {
		for (k = 0; k < a->sources_count; k++)
			if (a->sources[k].base.bits ==
			    b->sources[i].base.bits &&
			    a->sources[k].prefix <= b->sources[i].prefix &&
			    fo_cidr_contains(&a->sources[k],
			    &b->sources[i].base))
				break;
		if (k == a->sources_count)
			return false;
	}

	return b->sources_count > 0;
}

static bool
covers_hours(const struct fo_hours *a, const struct fo_hours *b)
{
	return a == NULL || (b != NULL && a->days == b->days &&
	    a->from_min == b->from_min && a->to_min == b->to_min &&
	    a->offset_min == b->offset_min);
}

/* Whatever b applies to, a applies to, and is weighed before it. */
static bool
covers(const struct fo_rule *a, const struct fo_rule *b)
{
	return a->channel == b->channel && a->effect <= b->effect &&
	    covers_list(a->services, b->services, false) &&
	    covers_list(a->accounts, b->accounts, false) &&
	    covers_list(a->hosts, b->hosts, false) &&
	    covers_sources(a, b) && covers_hours(a->hours, b->hours) &&
	    covers_list(a->commands, b->commands, true) &&
	    covers_list(a->paths, b->paths, false) &&
	    covers_list(a->tools, b->tools, false) &&
	    covers_list(a->methods, b->methods, true) &&
	    covers_list(a->urls, b->urls, false);
}

/* Does a rule before it, or one that everybody has, leave it nothing? */
static void
check_covered(struct policies_check *check, const struct fo_policy *of,
    const struct fo_rule *rule)
{
	const struct fo_group *group = group_of(check, FO_GROUP_DEFAULT);
	size_t i, k;

	for (i = 0; i < check->policies_count; i++) {
		const struct fo_policy *p = check->policies[i];

		if (p != of && (group == NULL ||
		    !list_has(group->policies, p->name)))
			continue;
		for (k = 0; k < p->rules_count; k++) {
			const struct fo_rule *a = &p->rules[k];

			/* of two that say the same, the first decides */
			if (a == rule || !covers(a, rule) ||
			    (a->effect == rule->effect &&
			    (p != of || a > rule)))
				continue;
			finding(check->findings, LEVEL_WARN, "take one of the"
			    " two out, or say what sets them apart",
			    "rule %s/%s never decides: %s/%s says %s to all"
			    " that it applies to", of->name, rule->name,
			    p->name, a->name, fo_effect_word(a->effect));
			return;
		}
	}
}

/* ---- rules that never match ------------------------------------------ */

/* Does at least one of the patterns begin with a slash, or with a star? */
static bool
some_absolute(char *const *patterns)
{
	for (; *patterns != NULL; patterns++)
		if ((*patterns)[0] == '/' || (*patterns)[0] == '*')
			return true;

	return false;
}

/* Does the pattern match an account that a principal has? */
static bool
some_account(const struct policies_check *check, const char *pattern)
{
	size_t i, k;

	for (i = 0; i < check->all.count; i++) {
		char *const *accounts = check->all.list[i]->accounts;

		for (k = 0; accounts[k] != NULL; k++) {
			const char *colon = strchr(accounts[k], ':');

			if (fo_glob_match(pattern, colon != NULL ? colon + 1 :
			    accounts[k]))
				return true;
		}
	}

	return false;
}

static void
never(struct policies_check *check, const struct fo_policy *policy,
    const struct fo_rule *rule, const char *why, const char *remedy)
{
	finding(check->findings, LEVEL_WARN, remedy,
	    "rule %s/%s never matches: %s", policy->name, rule->name, why);
}

static void
check_matches(struct policies_check *check, const struct fo_policy *policy,
    const struct fo_rule *rule)
{
	const bool allow = rule->effect == FO_EFFECT_ALLOW;
	bool found = false;
	size_t i;

	if (rule->hosts != NULL) {
		for (i = 0; rule->hosts[i] != NULL; i++)
			found |= fo_glob_match(rule->hosts[i],
			    check->admin->config->host);
		if (!found)
			never(check, policy, rule, "this host is called"
			    " otherwise", "nothing to do if the store is also"
			    " another host's");
	}
	/* what is denied to nobody yet is denied with foresight */
	if (rule->channel == FO_CHANNEL_LOGIN && allow &&
	    rule->accounts != NULL) {
		for (found = false, i = 0; rule->accounts[i] != NULL; i++)
			found |= some_account(check, rule->accounts[i]);
		if (!found)
			never(check, policy, rule, "nobody has such an"
			    " account", "give it to a principal, or take the"
			    " rule out");
	}
	if (rule->commands != NULL && allow && !some_absolute(rule->commands))
		never(check, policy, rule, "what is allowed begins with the"
		    " program's whole path", "write it as /usr/bin/NAME");
	if (rule->paths != NULL && !some_absolute(rule->paths))
		never(check, policy, rule, "paths are absolute", "begin the"
		    " pattern with /");
}

static void
check_rules(struct policies_check *check)
{
	size_t i, k;

	for (i = 0; i < check->policies_count; i++) {
		const struct fo_policy *policy = check->policies[i];

		if (!is_used(check, policy))
			finding(check->findings, LEVEL_WARN, "name it in a"
			    " group or a principal, or remove the file",
			    "policy %s is nobody's: its %zu rules are never"
			    " reached", policy->name, policy->rules_count);
		for (k = 0; k < policy->rules_count; k++) {
			check_covered(check, policy, &policy->rules[k]);
			check_matches(check, policy, &policy->rules[k]);
		}
	}
}

/* ---- accounts that no rule allows ------------------------------------ */

/* Could this rule let somebody in as the account at that service? */
static bool
may_allow(const struct fo_rule *rule, const char *service,
    const char *account)
{
	size_t i;
	bool there = rule->services == NULL || service == NULL;

	if (rule->channel != FO_CHANNEL_LOGIN ||
	    rule->effect != FO_EFFECT_ALLOW)
		return false;
	for (i = 0; !there && rule->services[i] != NULL; i++)
		there = fo_glob_match(rule->services[i], service);
	if (rule->accounts == NULL)
		return there;
	for (i = 0; there && rule->accounts[i] != NULL; i++)
		if (fo_glob_match(rule->accounts[i], account))
			return true;

	return false;
}

static bool
some_rule_allows(const struct fo_policies *policies, const char *service,
    const char *account)
{
	size_t i, k;

	for (i = 0; i < policies->count; i++)
		for (k = 0; k < policies->list[i]->rules_count; k++)
			if (may_allow(&policies->list[i]->rules[k], service,
			    account))
				return true;

	return false;
}

/* Whose policies cannot be read has been reported. */
static fo_err
check_accounts_of(struct policies_check *check, const struct fo_principal *p)
{
	struct fo_policies policies = { 0 };
	char service[FO_SERVICE_MAX + 1];
	const char *colon;
	size_t i;
	fo_err r;

	r = fo_store_policies(check->admin->store, p, NULL, &policies);
	for (i = 0; r == FO_OK && p->accounts[i] != NULL; i++) {
		const char *account = p->accounts[i];

		if ((colon = strchr(account, ':')) != NULL)
			snprintf(service, sizeof(service), "%.*s",
			    (int)(colon - account), account);
		if (!some_rule_allows(&policies, colon != NULL ? service :
		    NULL, colon != NULL ? colon + 1 : account))
			finding(check->findings, LEVEL_WARN, "allow it in a"
			    " policy of the channel login, or take the account"
			    " out", "%s %s may become %s, but no rule lets it"
			    " in", fo_kind_word(p->kind), p->name, account);
	}
	fo_policies_clear(&policies);

	return r == FO_ERR_NOMEM ? r : FO_OK;
}

static fo_err
check_all(struct policies_check *check)
{
	fo_err r = FO_OK;
	size_t i;

	check_names(check);
	check_rules(check);
	for (i = 0; i < check->all.count && r == FO_OK; i++)
		if (check->all.list[i]->status != FO_STATUS_REVOKED)
			r = check_accounts_of(check, check->all.list[i]);
	finding(check->findings, LEVEL_OK, NULL, "%zu policies, %zu groups"
	    " and %zu principals weighed", check->policies_count,
	    check->groups_count, check->all.count);

	return r;
}

static int
run(const struct call *call)
{
	struct findings findings = { 0 };
	struct policies_check check = { .findings = &findings };
	struct fo_diag diag = { "" };
	struct admin admin;
	int code;
	fo_err r;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE) {
		check.admin = &admin;
		r = load(&check, &diag);
		if (r == FO_OK)
			r = check_all(&check);
		code = r == FO_OK ? findings_print(call, &findings, true) :
		    fail_err(call, r, &diag, NULL);
	}
	unload(&check);
	findings_clear(&findings);
	admin_close(&admin);

	return code;
}

const struct verb verb_policy_check = {
	.name = "policy check",
	.synopsis = "[--json]",
	.summary = "Look for what policies cannot mean",
	.text =
	    "Look at all policies, groups and principals together: names"
	    " that lead nowhere,\npolicies that nobody has, rules that another"
	    " rule leaves nothing to, rules that\ncan never match, and accounts"
	    " that no rule lets anybody in as. fo store check\nlooks at the"
	    " files one by one.\n",
	.example = "  fo policy check\n",
	.exits =
	    "  0  nothing is wrong; warnings may be meant\n"
	    "  1  something is missing or cannot be read\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the store cannot be read\n",
	.store = true,
	.json = true,
	.run = run,
};
