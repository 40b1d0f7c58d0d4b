/*
 * The stacks of pam.d that name the module, and services without one.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "options.h"
#include "pamd.h"

#define MODULE "pam_firstops.so"
#define BREAKGLASS "firstops-breakglass"

/* The shipped lines, as a remedy. */
#define BREAKGLASS_LINE "[success=1 default=ignore] pam_succeed_if.so quiet" \
    " user ingroup " BREAKGLASS
#define AUTH_CONTROL "[success=done cred_insufficient=ignore" \
    " module_unknown=ignore default=die]"

/* One service's stack, of one kind. */
struct part {
	const struct doctor *doctor;
	const char *service;
	const char *kind;
	const struct pamd_line *lines[256];
	size_t count;
	size_t ours;		/* index of the module's line; count: none */
	bool agents_only;	/* no other module lets anybody in */
};

static void
select_part(const struct doctor *doctor, const char *service,
    const struct pamd *stack, const char *kind, struct part *ret)
{
	const size_t max = sizeof(ret->lines) / sizeof(ret->lines[0]);
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->doctor = doctor;
	ret->service = service;
	ret->kind = kind;
	for (i = 0; i < stack->count && ret->count < max; i++)
		if (strcasecmp(stack->list[i].kind, kind) == 0)
			ret->lines[ret->count++] = &stack->list[i];
	for (i = 0; i < ret->count; i++)
		if (strcmp(ret->lines[i]->module, MODULE) == 0)
			break;
	ret->ours = i;
}

static bool
has_module(const struct part *part)
{
	return part->ours < part->count;
}

/*
 * The action for a return value in "[value=action ...]", copied to ret; ""
 * if it is not named.
 */
static void
action_of(const char *control, const char *value, char *ret, size_t size)
{
	const size_t n = strlen(value);
	const char *p = control;

	ret[0] = '\0';
	while (*p != '\0') {
		p += strspn(p, "[] \t");
		if (strncmp(p, value, n) == 0 && p[n] == '=') {
			snprintf(ret, size, "%.*s",
			    (int)strcspn(p + n + 1, "] \t"), p + n + 1);
			return;
		}
		p += strcspn(p, "] \t");
	}
}

/* The same, where default speaks for what is not named. */
static void
effect_of(const char *control, const char *value, char *ret, size_t size)
{
	action_of(control, value, ret, size);
	if (ret[0] == '\0')
		action_of(control, "default", ret, size);
}

/* Does a line with this control go on as if it had not answered so? */
static bool
passes_over(const char *control, const char *value)
{
	char effect[24];

	if (*control != '[')
		return strcmp(control, "sufficient") == 0 ||
		    strcmp(control, "optional") == 0;
	effect_of(control, value, effect, sizeof(effect));

	/* what is not named at all is a failure to libpam */
	return effect[0] != '\0' && strcmp(effect, "bad") != 0 &&
	    strcmp(effect, "die") != 0;
}

/* ---- each thing that can be wrong ------------------------------------ */

/* Each answer of ours to a proof that does not let in. */
static void
check_refusals(const struct part *part)
{
	static const char *const answers[] = { "auth_err",
		"authinfo_unavail", "service_err", "buf_err", "abort" };
	const char *control = part->lines[part->ours]->control;
	char own[24], effect[24];
	size_t i;

	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (!passes_over(control, answers[i]))
			continue;
		action_of(control, answers[i], own, sizeof(own));
		effect_of(control, answers[i], effect, sizeof(effect));
		finding(part->doctor->findings, LEVEL_FAIL, "write"
		    " default=die, and nothing for the answers to a refused"
		    " proof", "pam.d/%s: auth: %s=%s, so a refused proof has"
		    " no effect", part->service, own[0] != '\0' ? answers[i] :
		    "default", effect);
		return;
	}
}

/* May people without a proof go on, and is a refused proof the end? */
static void
check_auth_control(const struct part *part)
{
	const char *control = part->lines[part->ours]->control;
	struct findings *findings = part->doctor->findings;
	char none[24];

	if (part->agents_only && (strcmp(control, "required") == 0 ||
	    strcmp(control, "requisite") == 0))
		return;
	if (*control != '[') {
		finding(findings, strcmp(control, "optional") == 0 ?
		    LEVEL_FAIL : LEVEL_WARN, "write instead: auth "
		    AUTH_CONTROL " " MODULE, "pam.d/%s: auth %s %s: %s",
		    part->service, control, MODULE,
		    strcmp(control, "sufficient") == 0 ?
		    "after a refused proof a password is still asked for" :
		    strcmp(control, "optional") == 0 ?
		    "a refused proof has no effect" :
		    "who has no proof is refused, people too");
		return;
	}
	effect_of(control, "cred_insufficient", none, sizeof(none));
	check_refusals(part);
	if (strcmp(none, "ok") == 0 || strcmp(none, "done") == 0)
		finding(findings, LEVEL_FAIL, "write cred_insufficient=ignore",
		    "pam.d/%s: auth: cred_insufficient=%s lets in who has no"
		    " proof", part->service, none);
	else if (strcmp(none, "ignore") != 0 && !part->agents_only)
		finding(findings, LEVEL_WARN, "write cred_insufficient=ignore"
		    " unless people shall not get in", "pam.d/%s: auth: who"
		    " has no proof is refused, people too", part->service);
}

/* Is this the break-glass line, for the members and not for all others? */
static bool
is_breakglass(const struct pamd_line *line)
{
	return strcmp(line->module, "pam_succeed_if.so") == 0 &&
	    strstr(line->args, " ingroup " BREAKGLASS) != NULL;
}

/* A break-glass line before ours must skip exactly past it. */
static void
check_breakglass(const struct part *part)
{
	struct findings *findings = part->doctor->findings;
	char jump[24];
	int64_t n;
	size_t i;

	if (part->agents_only)
		return; /* a database: nobody mends a host from there */
	for (i = 0; i < part->ours; i++)
		if (is_breakglass(part->lines[i]))
			break;
	if (i == part->ours) {
		finding(findings, LEVEL_WARN, "put this line before it: "
		    BREAKGLASS_LINE, "pam.d/%s: %s has no break-glass line:"
		    " if FirstOps breaks, nobody can mend it from here",
		    part->service, part->kind);
		return;
	}
	action_of(part->lines[i]->control, "success", jump, sizeof(jump));
	if (!number_parse(jump, 1, 64, &n) || i + (size_t)n < part->ours)
		finding(findings, LEVEL_FAIL, "write success=1 and put it"
		    " directly before the module's line", "pam.d/%s: %s: the"
		    " break-glass line does not skip the module",
		    part->service, part->kind);
	else if (i + (size_t)n > part->ours)
		finding(findings, LEVEL_FAIL, "write success=1 and put it"
		    " directly before the module's line", "pam.d/%s: %s: the"
		    " break-glass line skips more than the module",
		    part->service, part->kind);
}

/*
 * Can an answer of line i keep the module's line from being asked? The
 * members of the break-glass group are meant to skip it.
 */
static bool
leads_around(const struct part *part, size_t i)
{
	const char *control = part->lines[i]->control;
	const char *p = control + strspn(control, "[ \t");
	const char *action;
	char text[24];
	int64_t n;

	if (*control != '[')
		return strcmp(control, "sufficient") == 0;
	for (; *p != '\0'; p += strspn(p, "] \t")) {
		action = p + strcspn(p, "=] \t");
		action += *action == '=';
		snprintf(text, sizeof(text), "%.*s",
		    (int)strcspn(action, "] \t"), action);
		if (strcmp(text, "done") == 0)
			return true;
		if (number_parse(text, 1, 256, &n) &&
		    i + (size_t)n >= part->ours &&
		    !(is_breakglass(part->lines[i]) &&
		    strncmp(p, "success=", strlen("success=")) == 0))
			return true;
		p = action + strcspn(action, "] \t");
	}

	return false;
}

/*
 * Nobody may ask for a password, or lead around us, before us. In auth only
 * the proof goes unasked; in account reserved accounts are open.
 */
static void
check_order(const struct part *part)
{
	const bool auth = strcmp(part->kind, "auth") == 0;
	const char *module;
	size_t i;

	for (i = 0; i < part->ours; i++) {
		module = part->lines[i]->module;
		if (auth && strcmp(module, "pam_unix.so") == 0)
			finding(part->doctor->findings, LEVEL_FAIL, "put the"
			    " module's line before it (before @include"
			    " common-auth)", "pam.d/%s: auth: %s stands first"
			    " and asks for a password, so no challenge is"
			    " shown", part->service, module);
		else if (leads_around(part, i) &&
		    !(auth && strcmp(module, "pam_rootok.so") == 0))
			finding(part->doctor->findings, auth ? LEVEL_WARN :
			    LEVEL_FAIL, "put the module's line before it",
			    "pam.d/%s: %s: %s %s stands first, and where it"
			    " says so the module is never asked%s",
			    part->service, part->kind,
			    part->lines[i]->control, module, auth ? "" :
			    ": reserved accounts are open");
	}
}

/* lax is legitimate, and nothing that one forgets about. */
static void
check_lax(const struct part *part)
{
	if (strcmp(part->kind, "account") != 0 ||
	    part->doctor->admin->config->reserved_accounts[0] == NULL)
		return;
	finding(part->doctor->findings, LEVEL_WARN, "remove it, unless people"
	    " shall get in there", "pam.d/%s: account: lax leaves reserved"
	    " accounts open to whoever gets in another way", part->service);
}

static void
check_arguments(const struct part *part)
{
	const char *p = part->lines[part->ours]->args;
	size_t len;

	for (; *p != '\0'; p += strspn(p, " \t")) {
		len = strcspn(p, " \t");
		if (len == strlen("lax") && strncmp(p, "lax", len) == 0)
			check_lax(part);
		if (strncmp(p, "config=", strlen("config=")) != 0 &&
		    !(len == 5 && strncmp(p, "debug", len) == 0) &&
		    !(len == 3 && strncmp(p, "lax", len) == 0))
			finding(part->doctor->findings, LEVEL_FAIL, "remove"
			    " it; there are config=PATH, debug and lax",
			    "pam.d/%s: %s: unknown argument %.*s",
			    part->service, part->kind, (int)len, p);
		p += len;
	}
}

/* ---- a service ------------------------------------------------------- */

static void
check_auth(const struct part *part)
{
	check_auth_control(part);
	check_order(part);
	check_breakglass(part);
	check_arguments(part);
}

static void
check_account(const struct part *part)
{
	const char *control;

	if (!has_module(part)) {
		finding(part->doctor->findings, LEVEL_FAIL, "add: account"
		    " required " MODULE, "pam.d/%s: no account line: reserved"
		    " accounts are open to whoever gets in another way",
		    part->service);
		return;
	}
	control = part->lines[part->ours]->control;
	if (passes_over(control, "perm_denied"))
		finding(part->doctor->findings, LEVEL_FAIL, "write: account"
		    " required " MODULE, "pam.d/%s: account %s: must be"
		    " required; a refusal has no effect, so reserved"
		    " accounts are open", part->service, control);
	check_order(part);
	check_breakglass(part);
	check_arguments(part);
}

static void
check_session(const struct part *part)
{
	if (has_module(part))
		check_arguments(part);
	else
		finding(part->doctor->findings, LEVEL_WARN, "add: session"
		    " required " MODULE, "pam.d/%s: no session line: events do"
		    " not say when a session ended", part->service);
}

/* What refuses a password as long as a proof. */
static void
check_carrier(const struct doctor *doctor, const char *service)
{
	const char *what = NULL;
	int max_bytes = 0;

	if (strcmp(service, "vsftpd") == 0) {
		what = "vsftpd";
		max_bytes = 128;
	} else if (doctor_saslauthd(doctor, service)) {
		what = "saslauthd";
		max_bytes = 256;
	}
	if (what != NULL)
		finding(doctor->findings, LEVEL_FAIL, "take the module's lines"
		    " out of it: no agent gets in there", "pam.d/%s: %s takes"
		    " passwords of %d bytes at most, and every proof is longer",
		    service, what, max_bytes);
}

static void
check_service(const struct doctor *doctor, const char *service,
    const struct pamd *stack)
{
	const size_t before = doctor->findings->failures +
	    doctor->findings->warnings;
	struct part part;
	bool agents_only;

	check_carrier(doctor, service);
	select_part(doctor, service, stack, "auth", &part);
	part.agents_only = agents_only = has_module(&part) && part.count == 1;
	if (!has_module(&part))
		finding(doctor->findings, LEVEL_FAIL, "add: auth "
		    AUTH_CONTROL " " MODULE, "pam.d/%s: no auth line, so no"
		    " proof is ever looked at", service);
	else
		check_auth(&part);
	select_part(doctor, service, stack, "account", &part);
	part.agents_only = agents_only;
	check_account(&part);
	/* databases and web servers open no session */
	select_part(doctor, service, stack, "session", &part);
	if (part.count > 0)
		check_session(&part);
	if (doctor->findings->failures + doctor->findings->warnings == before)
		finding(doctor->findings, LEVEL_OK, NULL,
		    "pam.d/%s: the module's lines stand right", service);
	if (strcmp(service, "proftpd") == 0)
		doctor_proftpd(doctor);
}

static bool
names_module(const struct pamd *stack)
{
	size_t i;

	for (i = 0; i < stack->count; i++)
		if (strcmp(stack->list[i].module, MODULE) == 0)
			return true;

	return false;
}

static bool
is_configured(const struct doctor *doctor, const char *service)
{
	const struct fo_config *config = doctor->admin->config;
	size_t i;

	for (i = 0; i < config->services_count; i++)
		if (strcmp(config->services[i].name, service) == 0)
			return true;

	return false;
}

/* Services of firstops.yaml for which no stack calls the module. */
static void
check_configured(const struct doctor *doctor, const char *folder)
{
	const struct fo_config *config = doctor->admin->config;
	struct pamd stack;
	size_t i;
	fo_err r;

	for (i = 0; i < config->services_count; i++) {
		const char *service = config->services[i].name;

		memset(&stack, 0, sizeof(stack));
		r = pamd_load(folder, service, &stack);
		if (finding_short(doctor->findings, r))
			continue;
		if (r != FO_OK)
			finding(doctor->findings, LEVEL_WARN, "make it, or"
			    " take the service out of firstops.yaml",
			    "pam.d/%s does not exist", service);
		else if (!names_module(&stack))
			finding(doctor->findings, LEVEL_WARN, "add the"
			    " module's lines, or take the service out of"
			    " firstops.yaml", "pam.d/%s does not name the"
			    " module", service);
		else
			check_service(doctor, service, &stack);
		pamd_clear(&stack);
	}
}

static int
is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void
doctor_pam(const struct doctor *doctor)
{
	char folder[DOCTOR_PATH_SIZE];
	struct dirent **entries = NULL;
	struct pamd stack;
	int i, n;
	fo_err r;

	snprintf(folder, sizeof(folder), "%s/etc/pam.d", doctor->root);
	check_configured(doctor, folder);
	if ((n = scandir(folder, &entries, is_file, alphasort)) == -1) {
		if (finding_short(doctor->findings, errno == ENOMEM ?
		    FO_ERR_NOMEM : FO_ERR_IO))
			return;
		finding(doctor->findings, LEVEL_FAIL, "install PAM",
		    "%s cannot be listed", folder);
		return;
	}
	for (i = 0; i < n; i++) {
		const char *service = entries[i]->d_name;

		memset(&stack, 0, sizeof(stack));
		r = is_configured(doctor, service) ? FO_ERR_EXISTS :
		    pamd_load(folder, service, &stack);
		(void)finding_short(doctor->findings, r);
		if (r == FO_OK && names_module(&stack))
			check_service(doctor, service, &stack);
		pamd_clear(&stack);
		free(entries[i]);
	}
	free(entries);
}
