/*
 * A principal: a human or an agent, as its file says.
 */
#ifndef FO_HOST_PRINCIPAL_H
#define FO_HOST_PRINCIPAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>
#include <firstops/jwk.h>

#include "names.h"

#define FO_PRINCIPAL_MAX_KEYS 64

typedef enum fo_status {
	FO_STATUS_REVOKED = 0,
	FO_STATUS_SUSPENDED,
	FO_STATUS_ACTIVE
} fo_status;

typedef enum fo_kind { FO_KIND_AGENT, FO_KIND_HUMAN } fo_kind;

/* A registered key. Times are seconds since 1970; 0 is absent. */
struct fo_pkey {
	char jkt[FO_JKT_SIZE];
	int64_t created;	/* required */
	int64_t expires;
	int64_t revoked;
	char *reason;		/* NULL, or why it was revoked */
};

struct fo_principal {
	char id[FO_ID_SIZE];
	fo_status status;
	fo_kind kind;
	char name[FO_NAME_MAX + 1];
	char owner[FO_NAME_MAX + 1];
	char **groups;		/* NULL at end, like the next two */
	char **policies;
	char **accounts;	/* "deploy" or "postgresql:etl" */
	struct fo_pkey *keys;
	size_t keys_count;
};

/*
 * Parse a text; name is its path, for reasons; id is what its file is called
 * and must be the id inside. FO_ERR_FORMAT, FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err fo_principal_parse(const char *name, const char *id,
    const char *text, size_t len, struct fo_diag *diag,
    struct fo_principal **ret_principal);

/*
 * Write it as its file shall read, from "---" to "...". The caller frees.
 */
FO_MUST_CHECK fo_err fo_principal_format(const struct fo_principal *principal,
    char **ret_text);

void fo_principal_free(struct fo_principal **principal);

/* "active", "suspended", "revoked"; "agent", "human". */
const char *fo_status_word(fo_status status);
const char *fo_kind_word(fo_kind kind);

/* The key with this thumbprint, or NULL. */
const struct fo_pkey *fo_principal_key(const struct fo_principal *principal,
    const char *jkt);

/*
 * Are principal and key in force at this time? FO_OK, or in this order
 * FO_ERR_REVOKED, FO_ERR_SUSPENDED, FO_ERR_REVOKED_KEY, FO_ERR_EXPIRED_KEY;
 * FO_ERR_UNKNOWN_KEY if the principal does not list it. jkt NULL looks at
 * the principal alone.
 */
FO_MUST_CHECK fo_err fo_principal_in_force(
    const struct fo_principal *principal, const char *jkt, int64_t now);

/* May it become this account at this service? */
bool fo_principal_has_account(const struct fo_principal *principal,
    const char *service, const char *account);

#endif
