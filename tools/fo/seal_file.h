/*
 * The file that fo audit seal writes: opened by one process alone, found
 * whole before anything is added, and on disk at each checkpoint.
 */
#ifndef FO_TOOL_SEAL_FILE_H
#define FO_TOOL_SEAL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>
#include <firstops/key.h>

#include "host/seal.h"
#include "host/seal_tail.h"

struct seal_file {
	char *path;
	char *head;		/* path.head: the newest checkpoint */
	char *temporary;	/* what that is called until it is whole */
	int fd;
	off_t end;		/* of the last line */
	struct fo_seal seal;
	struct fo_seal_tail tail; /* the last events */
	int64_t last_us;	/* when the last event was; -1: not known */
	int64_t start_s;	/* when the trail was begun in this file */
	bool is_new;
	off_t torn;		/* bytes of a torn line that were cut off */
};

/* What is asked of it. Texts are borrowed for the call. */
struct seal_wanted {
	const char *path;
	const char *after;	/* the file that a new one goes on with, or NULL */
	const char *host;
	const char *jkt;
	int64_t now_s;
};

/*
 * Open a trail, or begin one. What is there is read from its beginning to its
 * end, and what is not whole, not ours, or could be written by others, is
 * refused: whoever looks at it later should find it as it was found.
 *
 * A last line without its end, from a crash, is cut off if it was not under a
 * checkpoint yet.
 *
 * FO_ERR_EXISTS: another process has it open. FO_ERR_FORMAT: it is refused.
 * FO_ERR_IO. The reason names it. The caller closes with seal_file_close.
 */
FO_MUST_CHECK fo_err seal_file_open(const struct seal_wanted *wanted,
    struct fo_diag *diag, struct seal_file **ret_file);
void seal_file_close(struct seal_file **file);

/* Add an event. On failure nothing was added. */
FO_MUST_CHECK fo_err seal_file_add(struct seal_file *file,
    const struct fo_event_read *event, struct fo_diag *diag);

/*
 * Sign a checkpoint: 'C', or 'E' where the sealing ends. FO_OK: it is on
 * disk with all before it, and in FILE.head.
 */
FO_MUST_CHECK fo_err seal_file_point(struct seal_file *file, char kind,
    const struct fo_key *key, int64_t now_s, struct fo_diag *diag);

#endif
