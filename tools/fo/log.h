/*
 * Logs that events are read from: files, plain or gzip, with those that were
 * rotated away, and the journal.
 */
#ifndef FO_TOOL_LOG_H
#define FO_TOOL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>

/* A longer line is no event of anybody's; what follows it is read again. */
#define LOG_LINE_MAX 65536

#define LOG_NO_UID (-1)

/* One line, valid until the callback returns. */
struct log_line {
	const char *text;	/* len bytes, any of them */
	size_t len;
	bool cut;		/* it goes on beyond LOG_LINE_MAX */
	const char *from;	/* the file's path, or "journal" */
	uint64_t number;	/* of the line in its file, from 1; or 0 */
	int64_t uid;		/* the sender's, as the kernel told; or NO_UID */
	const char *tag;	/* of the journal, NULL in files */
};

/* What is done with what is read. */
struct log_sink {
	/* FO_OK to go on; anything else ends the reading, and is returned */
	fo_err (*line)(const struct log_line *line, void *arg);
	/* something that cannot be read; number 0: the file as a whole */
	void (*bad)(const char *from, uint64_t number, const char *reason,
	    void *arg);
	/* asked while waiting for more: true ends it */
	bool (*over)(void *arg);
	void *arg;
};

/* Files that have been read, so that none is read twice under two names. */
struct log_seen {
	struct log_file_id {
		dev_t device;
		ino_t inode;
	} *list;
	size_t count;
};

/* Which part of a log is wanted, in microseconds since 1970; 0: all. */
struct log_span {
	int64_t since_us;
	int64_t until_us;
};

/*
 * Read a file from its beginning, as it is when it is opened. What has been
 * rotated away from it (FILE.1, FILE.2.gz, FILE-20261126.gz) is read before
 * it, the oldest first, but for what is too old. What is in seen is passed
 * over, and what is read is put there; the caller frees seen->list.
 *
 * FO_ERR_NOT_FOUND, FO_ERR_IO: the file could not be read.
 */
FO_MUST_CHECK fo_err log_file_read(const char *path,
    const struct log_span *span, const struct log_sink *sink,
    struct log_seen *seen, struct fo_diag *diag);

/* Read what is added to a file from now on, also when it is rotated. */
FO_MUST_CHECK fo_err log_file_follow(const char *path,
    const struct log_sink *sink, struct fo_diag *diag);

/*
 * Read the journal of this machine, or of a folder or a file; follow: go on
 * with what is added, for ever. FO_ERR_ARG: built without libsystemd.
 * FO_ERR_IO: it, or libsystemd, cannot be opened.
 */
FO_MUST_CHECK fo_err log_journal_read(const char *path, bool follow,
    const struct log_span *span, const struct log_sink *sink,
    struct fo_diag *diag);

/* Does this path name a journal: a folder, or NAME.journal? */
bool log_is_journal(const char *path);

#endif
