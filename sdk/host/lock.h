/*
 * One writer at a time in a folder: FOLDER/.lock, held by flock.
 */
#ifndef FO_HOST_LOCK_H
#define FO_HOST_LOCK_H

#include <sys/types.h>

#include <firstops/error.h>

/*
 * Take the lock of an absolute folder, which is opened and judged as
 * base/safeopen.h says, waiting at most deadline_ms. FO_ERR_IO with the
 * reason: not permitted, read-only, or held by another for that long.
 *
 * Closing *ret_fd gives the lock back, and so does the end of the process,
 * however it comes.
 */
FO_MUST_CHECK fo_err fo_lock_folder(const char *folder, uid_t owner,
    int deadline_ms, struct fo_diag *diag, int *ret_fd);

#endif
