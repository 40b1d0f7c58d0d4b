/*
 * ~/.config/firstops/targets.yaml: which FirstOps host stands behind what a
 * person types after ssh, when its name alone does not say so.
 *
 *   version: 1
 *   targets: {"127.0.0.1:2222": bastion, build: build-7}
 */
#ifndef FO_TOOL_TARGETS_H
#define FO_TOOL_TARGETS_H

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

struct target_entry {
	char *dest;	/* "HOST:PORT", or an alias */
	char *host;	/* the host in targets */
};

struct targets {
	char *folder;	/* of the file */
	char *path;
	char *temporary;	/* what a new file is called at first */
	int lock;	/* held while the list is changed, or -1 */
	struct target_entry *list;
	size_t count;
};

/* Can it be a destination, a host? Printable, no quotes, not too long. */
bool target_dest_ok(const char *dest);
bool target_host_ok(const char *host);

/* Read the file; a missing one is an empty list. The reason names it. */
FO_MUST_CHECK fo_err targets_load(struct fo_diag *diag,
    struct targets *ret_targets);
/*
 * The same in order to change it: makes its folder, and takes a lock that
 * targets_clear gives back, so that what others add meanwhile is not lost.
 */
FO_MUST_CHECK fo_err targets_open(struct fo_diag *diag,
    struct targets *ret_targets);
/* Write what targets_open read, whole, for the caller's eyes only. */
FO_MUST_CHECK fo_err targets_save(const struct targets *targets,
    struct fo_diag *diag);
void targets_clear(struct targets *targets);

/* The entry's host, borrowed, or NULL. */
const char *targets_find(const struct targets *targets, const char *dest);
/* Add or change an entry. */
FO_MUST_CHECK fo_err targets_set(struct targets *targets, const char *dest,
    const char *host);
/* False: there is none. */
bool targets_remove(struct targets *targets, const char *dest);

#endif
