/*
 * A host where somebody logs in: its store with one agent, its replay folder
 * and log socket, and an attempt that is permitted as long as nobody changes
 * anything.
 *
 * Every step that fails ends the test (Criterion's cr_assert).
 */
#ifndef FO_TEST_PLACE_H
#define FO_TEST_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forge.h"
#include "host/decide.h"
#include "machine.h"
#include "store_fixture.h"

#define PLACE_HTU "pam://bastion/sshd/deploy"
#define PLACE_NONCE "Q2hhbGxlbmdlMTIz"

/* What its proof claims. */
struct claims {
	const char *header;
	const char *jti;
	const char *htm;
	const char *htu;
	const char *nonce;	/* NULL: none */
	int64_t iat;
};

struct place {
	struct store_fixture store;
	struct machine machine;
	struct fo_config *config;
	struct fo_keep keep;
	struct fo_authority authority;
	struct fo_attempt attempt;
	struct claims claims;
	char *proof;		/* made from claims when it is offered */
	char *log_path;
	int log_fd;
	int prepared;		/* how often step 6 ran */
	fo_err prepare_with;	/* what it answers */
	struct fo_decision decision;
};

/* Does its program keep what it read between decisions? Set it first. */
extern bool place_keeps;

/* MACHINE_NOW is the time, and the replay folder is as old as the machine. */
void place_open(struct place *p);
void place_close(struct place *p);
/* Write firstops.yaml with this for audit, and read it. */
void place_configure(struct place *p, const char *audit);

/* Sign what claims say. */
void place_sign(struct place *p);
fo_err place_decide(struct place *p);
/* Both. */
fo_err place_offer(struct place *p);

/* The next event, or NULL; the text is valid until the next call. */
const char *place_event(const struct place *p);
/* How many proofs of this minute are in the replay folder. */
size_t place_spent(const struct place *p);

#endif
