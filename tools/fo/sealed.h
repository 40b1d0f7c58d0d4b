/*
 * Files of a sealed trail (host/seal.h), read and held against checkpoints
 * that were kept apart from them.
 */
#ifndef FO_TOOL_SEALED_H
#define FO_TOOL_SEALED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>

#include "host/rfc3339.h"
#include "host/seal.h"
#include "host/seal_walk.h"

/* The newest checkpoint of FILE, in a file of its own beside it. */
#define SEALED_HEAD ".head"

/* ---- checkpoints kept apart ---------------------------------------------- */

struct head {
	const char *from;	/* the path of the file it is in */
	const char *text;	/* its line, without the newline */
	size_t len;
	uint64_t point;
};

/* By their numbers. */
struct heads {
	struct head *list;
	size_t count;
	size_t next;		/* those before it have been compared */
	char **texts;		/* what they point into */
	size_t texts_count;
};

/*
 * Add the checkpoints of a file, one a line; path is borrowed. FO_ERR_FORMAT:
 * it has a line that is none. FO_ERR_NOT_FOUND, FO_ERR_IO.
 */
FO_MUST_CHECK fo_err heads_read(const char *path, struct fo_diag *diag,
    struct heads *heads);
void heads_clear(struct heads *heads);

/*
 * Is a checkpoint of the trail the one that was kept under its number? To be
 * asked in the order of the trail. *ret_other: the one that it is not.
 */
bool heads_agree(struct heads *heads, const struct fo_seal_line *line,
    const char *text, size_t len, const struct head **ret_other);

/* The newest, if the trail ended before it; else NULL. */
const struct head *heads_beyond(const struct heads *heads, uint64_t point);

/* ---- files --------------------------------------------------------------- */

#define SEALED_WHAT_SIZE 192
#define SEALED_FAULT_SIZE 1024

/* Where a walk is, or was when something was wrong first, for people. */
struct sealed_place {
	char before[FO_TIME_SIZE];	/* time of the last record, or "" */
	char time[FO_TIME_SIZE];	/* of what is wrong, or "" */
	char what[SEALED_WHAT_SIZE];	/* " of TIME (its msg)", or "" */
};

/* What is done with each line that is well. */
typedef fo_err (*sealed_line_cb)(const struct fo_seal_line *line,
    const char *text, size_t len, void *arg);

struct sealed {
	struct fo_seal_walk walk;
	struct sealed_place place;
	sealed_line_cb on_line;
	void *arg;
	off_t whole;		/* the end of the last line of a file */
	off_t torn;		/* bytes after that, which end in no newline */
};

/*
 * Walk along a file from where fd stands: up to its end, or up to where
 * nothing more can be said of what is wrong. FO_OK: sealed->walk has the
 * verdict. FO_ERR_IO, or whatever the callback returned: there is none.
 */
FO_MUST_CHECK fo_err sealed_read(int fd, const char *path,
    struct sealed *sealed, struct fo_diag *diag);

/*
 * What is wrong first, as a sentence without its end; "" if nothing is. The
 * word of it for machines is sealed_word.
 */
void sealed_fault(const struct sealed *sealed, char ret[SEALED_FAULT_SIZE]);
const char *sealed_word(fo_seal_wrong wrong);

#endif
