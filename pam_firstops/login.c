/*
 * Our login: who was let in by the proof of this handle, kept from auth to
 * the end of the session.
 */
#include "login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/wipe.h"
#include "host/clock.h"
#include "host/process.h"

static const char login_name[] = "firstops_login";
static const char session_name[] = "firstops_session";
static const char pending_variable[] = "FIRSTOPS_PENDING";

#define VARIABLE_SIZE 128
_Static_assert(sizeof("FIRSTOPS_PENDING=") + FO_NAME_MAX <= VARIABLE_SIZE &&
    FO_ID_SIZE <= FO_NAME_MAX && FO_SID_SIZE <= FO_NAME_MAX,
    "every variable fits");
_Static_assert(FO_PENDING_NAME_SIZE <= FO_NAME_MAX, "this one, too");

static void
login_free(struct fo_pam_login *login)
{
	fo_login_record_clear(&login->record);
	free(login->run_folder);
	fo_wipe(login, sizeof(*login));
	free(login);
}

static void
let_go(struct fo_pam_login *login)
{
	if (--login->holders == 0)
		login_free(login);
}

/* libpam calls this when the data is replaced, and at pam_end. */
static void
login_cleanup(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	let_go(data);
}

static struct fo_pam_login *
data_get(const pam_handle_t *pamh, const char *name)
{
	/* libpam hands back, as const, the pointer that we gave it. */
	union {
		const void *in;
		struct fo_pam_login *out;
	} data = { NULL };

	if (pam_get_data(pamh, name, &data.in) != PAM_SUCCESS)
		return NULL;

	return data.out;
}

/* Hold the login under this name; on failure one that nobody holds is freed. */
static fo_err
data_set(pam_handle_t *pamh, const char *name, struct fo_pam_login *login)
{
	login->holders++;
	if (pam_set_data(pamh, name, login, login_cleanup) != PAM_SUCCESS) {
		let_go(login);
		return FO_ERR_NOMEM;
	}

	return FO_OK;
}

/* Replacing data that is there allocates nothing. */
static fo_err
data_drop(pam_handle_t *pamh, const char *name)
{
	return data_get(pamh, name) == NULL ||
	    pam_set_data(pamh, name, NULL, NULL) == PAM_SUCCESS ? FO_OK :
	    FO_ERR_INTERNAL;
}

struct fo_pam_login *
fo_pam_login_get(const pam_handle_t *pamh)
{
	return data_get(pamh, login_name);
}

struct fo_pam_login *
fo_pam_login_of_session(const pam_handle_t *pamh)
{
	return data_get(pamh, session_name);
}

fo_err
fo_pam_login_open(pam_handle_t *pamh, struct fo_pam_login *login)
{
	return data_set(pamh, session_name, login);
}

fo_err
fo_pam_login_close(pam_handle_t *pamh)
{
	return data_drop(pamh, session_name);
}

static fo_err
set_variable(pam_handle_t *pamh, const char *name, const char *value)
{
	char text[VARIABLE_SIZE];

	(void)snprintf(text, sizeof(text), "%s=%s", name, value);
	return pam_putenv(pamh, text) == PAM_SUCCESS ? FO_OK : FO_ERR_NOMEM;
}

static void
unset_variable(pam_handle_t *pamh, const char *name)
{
	/* libpam complains in syslog about removing what is not there. */
	if (pam_getenv(pamh, name) != NULL)
		(void)pam_putenv(pamh, name); /* which allocates nothing */
}

fo_err
fo_pam_login_export(pam_handle_t *pamh, const struct fo_login_record *record)
{
	const struct {
		const char *name;
		const char *value;
	} variables[] = {
		{ "FIRSTOPS_ID", record->id },
		{ "FIRSTOPS_NAME", record->name },
		{ "FIRSTOPS_OWNER", record->owner },
		{ "FIRSTOPS_SID", record->sid },
	};
	fo_err r = FO_OK;

	for (size_t i = 0; r == FO_OK &&
	    i < sizeof(variables) / sizeof(variables[0]); i++)
		r = set_variable(pamh, variables[i].name, variables[i].value);

	return r;
}

fo_err
fo_pam_login_forget(pam_handle_t *pamh)
{
	static const char *const names[] = { "FIRSTOPS_ID", "FIRSTOPS_NAME",
		"FIRSTOPS_OWNER", "FIRSTOPS_SID", pending_variable };
	const struct fo_pam_login *login = fo_pam_login_get(pamh);

	if (login != NULL && login->pending[0] != '\0')
		fo_pending_drop(login->run_folder, login->pending);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unset_variable(pamh, names[i]);

	return data_drop(pamh, login_name);
}

fo_err
fo_pam_login_hold(struct fo_login_record *record, struct fo_diag *diag)
{
	record->pid = getpid();
	if (fo_process_start(record->pid, &record->pid_start) != FO_OK) {
		fo_diag_set(diag, "/proc/%ld/stat cannot be read; mount /proc",
		    (long)record->pid);
		return FO_ERR_SESSION;
	}

	return FO_OK;
}

/* A text of the record: NULL where the service did not say. */
static fo_err
copy_text(const char *item, char **ret)
{
	if (item[0] == '\0')
		return FO_OK;

	*ret = strdup(item);
	return *ret != NULL ? FO_OK : FO_ERR_NOMEM;
}

static fo_err
record_fill(struct fo_login_record *record, const struct fo_pam_call *call,
    const struct fo_decision *decision, struct fo_diag *diag)
{
	fo_err r;

	memcpy(record->sid, decision->sid, sizeof(record->sid));
	memcpy(record->id, decision->id, sizeof(record->id));
	memcpy(record->kind, decision->kind, sizeof(record->kind));
	memcpy(record->name, decision->name, sizeof(record->name));
	memcpy(record->owner, decision->owner, sizeof(record->owner));
	memcpy(record->jkt, decision->jkt, sizeof(record->jkt));
	record->since = decision->at.s;
	if ((r = fo_pam_login_hold(record, diag)) != FO_OK ||
	    (r = copy_text(call->service, &record->service)) != FO_OK ||
	    (r = copy_text(call->user, &record->user)) != FO_OK ||
	    (r = copy_text(call->ruser, &record->ruser)) != FO_OK ||
	    (r = copy_text(call->rhost, &record->src)) != FO_OK ||
	    (r = copy_text(call->tty, &record->tty)) != FO_OK)
		return r;

	return FO_OK;
}

/* Only root's services have sessions that another process opens. */
static fo_err
leave_pending(pam_handle_t *pamh, struct fo_pam_login *login,
    struct fo_diag *diag)
{
	fo_err r;

	if (geteuid() != 0)
		return FO_OK;
	r = fo_pending_put(login->run_folder, &login->record,
	    &fo_clock_system, diag, login->pending);
	if (r != FO_OK)
		return r;

	return set_variable(pamh, pending_variable, login->pending);
}

fo_err
fo_pam_login_begin(void *arg, const struct fo_decision *decision,
    struct fo_diag *diag)
{
	const struct fo_pam_call *call = arg;
	struct fo_pam_login *login;
	fo_err r = FO_ERR_NOMEM;

	if ((login = calloc(1, sizeof(*login))) == NULL)
		goto out;
	login->here = true;
	if ((r = record_fill(&login->record, call, decision,
	    diag)) != FO_OK ||
	    (r = fo_run_folder(call->config->replay_folder,
	    &login->run_folder)) != FO_OK) {
		login_free(login);
		goto out;
	}
	/* In the handle first: from here on forgetting undoes everything. */
	if ((r = data_set(call->pamh, login_name, login)) != FO_OK ||
	    (r = leave_pending(call->pamh, login, diag)) != FO_OK)
		goto out;
	r = fo_pam_login_export(call->pamh, &login->record);
out:
	if (r != FO_OK && r != FO_ERR_SESSION)
		fo_diag_set(diag, "cannot keep the login for the session: %s",
		    fo_err_text(r));
	return r;
}

/* This very process: a number alone can be taken over by a later one. */
static bool
made_by_this_process(const struct fo_login_record *record)
{
	uint64_t start;

	return record->pid == getpid() &&
	    fo_process_start(record->pid, &start) == FO_OK &&
	    record->pid_start == start;
}

bool
fo_pam_login_is_users(const struct fo_pam_login *login,
    const struct fo_pam_call *call)
{
	const char *service = login->record.service;
	const char *user = login->record.user;

	if (strcmp(service, call->service) != 0 || call->user[0] == '\0')
		return false;
	if (strcmp(user, call->user) == 0)
		return true;

	return login->here && strcmp(user, call->ruser) == 0;
}

/* Take the named record into login. */
static fo_err
take_pending(struct fo_pam_call *call, const char *name,
    struct fo_pam_login *login)
{
	struct fo_diag *diag = &login->lost_diag;
	fo_err r;

	if ((r = fo_pam_call_config(call)) != FO_OK) {
		*diag = call->diag;
		return r;
	}
	if ((r = fo_run_folder(call->config->replay_folder,
	    &login->run_folder)) != FO_OK)
		return r;
	r = fo_pending_take(login->run_folder, name, call->service,
	    &fo_clock_system, diag, &login->record);
	if (r == FO_ERR_NOT_FOUND)
		r = FO_ERR_SESSION; /* taken already, or never left */
	if (r != FO_OK)
		return r;
	login->here = made_by_this_process(&login->record);
	if (!fo_pam_login_is_users(login, call)) {
		fo_diag_set(diag, "the login was of another user");
		return FO_ERR_USER_CHANGED;
	}

	return FO_OK;
}

fo_err
fo_pam_login_adopt(struct fo_pam_call *call)
{
	struct fo_pam_login *login = fo_pam_login_get(call->pamh);
	const char *variable = pam_getenv(call->pamh, pending_variable);
	bool named = variable != NULL;
	char name[FO_PENDING_NAME_SIZE + 1] = "";

	/* One that is too long is so when cut, too: it fails when taken. */
	if (named)
		(void)snprintf(name, sizeof(name), "%s", variable);
	unset_variable(call->pamh, pending_variable);

	if (login != NULL) {
		if (login->pending[0] != '\0')
			fo_pending_drop(login->run_folder, login->pending);
		login->pending[0] = '\0';
		return FO_OK;
	}
	/* Only root leaves records, and only root's are to be trusted. */
	if (!named || geteuid() != 0)
		return FO_OK;

	if ((login = calloc(1, sizeof(*login))) == NULL)
		return FO_ERR_NOMEM;
	login->lost = take_pending(call, name, login);

	return data_set(call->pamh, login_name, login);
}
