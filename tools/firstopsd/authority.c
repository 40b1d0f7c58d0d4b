/*
 * Who may what. Every answer begins as no.
 */
#include "authority.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "base/diag.h"

#define GROUPS_MAX 256
#define SERVICE "firstops-login"

bool
in_group(const char *user, const char *group)
{
	gid_t gids[GROUPS_MAX];
	const struct passwd *pw = getpwnam(user);
	const struct group *gr;
	int n = GROUPS_MAX;
	gid_t primary;

	if (pw == NULL)
		return false;
	primary = pw->pw_gid;
	if ((gr = getgrnam(group)) == NULL ||
	    getgrouplist(user, primary, gids, &n) == -1)
		return false;
	for (int i = 0; i < n; i++) {
		if (gids[i] == gr->gr_gid)
			return true;
	}

	return false;
}

struct search {
	const struct fo_store *store;
	struct fo_diag *diag;
	struct actor *actor;
};

/* Is it a person's, and does it list the account? */
static fo_err
look_at(const char *id, void *arg)
{
	struct search *search = arg;
	struct fo_principal *principal = NULL;
	fo_err r;

	/* one that cannot be read is nobody's, and concerns nobody else */
	r = fo_store_principal(search->store, id, search->diag, &principal);
	if (r != FO_OK)
		return r == FO_ERR_NOMEM ? r : FO_OK;
	if (principal->kind == FO_KIND_HUMAN &&
	    principal->status != FO_STATUS_REVOKED &&
	    fo_principal_has_account(principal, SERVICE,
	    search->actor->user)) {
		search->actor->listed++;
		memcpy(search->actor->id, principal->id, FO_ID_SIZE);
	}
	fo_principal_free(&principal);

	return FO_OK;
}

fo_err
actor_read(const struct fo_store *store, const char *user,
    struct fo_diag *diag, struct actor *ret_actor)
{
	struct actor actor = { .user = user };
	struct search search = { store, diag, &actor };
	fo_err r;

	if (getpwnam(user) == NULL) {
		fo_diag_set(diag, "the account is gone");
		return FO_ERR_NOT_FOUND;
	}
	if ((r = fo_store_each(store, FO_STORE_PRINCIPALS, diag, look_at,
	    &search)) != FO_OK)
		return r;
	if (actor.listed != 1)
		actor.id[0] = '\0';
	actor.admin = in_group(user, ADMIN_GROUP);

	*ret_actor = actor;
	return FO_OK;
}

static bool
is_own(const struct actor *actor, const struct fo_principal *principal)
{
	return actor->id[0] != '\0' && strcmp(actor->id, principal->id) == 0;
}

bool
actor_sees(const struct actor *actor, const struct fo_principal *principal)
{
	return is_own(actor, principal) || actor_manages(actor, principal);
}

bool
actor_manages(const struct actor *actor,
    const struct fo_principal *principal)
{
	if (actor->admin)
		return true;
	return principal->kind == FO_KIND_AGENT &&
	    in_group(actor->user, principal->owner);
}
