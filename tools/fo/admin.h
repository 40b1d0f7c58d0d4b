/*
 * What the administrator's verbs share: the open store, who acts, the event.
 */
#ifndef FO_TOOL_ADMIN_H
#define FO_TOOL_ADMIN_H

#include <stdint.h>

#include "host/config.h"
#include "host/event.h"
#include "host/principal.h"
#include "host/store.h"

#include "verb.h"

/* How long a verb waits for another writer of the store. */
#define ADMIN_LOCK_MS 5000
#define ADMIN_NAME_SIZE 64

struct admin {
	const struct call *call;
	struct fo_store *store;
	struct fo_config *config;	/* NULL unless asked for */
	int64_t now;
};

/*
 * Open the store that the call names and read its firstops.yaml and the
 * clock. Reports what is wrong and returns the exit code; admin_close
 * afterwards in every case.
 */
int admin_open(const struct call *call, struct admin *ret_admin);
void admin_close(struct admin *admin);

/*
 * Who is acting: the user who logged in (the audit login uid, which sudo
 * does not change), else the real user. firstopsd's store helper, which is
 * root and acts for others, says by FIRSTOPS_ACTING whom; of nobody but root
 * that is believed.
 */
void admin_name(char ret_name[ADMIN_NAME_SIZE]);

/*
 * Tell every sink what was done to a principal: ev, the word of it, and what
 * more there is to say. The change has been made already; if a required sink
 * does not take the event, this reports it and returns FO_EXIT_TROUBLE.
 */
int admin_event(const struct admin *admin, fo_ev ev, const char *act,
    const struct fo_principal *principal, const char *jkt,
    const char *what);

/*
 * The same for an event that says more: ev, act, what, jkt, sid, svc and user
 * are taken from said.
 */
int admin_emit(const struct admin *admin,
    const struct fo_principal *principal, const struct fo_event *said);

/* Names of one part of the store, NULL at end, for list_free. */
FO_MUST_CHECK fo_err admin_names(const struct admin *admin,
    fo_store_part part, struct fo_diag *diag, char ***ret_names);

#endif
