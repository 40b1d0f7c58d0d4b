/*
 * A log file read without a gap: what was rotated away from it, what it has,
 * and what is added to it, each line once.
 *
 * Only files that root alone can write (or whoever runs this) are read:
 * base/safeopen.h judges each of them and the folder that they are in.
 */
#ifndef FO_TOOL_TRAIL_H
#define FO_TOOL_TRAIL_H

#include <stdint.h>

#include <firstops/error.h>

#include "log.h"

/*
 * path is absolute. What has been rotated away from it (FILE.1, FILE.2.gz,
 * FILE-20261126.gz) comes first, the oldest first, but for what was last
 * written before since_us (in microseconds since 1970). A log that is not
 * there yet is waited for.
 *
 * A log that is rotated by renaming it loses nothing: whoever has the old
 * file open still may go on to write to it, and it is looked at until the
 * next rotation.
 *
 * FO_OK: sink->over said so; or it is not known any more what came before
 * what: begin again, and look for the place. FO_ERR_FORMAT, FO_ERR_IO: the
 * log cannot be read, or others could write it. Whatever sink->line returned.
 */
FO_MUST_CHECK fo_err trail_read(const char *path, int64_t since_us,
    const struct log_sink *sink, struct fo_diag *diag);

/* The absolute path of a file whose folder is there; the caller frees it. */
FO_MUST_CHECK fo_err path_absolute(const char *path, struct fo_diag *diag,
    char **ret_path);

#endif
