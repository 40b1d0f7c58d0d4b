/*
 * One call of the service into the module: its arguments, its PAM items and
 * the configuration that it is answered by.
 */
#include "call.h"

#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "host/audit.h"
#include "host/clock.h"
#include "report.h"

const void *
fo_pam_item(const pam_handle_t *pamh, int type)
{
	const void *item = NULL;

	return pam_get_item(pamh, type, &item) == PAM_SUCCESS ? item : NULL;
}

/* Copy an item as far as it fits. */
static void
copy_item(const pam_handle_t *pamh, int type, char ret[FO_PAM_ITEM_SIZE])
{
	const char *item = fo_pam_item(pamh, type);

	if (item != NULL)
		(void)snprintf(ret, FO_PAM_ITEM_SIZE, "%s", item);
}

/* A name that decides who gets in: whole, or missing. */
static void
copy_name(const pam_handle_t *pamh, int type, char ret[FO_PAM_ITEM_SIZE])
{
	const char *item = fo_pam_item(pamh, type);

	if (item != NULL && strlen(item) < FO_PAM_ITEM_SIZE)
		memcpy(ret, item, strlen(item) + 1);
}

void
fo_pam_call_open(struct fo_pam_call *call, pam_handle_t *pamh, int flags,
    int argc, const char *const *argv)
{
	*call = (struct fo_pam_call) {
		.pamh = pamh,
		.flags = (unsigned int)flags,
	};

	copy_name(pamh, PAM_SERVICE, call->service);
	copy_name(pamh, PAM_USER, call->user);
	copy_item(pamh, PAM_RUSER, call->ruser);
	copy_item(pamh, PAM_RHOST, call->rhost);
	copy_item(pamh, PAM_TTY, call->tty);

	call->usable = fo_pam_arguments_parse(argc, argv, &call->diag,
	    &call->arguments);
	if (call->usable == FO_OK && call->service[0] == '\0') {
		fo_diag_set(&call->diag, "the service gave no service name "
		    "of 1 to %d bytes to pam_start", FO_PAM_ITEM_SIZE - 1);
		call->usable = FO_ERR_ARG;
	}
}

void
fo_pam_call_close(struct fo_pam_call *call)
{
	fo_config_free(&call->config);
	fo_store_free(&call->store);
}

void
fo_pam_call_user(struct fo_pam_call *call)
{
	const char *user = NULL;

	if (pam_get_user(call->pamh, &user, NULL) == PAM_SUCCESS)
		copy_name(call->pamh, PAM_USER, call->user);
}

fo_err
fo_pam_call_config(struct fo_pam_call *call)
{
	/* The first trouble is the one to tell. */
	struct fo_diag *diag = call->usable == FO_OK ? &call->diag : NULL;
	fo_err r = FO_OK;

	fo_config_free(&call->config);
	if (call->store == NULL)
		r = fo_store_new(call->arguments.config_path, diag,
		    &call->store);
	if (r == FO_OK)
		r = fo_store_config(call->store, diag, &call->config);

	return call->usable == FO_OK ? r : call->usable;
}

struct fo_authority
fo_pam_call_authority(const struct fo_pam_call *call)
{
	return (struct fo_authority) {
		.store = call->store,
		.config = call->config,
		.clock = &fo_clock_system,
		.audit_tag = FO_PAM_TAG,
		.audit_socket = FO_AUDIT_SOCKET,
	};
}

const char *
fo_pam_known(const char *item)
{
	return item[0] != '\0' ? item : NULL;
}
