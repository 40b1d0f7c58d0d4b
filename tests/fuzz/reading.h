/*
 * What a store says of a login, read in the plain way from its texts: by
 * libyaml's own documents, so that nothing of sdk/host judges itself.
 *
 * Whatever a text does not say plainly, it does not say. Callers hold the
 * failures meanwhile (fuzz_faults_hold).
 */
#ifndef FO_FUZZ_READING_H
#define FO_FUZZ_READING_H

#include <stdbool.h>
#include <stdint.h>

/* A group or policy: what its file is called, and what is in it. */
struct reading_file {
	const char *name;
	const char *text;
};

/* Borrowed texts; lists end with a name of NULL. */
struct reading_store {
	const char *config;
	const char *id;		/* whose file principal is */
	const char *principal;
	const struct reading_file *groups;
	const struct reading_file *policies;
};

struct reading_login {
	const char *jkt;
	const char *service;
	const char *account;
	const char *rhost;	/* NULL: not known */
	int64_t now;		/* seconds since 1970 */
};

/* Is the principal active, and the key its own, not revoked, not expired? */
bool reading_in_force(const struct reading_store *store,
    const struct reading_login *login);

/*
 * Is the account one of the principal's, and do all policies that it, its
 * groups and the group "default" name stand there, with a rule that allows
 * the login and none that says no?
 */
bool reading_permits(const struct reading_store *store,
    const struct reading_login *login);

/* Is htu this login at the configured host, by its name or an alias? */
bool reading_is_target(const char *config, const char *htu,
    const struct reading_login *login);

/* Does the service take proofs only with the nonce it gave? */
bool reading_needs_nonce(const char *config, const char *service);

/* Is this sink required to take events? */
bool reading_requires(const char *config, const char *sink);

#endif
