/*
 * A store of a test's own, in a temporary folder.
 *
 * Every step that fails ends the test (Criterion's cr_assert), so callers
 * check nothing.
 */
#ifndef FO_TEST_STORE_FIXTURE_H
#define FO_TEST_STORE_FIXTURE_H

#include <sys/types.h>

#include "host/node.h"
#include "host/store.h"

#define FIXTURE_HOST "bastion"
/* An id and a thumbprint that fit their grammars. */
#define FIXTURE_ID "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define FIXTURE_JKT "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

struct store_fixture {
	char root[32];		/* private folder, 0700 */
	char folder[64];	/* ROOT/firstops, the store's */
	char config[96];	/* FOLDER/firstops.yaml */
	struct fo_store *store;
};

/* A store as fo_store_init makes it, for host FIXTURE_HOST. */
void store_fixture_open(struct store_fixture *f);
/* The same without fo_store_init: the store's folder does not exist. */
void store_fixture_open_bare(struct store_fixture *f);
/* Removes everything. */
void store_fixture_close(struct store_fixture *f);

/* Write FOLDER/name as it is, 0644, replacing what is there. */
void store_fixture_put(const struct store_fixture *f, const char *name,
    const char *text);
/* The path of FOLDER/name; the caller frees. */
char *store_fixture_path(const struct store_fixture *f, const char *name);

/*
 * Register, as fo does, an active agent build-bot of team-platform with one
 * key, created 2026-01-01, and one account.
 */
void store_fixture_agent(const struct store_fixture *f, const char *id,
    const char *jkt, const char *account);
/* Change its file: what edit makes of the principal replaces it. */
void store_fixture_edit(const struct store_fixture *f, const char *id,
    void (*edit)(struct fo_principal *principal));

#endif
