/*
 * What the administrator's verbs share: the open store, who acts, the event.
 */
#include "admin.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/audit.h"
#include "host/clock.h"

#include "options.h"
#include "out.h"

int
admin_open(const struct call *call, struct admin *ret_admin)
{
	struct fo_diag diag = { "" };
	struct fo_now now;
	fo_err r;

	memset(ret_admin, 0, sizeof(*ret_admin));
	ret_admin->call = call;
	r = fo_store_new(call->config, &diag, &ret_admin->store);
	if (r == FO_OK)
		r = fo_store_config(ret_admin->store, &diag,
		    &ret_admin->config);
	if (r == FO_OK)
		r = fo_clock_system.now(fo_clock_system.arg, &now);
	if (r != FO_OK)
		return fail_err(call, r, &diag, NULL);
	ret_admin->now = now.s;

	return FO_EXIT_DONE;
}

void
admin_close(struct admin *admin)
{
	fo_config_free(&admin->config);
	fo_store_free(&admin->store);
}

/* The audit login uid, or the real one where nobody logged in. */
static uid_t
acting_uid(void)
{
	struct fo_event event = { 0 };

	if (fo_event_init(&event, &fo_clock_system) == FO_OK &&
	    event.auid != UINT32_MAX)
		return (uid_t)event.auid;

	return getuid();
}

void
admin_name(char ret_name[ADMIN_NAME_SIZE])
{
	const char *said = getuid() == 0 ? getenv("FIRSTOPS_ACTING") : NULL;
	const uid_t uid = acting_uid();
	const struct passwd *pw = getpwuid(uid);

	if (said != NULL && said[0] != '\0')
		snprintf(ret_name, ADMIN_NAME_SIZE, "%s", said);
	else if (pw != NULL)
		snprintf(ret_name, ADMIN_NAME_SIZE, "%s", pw->pw_name);
	else
		snprintf(ret_name, ADMIN_NAME_SIZE, "uid:%lu",
		    (unsigned long)uid);
}

int
admin_emit(const struct admin *admin, const struct fo_principal *principal,
    const struct fo_event *said)
{
	const struct fo_config *config = admin->config;
	const struct fo_audit audit = {
		.tag = "fo",
		.socket_path = FO_AUDIT_SOCKET,
		.required = config->audit_required,
		.best_effort = config->audit_best_effort,
	};
	struct fo_event event = { 0 };
	struct fo_diag diag = { "" };
	char by[ADMIN_NAME_SIZE];
	fo_err r;

	admin_name(by);
	if ((r = fo_event_init(&event, &fo_clock_system)) == FO_OK) {
		event.host = config->host;
		event.ev = said->ev;
		event.res = FO_RES_PERMIT;
		event.why = FO_OK;
		event.id = principal->id;
		event.kind = fo_kind_word(principal->kind);
		event.name = principal->name;
		event.owner = principal->owner;
		event.jkt = said->jkt;
		event.sid = said->sid;
		event.user = said->user;
		event.svc = said->svc;
		event.act = said->act;
		event.what = said->what;
		event.by = by;
		r = fo_audit_emit(&audit, &event, &diag);
	}
	if (r == FO_OK)
		return FO_EXIT_DONE;
	note("fo: the change has been made, but not every audit sink has its"
	    " event: %s\nfo: %s; fo doctor looks for the cause", said->act,
	    diag.text[0] != '\0' ? diag.text : fo_err_text(r));

	return FO_EXIT_TROUBLE;
}

int
admin_event(const struct admin *admin, fo_ev ev, const char *act,
    const struct fo_principal *principal, const char *jkt, const char *what)
{
	const struct fo_event event = { .ev = ev, .act = act, .jkt = jkt,
		.what = what };

	return admin_emit(admin, principal, &event);
}

/* A list that grows by one name. */
struct names {
	char **list;
	size_t count;
};

static fo_err
add_name(const char *name, void *arg)
{
	struct names *names = arg;
	char **grown;

	grown = realloc(names->list, (names->count + 2) * sizeof(*grown));
	if (grown == NULL)
		return FO_ERR_NOMEM;
	names->list = grown;
	if ((grown[names->count] = strdup(name)) == NULL)
		return FO_ERR_NOMEM;
	grown[++names->count] = NULL;

	return FO_OK;
}

fo_err
admin_names(const struct admin *admin, fo_store_part part,
    struct fo_diag *diag, char ***ret_names)
{
	struct names names = { calloc(1, sizeof(char *)), 0 };
	fo_err r;

	if (names.list == NULL)
		return FO_ERR_NOMEM;
	r = fo_store_each(admin->store, part, diag, add_name, &names);
	if (r != FO_OK) {
		list_free(&names.list);
		return r;
	}
	*ret_names = names.list;

	return FO_OK;
}
