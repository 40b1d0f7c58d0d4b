/*
 * Principals of the store, as the verbs of `fo agent` and `fo human` see them.
 */
#ifndef FO_TOOL_PRINCIPAL_H
#define FO_TOOL_PRINCIPAL_H

#include "host/principal.h"

#include "admin.h"

struct json;

/* A time of rfc3339.h, or a word. */
#define PRINCIPAL_EXPIRY_SIZE 24

/* Which kinds: one, or both. */
#define PRINCIPALS_OF(kind) (1U << (kind))
#define PRINCIPALS_ALL \
    (PRINCIPALS_OF(FO_KIND_AGENT) | PRINCIPALS_OF(FO_KIND_HUMAN))

/*
 * Call each with every principal of these kinds, in no order; the callee owns
 * it. Files that cannot be read are counted, and the first reason kept. Stops
 * at, and returns, the first result that is not FO_OK.
 */
FO_MUST_CHECK fo_err principals_each(const struct admin *admin,
    unsigned int kinds, struct fo_diag *diag,
    fo_err (*each)(struct fo_principal *principal, void *arg), void *arg,
    size_t *ret_broken, struct fo_diag *ret_reason);

/*
 * All principals of these kinds, in no order; those whose file cannot be read
 * are counted, and the first reason kept.
 */
struct principals {
	unsigned int kinds;
	struct fo_principal **list;
	size_t count;
	size_t broken;
	struct fo_diag reason;
};

FO_MUST_CHECK fo_err principals_load(const struct admin *admin,
    unsigned int kinds, struct fo_diag *diag,
    struct principals *ret_principals);
void principals_clear(struct principals *principals);

/*
 * The principal with this id or name, of these kinds.
 * Reports that there is none, naming the nearest, or that its file cannot be
 * read, and returns the exit code.
 */
int principal_find(const struct admin *admin, unsigned int kinds,
    const char *word, struct fo_principal **ret_principal);

/*
 * A copy for the caller to change and free: what the store's reader makes of
 * the principal as it would be written. FO_ERR_FORMAT: it would not take it.
 */
FO_MUST_CHECK fo_err principal_copy(const struct fo_principal *principal,
    struct fo_diag *diag, struct fo_principal **ret_copy);

/* Is the key neither revoked nor expired? */
bool principal_key_live(const struct fo_pkey *key, int64_t now);

/*
 * Revoke a key that is not revoked yet. FO_ERR_NOMEM: there is no room for
 * the reason.
 */
FO_MUST_CHECK fo_err principal_key_revoke(struct fo_pkey *key,
    const char *reason, int64_t now);

/* Has it keys in force, and does the last of them end by then? */
bool principal_ends_by(const struct fo_principal *principal, int64_t now,
    int64_t until);
/* When its last key in force expires: text for a table; "never", "-". */
void principal_expiry(const struct fo_principal *principal, int64_t now,
    char ret_text[PRINCIPAL_EXPIRY_SIZE]);

/* The principal with all it has. */
struct json *principal_json(const struct fo_principal *principal,
    int64_t now);

#endif
