/*
 * Who may what in the store, for people who signed in by their host account.
 *
 * Members of the Unix group firstops-admin administer. Members of the group
 * that an owner is called after manage that owner's agents. Everybody sees,
 * and manages the keys of, the one human principal that lists their account.
 */
#ifndef FO_FIRSTOPSD_AUTHORITY_H
#define FO_FIRSTOPSD_AUTHORITY_H

#include <stdbool.h>

#include "host/store.h"

#define ADMIN_GROUP "firstops-admin"

struct actor {
	const char *user;	/* the host account, as it signed in */
	bool admin;
	/* the human principal that lists it; "" for none */
	char id[FO_ID_SIZE];
	size_t listed;		/* how many do: with two, none is it */
};

/*
 * FO_ERR_NOT_FOUND: the account is gone. Trouble with the store is the
 * result: then nobody may anything.
 */
FO_MUST_CHECK fo_err actor_read(const struct fo_store *store,
    const char *user, struct fo_diag *diag, struct actor *ret_actor);

/* Is the user in this Unix group? False also where nobody knows. */
bool in_group(const char *user, const char *group);

/* May the actor see this principal; and change it? */
bool actor_sees(const struct actor *actor,
    const struct fo_principal *principal);
bool actor_manages(const struct actor *actor,
    const struct fo_principal *principal);

#endif
