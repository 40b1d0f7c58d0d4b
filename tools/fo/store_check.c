/*
 * fo store check: every problem of a store, not only the first.
 */
#include "store_check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/audit.h"
#include "host/names.h"

#include "options.h"
#include "out.h"
#include "principal.h"

/* A key that ends so soon is told of. */
#define SOON_S ((int64_t)7 * 86400)
#define INDEX_REMEDY "make the index anew: fo store index"

/* A registered thumbprint and whose it is, or a name and whose it is. */
struct owned {
	const char *what;
	const struct fo_principal *by;
};

struct check {
	const struct admin *admin;
	struct findings *findings;
	struct fo_principal **principals;
	size_t count;
	size_t seen;		/* for progress */
	size_t bad;		/* files of the part being read */
	char **groups;		/* names that can be read, NULL at end */
	char **policies;
};

static void
progress(struct check *check, const char *part)
{
	if (++check->seen % 1000 == 0 && isatty(STDERR_FILENO) == 1)
		fprintf(stderr, "\r%s: %zu ", part, check->seen);
}

static void
progress_end(struct check *check)
{
	if (check->seen >= 1000 && isatty(STDERR_FILENO) == 1)
		fputs("\r\033[K", stderr);
	check->seen = 0;
}

/* ---- the files one by one -------------------------------------------- */

static fo_err
bad_file(struct check *check, const char *kind, const char *name, fo_err r,
    const struct fo_diag *diag)
{
	check->bad++;
	finding(check->findings, LEVEL_FAIL,
	    "mend the file, or put back the copy that was right", "%s %s: %s",
	    kind, name, diag->text[0] != '\0' ? diag->text : fo_err_text(r));

	return r == FO_ERR_NOMEM ? r : FO_OK;
}

static fo_err
read_principal(const char *id, void *arg)
{
	struct check *check = arg;
	struct fo_principal *principal = NULL, **grown;
	struct fo_diag diag = { "" };
	fo_err r;

	progress(check, "principals");
	r = fo_store_principal(check->admin->store, id, &diag, &principal);
	if (r != FO_OK)
		return bad_file(check, "principal", id, r, &diag);
	grown = reallocarray(check->principals, check->count + 1,
	    sizeof(*grown));
	if (grown == NULL) {
		fo_principal_free(&principal);
		return FO_ERR_NOMEM;
	}
	check->principals = grown;
	grown[check->count++] = principal;

	return FO_OK;
}

static fo_err
read_policy(const char *name, void *arg)
{
	struct check *check = arg;
	struct fo_policy *policy = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	progress(check, "policies");
	r = fo_store_policy(check->admin->store, name, &diag, &policy);
	fo_policy_free(&policy);
	if (r != FO_OK)
		return bad_file(check, "policy", name, r, &diag);

	return FO_OK;
}

/* Everything in wanted must be there; who is who names it. */
static void
check_named(struct check *check, const char *who, const char *name,
    const char *kind, char *const *wanted, char *const *there)
{
	size_t i;

	for (i = 0; wanted[i] != NULL; i++)
		if (!list_has(there, wanted[i]))
			finding(check->findings, LEVEL_FAIL, "make it, or take"
			    " its name out: until then whom it concerns is"
			    " refused", "%s %s names %s \"%s\", which does"
			    " not exist", who, name, kind, wanted[i]);
}

static fo_err
read_group(const char *name, void *arg)
{
	struct check *check = arg;
	struct fo_group *group = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	progress(check, "groups");
	r = fo_store_group(check->admin->store, name, &diag, &group);
	if (r != FO_OK)
		return bad_file(check, "group", name, r, &diag);
	check_named(check, "group", name, "policy", group->policies,
	    check->policies);
	fo_group_free(&group);

	return FO_OK;
}

static fo_err
read_part(struct check *check, fo_store_part part, const char *what,
    fo_err (*each)(const char *, void *), struct fo_diag *diag)
{
	size_t count;
	fo_err r;

	check->bad = 0;
	r = fo_store_each(check->admin->store, part, diag, each, check);
	count = check->seen;
	progress_end(check);
	if (r == FO_OK && check->bad == 0)
		finding(check->findings, LEVEL_OK, NULL, "%zu %s read", count,
		    what);

	return r;
}

/* ---- principals among each other ------------------------------------- */

static int
by_what(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	const int r = strcmp(x->what, y->what);

	return r != 0 ? r : strcmp(x->by->id, y->by->id);
}

/* Sort and report what more than one principal has. */
static void
report_doubles(struct check *check, struct owned *all, size_t count,
    const char *kind, const char *remedy)
{
	size_t i;

	if (count > 0)
		qsort(all, count, sizeof(*all), by_what);
	for (i = 1; i < count; i++)
		if (strcmp(all[i - 1].what, all[i].what) == 0)
			finding(check->findings, LEVEL_FAIL, remedy,
			    "%s %s: both %s and %s have it", kind,
			    all[i].what, all[i - 1].by->id, all[i].by->id);
}

static fo_err
check_names(struct check *check, fo_kind kind, const char *what)
{
	struct owned *all;
	size_t i, n = 0;

	if ((all = calloc(check->count + 1, sizeof(*all))) == NULL)
		return FO_ERR_NOMEM;
	for (i = 0; i < check->count; i++)
		if (check->principals[i]->kind == kind)
			all[n++] = (struct owned){ check->principals[i]->name,
				check->principals[i] };
	report_doubles(check, all, n, what, "give one of them another name");
	free(all);

	return FO_OK;
}

/* A key must lead to the one principal that lists it. */
static void
check_link(struct check *check, const struct fo_principal *principal,
    const char *jkt)
{
	struct fo_diag diag = { "" };
	char id[FO_ID_SIZE];
	fo_err r;

	r = fo_store_find(check->admin->store, jkt, &diag, id);
	if (r == FO_ERR_UNKNOWN_KEY)
		finding(check->findings, LEVEL_FAIL, INDEX_REMEDY,
		    "keys.d/%s is missing: this key of %s is refused", jkt,
		    principal->id);
	else if (finding_short(check->findings, r))
		return;
	else if (r != FO_OK)
		finding(check->findings, LEVEL_FAIL, "remove it, then"
		    " " INDEX_REMEDY, "keys.d/%s: %s", jkt,
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
	else if (strcmp(id, principal->id) != 0)
		finding(check->findings, LEVEL_FAIL, "a key never moves to"
		    " another principal: take it out of the second, and give"
		    " that one a new key", "keys.d/%s leads to %s, but %s"
		    " lists this key", jkt, id, principal->id);
}

static fo_err
check_keys(struct check *check)
{
	struct owned *all;
	size_t i, k, n = 0;

	for (i = 0; i < check->count; i++)
		n += check->principals[i]->keys_count;
	if ((all = calloc(n + 1, sizeof(*all))) == NULL)
		return FO_ERR_NOMEM;
	for (n = 0, i = 0; i < check->count; i++) {
		const struct fo_principal *p = check->principals[i];

		for (k = 0; k < p->keys_count; k++) {
			progress(check, "keys");
			check_link(check, p, p->keys[k].jkt);
			all[n++] = (struct owned){ p->keys[k].jkt, p };
		}
	}
	progress_end(check);
	report_doubles(check, all, n, "thumbprint", "take it out of the one"
	    " that registered it later");
	free(all);

	return FO_OK;
}

static int
by_id(const void *a, const void *b)
{
	const struct fo_principal *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

static int
id_against(const void *id, const void *member)
{
	const struct fo_principal *const *p = member;

	return strcmp(id, (*p)->id);
}

/* check->principals are sorted by id. */
static const struct fo_principal *
principal_of(const struct check *check, const char *id)
{
	struct fo_principal **found = NULL;

	if (check->count > 0)
		found = bsearch(id, check->principals, check->count,
		    sizeof(*check->principals), id_against);

	return found != NULL ? *found : NULL;
}

/*
 * A link that no principal lists keeps its thumbprint reserved, as it should
 * after a deletion; it is told so that a lost file is noticed.
 */
static fo_err
check_stray(const char *jkt, void *arg)
{
	struct check *check = arg;
	struct fo_diag diag = { "" };
	const struct fo_principal *p;
	char id[FO_ID_SIZE];
	fo_err r;

	r = fo_store_find(check->admin->store, jkt, &diag, id);
	if (r == FO_ERR_NOMEM)
		return r;
	if (r != FO_OK) {
		finding(check->findings, LEVEL_FAIL, "remove it, then"
		    " " INDEX_REMEDY, "keys.d/%s: %s", jkt,
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
		return FO_OK;
	}
	p = principal_of(check, id);
	if (p == NULL || fo_principal_key(p, jkt) == NULL)
		finding(check->findings, LEVEL_WARN, "nothing to do if the key"
		    " was taken away on purpose; else put the file back",
		    "keys.d/%s leads to %s, which %s", jkt, id, p == NULL ?
		    "does not exist or cannot be read" : "does not list it");

	return FO_OK;
}

/* A key that ends lets nobody in from then on, without a word before. */
static void
check_end(struct check *check, const struct fo_principal *principal)
{
	const int64_t now = check->admin->now;
	char when[PRINCIPAL_EXPIRY_SIZE];

	if (principal->status != FO_STATUS_ACTIVE ||
	    !principal_ends_by(principal, now, now + SOON_S))
		return;
	principal_expiry(principal, now, when);
	finding(check->findings, LEVEL_WARN, "a new one for it: fo agent"
	    " rotate", "%s %s: its last key ends at %s",
	    fo_kind_word(principal->kind), principal->name, when);
}

static void
check_principals(struct check *check)
{
	size_t i;

	if (!list_has(check->groups, FO_GROUP_DEFAULT))
		finding(check->findings, LEVEL_FAIL, "make it, with policies:"
		    " [] if nothing is to hold for everybody", "group \"%s\""
		    " does not exist: until then everybody is refused",
		    FO_GROUP_DEFAULT);
	for (i = 0; i < check->count; i++) {
		const struct fo_principal *p = check->principals[i];

		check_named(check, "principal", p->id, "group", p->groups,
		    check->groups);
		check_named(check, "principal", p->id, "policy", p->policies,
		    check->policies);
		check_end(check, p);
	}
}

/* ---- files that are none of ours ------------------------------------- */

/*
 * In the store's own folder only what a writer left unfinished is told: an
 * administrator may keep more there.
 */
static bool
belongs(const char *part, const char *file)
{
	const size_t len = strlen(file);
	char name[256];

	if (strcmp(part, ".") == 0)
		return strncmp(file, ".tmp-", strlen(".tmp-")) != 0 &&
		    strncmp(file, ".new-", strlen(".new-")) != 0;
	if (strcmp(part, "keys.d") == 0)
		return fo_jkt_ok(file);
	if (len <= strlen(".yaml") || len >= sizeof(name) ||
	    strcmp(file + len - strlen(".yaml"), ".yaml") != 0)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(len - strlen(".yaml")),
	    file);

	return strcmp(part, "principals.d") == 0 ? fo_id_ok(name) :
	    fo_name_ok(name);
}

static void
check_droppings(struct check *check, const char *part)
{
	const struct dirent *entry;
	char path[4096];
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", check->admin->store->folder,
	    part);
	if ((dir = opendir(path)) == NULL) {
		/* anything else was told already, when the part was read */
		(void)finding_short(check->findings, errno == ENOMEM ?
		    FO_ERR_NOMEM : FO_ERR_IO);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0 &&
		    !belongs(part, entry->d_name))
			finding(check->findings, LEVEL_WARN, "it is never"
			    " read; rename it if it should be, else remove"
			    " it", "%s/%s is not a name of the store", part,
			    entry->d_name);
	closedir(dir);
}

/* ---- all of it ------------------------------------------------------- */

static fo_err
check_parts(struct check *check, struct fo_diag *diag)
{
	fo_err r;

	if ((r = read_part(check, FO_STORE_POLICIES, "policies", read_policy,
	    diag)) != FO_OK ||
	    (r = read_part(check, FO_STORE_GROUPS, "groups", read_group,
	    diag)) != FO_OK ||
	    (r = read_part(check, FO_STORE_PRINCIPALS, "principals",
	    read_principal, diag)) != FO_OK)
		return r;
	if (check->count > 0)
		qsort(check->principals, check->count,
		    sizeof(*check->principals), by_id);
	if ((r = check_names(check, FO_KIND_AGENT, "agent name")) != FO_OK ||
	    (r = check_names(check, FO_KIND_HUMAN, "human name")) != FO_OK ||
	    (r = check_keys(check)) != FO_OK)
		return r;
	check_principals(check);
	if ((r = fo_store_each(check->admin->store, FO_STORE_KEYS, diag,
	    check_stray, check)) != FO_OK)
		return r;
	check_droppings(check, ".");
	check_droppings(check, "principals.d");
	check_droppings(check, "keys.d");
	check_droppings(check, "groups.d");
	check_droppings(check, "policies.d");

	return FO_OK;
}

fo_err
store_check(const struct admin *admin, struct findings *findings,
    struct fo_diag *diag)
{
	struct check check = { .admin = admin, .findings = findings };
	size_t i;
	fo_err r;

	r = admin_names(admin, FO_STORE_GROUPS, diag, &check.groups);
	if (r == FO_OK)
		r = admin_names(admin, FO_STORE_POLICIES, diag,
		    &check.policies);
	if (r == FO_OK)
		r = check_parts(&check, diag);
	for (i = 0; i < check.count; i++)
		fo_principal_free(&check.principals[i]);
	free(check.principals);
	list_free(&check.groups);
	list_free(&check.policies);

	return r;
}

static void
check_sinks(struct findings *findings, const struct fo_audit *audit,
    char *const *sinks, finding_level missing)
{
	struct fo_diag diag;
	size_t i;
	fo_err r;

	for (i = 0; sinks[i] != NULL; i++) {
		diag.text[0] = '\0';
		r = fo_audit_check(audit, sinks[i], &diag);
		if (r == FO_OK)
			finding(findings, LEVEL_OK, NULL,
			    "audit sink %s answers", sinks[i]);
		else if (!finding_short(findings, r))
			finding(findings, missing, missing == LEVEL_FAIL ?
			    "until it answers nobody is let in: start it, or"
			    " change audit in firstops.yaml" :
			    "its events are lost meanwhile",
			    "audit sink %s: %s", sinks[i],
			    diag.text[0] != '\0' ? diag.text :
			    fo_err_text(r));
	}
}

void
audit_check(const struct admin *admin, const char *socket_path,
    struct findings *findings)
{
	const struct fo_config *config = admin->config;
	const struct fo_audit audit = {
		.tag = "fo",
		.socket_path = socket_path,
		.required = config->audit_required,
		.best_effort = config->audit_best_effort,
	};

	check_sinks(findings, &audit, config->audit_required, LEVEL_FAIL);
	check_sinks(findings, &audit, config->audit_best_effort, LEVEL_WARN);
}

static int
check_all(const struct admin *admin)
{
	struct findings findings = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	finding(&findings, LEVEL_OK, NULL, "%s read: host %s",
	    admin->store->config_path, admin->config->host);
	r = store_check(admin, &findings, &diag);
	if (r == FO_OK) {
		audit_check(admin, FO_AUDIT_SOCKET, &findings);
		code = findings_print(admin->call, &findings, true);
	} else {
		code = fail_err(admin->call, r, &diag, NULL);
	}
	findings_clear(&findings);

	return code;
}

static int
run(const struct call *call)
{
	struct admin admin;
	int code;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = check_all(&admin);
	admin_close(&admin);

	return code;
}

const struct verb verb_store_check = {
	.name = "store check",
	.synopsis = "[--config PATH] [--json]",
	.summary = "Look for every problem of the store",
	.text =
	    "Read firstops.yaml and every principal, group, policy and link of"
	    " the index, and\nlist all problems with their remedies: files that"
	    " cannot be read or trusted, names\nof groups and policies that do"
	    " not exist, missing, doubled or stray links, audit\nsinks that do"
	    " not answer. Run it before and after a change by hand.\n",
	.example = "  sudo fo store check && echo fine\n",
	.exits =
	    "  0  no failure (there may be warnings)\n"
	    "  1  at least one failure\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: firstops.yaml or a folder cannot be read at all\n",
	.store = true,
	.json = true,
	.run = run,
};
