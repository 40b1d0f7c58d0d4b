/*
 * One call of the service into the module: its arguments, its PAM items and
 * the configuration that it is answered by.
 */
#ifndef FO_PAM_CALL_H
#define FO_PAM_CALL_H

#include <stdbool.h>

#include <security/pam_modules.h>

#include <firstops/error.h>

#include "arguments.h"
#include "host/config.h"
#include "host/decide.h"
#include "host/store.h"

/*
 * Room for one item with its NUL. No account, host or terminal of Linux has
 * a longer name (LOGIN_NAME_MAX is 256, HOST_NAME_MAX 64).
 */
#define FO_PAM_ITEM_SIZE 257

struct fo_pam_call {
	pam_handle_t *pamh;
	unsigned int flags;
	struct fo_pam_arguments arguments;
	/* FO_OK, or FO_ERR_ARG: this line or this service cannot be obeyed. */
	fo_err usable;
	struct fo_diag diag;	/* why not, or why there is no config */
	struct fo_store *store;
	struct fo_config *config; /* NULL: not read, or cannot be read */

	/*
	 * Copies; "" is missing. A service or user name that does not fit is
	 * missing too, since a name cut short is another's name; the rest is
	 * cut.
	 */
	char service[FO_PAM_ITEM_SIZE];
	char user[FO_PAM_ITEM_SIZE];
	char ruser[FO_PAM_ITEM_SIZE];
	char rhost[FO_PAM_ITEM_SIZE];
	char tty[FO_PAM_ITEM_SIZE];
};

/* Fill it from the handle and the arguments; asks nobody, opens nothing. */
void fo_pam_call_open(struct fo_pam_call *call, pam_handle_t *pamh, int flags,
    int argc, const char *const *argv);
void fo_pam_call_close(struct fo_pam_call *call);

/*
 * Where the service has not named the user, have libpam ask for the name.
 * call->user stays "" if there is no usable answer.
 */
void fo_pam_call_user(struct fo_pam_call *call);

/*
 * Read firstops.yaml, now; a configuration read before is dropped. On
 * failure call->config is NULL and call->diag has the reason.
 *
 * Where call->usable is not FO_OK that is the result, and the configuration
 * is read none the less, as its sinks are where the event belongs.
 */
FO_MUST_CHECK fo_err fo_pam_call_config(struct fo_pam_call *call);

/* What decisions of this call stand on; call->config must be there. */
struct fo_authority fo_pam_call_authority(const struct fo_pam_call *call);

/* An item of the handle, borrowed; NULL if there is none. */
const void *fo_pam_item(const pam_handle_t *pamh, int type);

/* NULL for "", as the decision wants what is missing. */
const char *fo_pam_known(const char *item);

#endif
