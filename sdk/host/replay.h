/*
 * Each proof once.
 *
 * A used proof is an empty file FOLDER/<euid>/<minute of iat>/<hash>, made
 * exclusively: the kernel picks the one winner among any number of
 * processes. The folder knows when it was born, and its floor: the end of
 * the youngest minute that was ever removed.
 */
#ifndef FO_HOST_REPLAY_H
#define FO_HOST_REPLAY_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include <firstops/error.h>

#include "clock.h"

/* How long a minute's folder is kept after its end. */
#define FO_REPLAY_KEEP_S 360

/*
 * A folder of used proofs that a process which spends again and again keeps
 * open, with its birth. What forks off clears it: a lock would be shared.
 * Begin with FO_REPLAY_KEEP_NONE.
 */
struct fo_replay_keep {
	int fd;			/* -1: none */
	struct stat folder;
	char boot_id[FO_BOOT_ID_SIZE];
	bool has_birth;
	struct stat birth;
	int64_t birth_boot_ms;
};

#define FO_REPLAY_KEEP_NONE { .fd = -1 }

void fo_replay_keep_clear(struct fo_replay_keep *keep);

/* A proof to be spent, and the window it was found fresh in. */
struct fo_spend {
	const char *folder;	/* config's replay folder */
	const char *hash;	/* fo_proof_hash */
	int64_t iat;
	int64_t max_age_s;
	int64_t clock_skew_s;
	const struct fo_clock *clock;
	struct fo_replay_keep *keep;	/* NULL: opened for each proof */
	struct fo_diag *diag;
};

/*
 * Record the proof as used. The caller wins only with FO_OK.
 *
 * Order: the caller's folder by euid (root makes its own, anybody else's is
 * there already); birth; floor; the exclusive file; then clock and floor
 * again. Then old minutes are swept, which can fail without consequence.
 *
 * FO_ERR_REPLAY: spent before. FO_ERR_REPLAY_NEWBORN: issued before the
 * folder can have known it; the reason says when to try again.
 * FO_ERR_STALE: the window closed meanwhile. FO_ERR_REPLAY_STORE: no folder,
 * full, not ours.
 */
FO_MUST_CHECK fo_err fo_replay_spend(const struct fo_spend *spend);

/* Would it be accepted? Writes nothing. */
FO_MUST_CHECK fo_err fo_replay_peek(const struct fo_spend *spend);

/*
 * Make the folder of one user of services, if it is missing, with its birth:
 * from clock_skew_s after that, proofs are accepted. To be called early, at
 * each boot, as root (or as that user, where FOLDER is the user's own).
 */
FO_MUST_CHECK fo_err fo_replay_make(const char *folder, uid_t user,
    gid_t group, const struct fo_clock *clock, struct fo_diag *diag);

/*
 * Is the folder for this euid usable, and since when (seconds since 1970)?
 * For fo doctor; writes nothing.
 */
FO_MUST_CHECK fo_err fo_replay_check(const char *folder, uint32_t euid,
    const struct fo_clock *clock, struct fo_diag *diag, int64_t *ret_since);

#endif
