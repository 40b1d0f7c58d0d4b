/*
 * The store, /etc/firstops: read without trust, written without loss.
 *
 * Every file is opened by base/safeopen.h each time it is asked for, unless
 * the program keeps what it read (fo_store_keep); a change is in force for
 * the next decision either way.
 */
#ifndef FO_HOST_STORE_H
#define FO_HOST_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <firstops/error.h>

#include "config.h"
#include "group.h"
#include "policy.h"
#include "principal.h"

struct fo_shelf;

/* Where a store is and who may own it. */
struct fo_store {
	char *folder;		/* absolute: the folder of firstops.yaml */
	char *config_path;
	uid_t owner;		/* beside root */
	struct fo_shelf *shelf;	/* NULL: nothing is kept */
};

/* ---- reading --------------------------------------------------------- */

/*
 * Name a store by the path of its firstops.yaml. Opens nothing. The owner is
 * the effective user of the caller where that is not root: somebody without
 * privileges trusts what they wrote themselves, and nobody else's.
 */
FO_MUST_CHECK fo_err fo_store_new(const char *config_path,
    struct fo_diag *diag, struct fo_store **ret_store);
void fo_store_free(struct fo_store **store);

/*
 * From now on keep what is read for decisions (shelf.h says how a change is
 * seen): for a program that decides again and again, in one thread.
 */
FO_MUST_CHECK fo_err fo_store_keep(struct fo_store *store);

/* FO_ERR_CONFIG with the reason, whatever is wrong. */
FO_MUST_CHECK fo_err fo_store_config(const struct fo_store *store,
    struct fo_diag *diag, struct fo_config **ret_config);
/*
 * For who goes on with a configuration: does that which was read last stand
 * there yet, unchanged? Never, unless the store keeps what is read.
 */
bool fo_store_config_holds(const struct fo_store *store);

/* What the store consists of. */
typedef enum fo_store_part {
	FO_STORE_PRINCIPALS,
	FO_STORE_KEYS,
	FO_STORE_GROUPS,
	FO_STORE_POLICIES
} fo_store_part;

struct fo_file;

/*
 * A file of principals, groups or policies, for a decision: kept, or read
 * now. Let go of it with fo_file_let_go (store_file.h).
 *
 * FO_ERR_NOT_FOUND: no such file. FO_ERR_STORE: it cannot be trusted or
 * understood; the reason says file, line and remedy.
 */
FO_MUST_CHECK fo_err fo_store_file(const struct fo_store *store,
    fo_store_part part, const char *name, struct fo_diag *diag,
    struct fo_file **ret_file);

/* The same, read now, for the caller to change and to free. */
FO_MUST_CHECK fo_err fo_store_principal(const struct fo_store *store,
    const char *id, struct fo_diag *diag,
    struct fo_principal **ret_principal);
FO_MUST_CHECK fo_err fo_store_group(const struct fo_store *store,
    const char *name, struct fo_diag *diag, struct fo_group **ret_group);
FO_MUST_CHECK fo_err fo_store_policy(const struct fo_store *store,
    const char *name, struct fo_diag *diag, struct fo_policy **ret_policy);

/*
 * Which principal registered this thumbprint: readlink of keys.d/<jkt>,
 * nothing is followed. FO_ERR_UNKNOWN_KEY: no link. FO_ERR_STORE: the link's
 * text is not ../principals.d/<id>.yaml, or it is no link.
 */
FO_MUST_CHECK fo_err fo_store_find(const struct fo_store *store,
    const char *jkt, struct fo_diag *diag, char ret_id[FO_ID_SIZE]);

/* The policies that apply to one principal: its own, its groups', default's. */
struct fo_policies {
	const struct fo_policy **list;	/* each once, by name */
	struct fo_file **files;		/* that they are in */
	size_t count;
};

/*
 * Load them all. A group or policy that is named and missing or invalid is
 * FO_ERR_STORE: it never becomes "no rules".
 */
FO_MUST_CHECK fo_err fo_store_policies(const struct fo_store *store,
    const struct fo_principal *principal, struct fo_diag *diag,
    struct fo_policies *ret_policies);
void fo_policies_clear(struct fo_policies *policies);

/*
 * Call each with every name of a part that fits its grammar (an id, a
 * thumbprint, a name; without ".yaml"), in no order. Stops at, and returns,
 * the first result that is not FO_OK.
 */
FO_MUST_CHECK fo_err fo_store_each(const struct fo_store *store,
    fo_store_part part, struct fo_diag *diag,
    fo_err (*each)(const char *name, void *arg), void *arg);

/* ---- writing --------------------------------------------------------- */

/* The store's lock, held by one writer at a time. */
struct fo_store_lock;

/*
 * Take the lock (FOLDER/.lock), waiting at most deadline_ms. FO_ERR_IO with
 * the reason: not permitted, read-only, or held by another for that long.
 */
FO_MUST_CHECK fo_err fo_store_lock(const struct fo_store *store,
    int deadline_ms, struct fo_diag *diag, struct fo_store_lock **ret_lock);
void fo_store_unlock(struct fo_store_lock **lock);

/*
 * Register a new principal: reserve every thumbprint in keys.d first, then
 * write its file. FO_ERR_EXISTS: a thumbprint or the id is taken (the reason
 * says by whom); nothing is changed then.
 *
 * *ret_there says, also after a failure, whether the file is there: a folder
 * that could not be put on disk does not undo the change.
 */
FO_MUST_CHECK fo_err fo_store_create(const struct fo_store *store,
    const struct fo_store_lock *lock, const struct fo_principal *principal,
    struct fo_diag *diag, bool *ret_there);

/*
 * Replace a principal's file with what is given, keys that are new reserved
 * first. before is the principal as it was read under this lock, and must
 * still be what the file says. *ret_there as above.
 */
FO_MUST_CHECK fo_err fo_store_replace(const struct fo_store *store,
    const struct fo_store_lock *lock, const struct fo_principal *before,
    const struct fo_principal *after, struct fo_diag *diag, bool *ret_there);

/*
 * Take the file of a principal that is not active away; it must still say
 * what was read. The links of its keys stay: a key never moves. *ret_gone
 * says, also after a failure, whether it is gone.
 */
FO_MUST_CHECK fo_err fo_store_remove(const struct fo_store *store,
    const struct fo_store_lock *lock, const struct fo_principal *principal,
    struct fo_diag *diag, bool *ret_gone);

/*
 * Make a store that works: folders, firstops.yaml for this host name,
 * default group and policy. FO_ERR_EXISTS if there is a firstops.yaml;
 * nothing that exists is ever overwritten.
 */
FO_MUST_CHECK fo_err fo_store_init(const struct fo_store *store,
    const char *host, struct fo_diag *diag);

/*
 * Write one file whole: temporary file in the same folder, fsync, rename (or
 * link, where it must not exist), fsync of the folder. name is below the
 * store's folder, "groups.d/default.yaml".
 */
FO_MUST_CHECK fo_err fo_store_write(const struct fo_store *store,
    const char *name, const char *text, bool must_be_new,
    struct fo_diag *diag);

/*
 * Make keys.d anew from the principals: every listed thumbprint has its
 * link. Links that no principal lists are kept (a thumbprint stays reserved).
 * A thumbprint that two principals list, or a link to another principal, is
 * FO_ERR_STORE and named; nothing is changed then. *ret_made counts new
 * links.
 */
FO_MUST_CHECK fo_err fo_store_index(const struct fo_store *store,
    const struct fo_store_lock *lock, struct fo_diag *diag,
    size_t *ret_made);

#endif
