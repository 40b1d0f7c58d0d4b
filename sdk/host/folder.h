/*
 * Folders of our own below /run: opened by the rules of base/safeopen.h, and
 * made where they are missing.
 *
 * The module works inside somebody else's program, whose umask is the
 * caller's and whose descriptors 0 to 2 may be closed: modes are set with
 * fchmod, and nothing of ours is opened below 3.
 */
#ifndef FO_HOST_FOLDER_H
#define FO_HOST_FOLDER_H

#include <sys/types.h>

#include <dirent.h>

#include <firstops/error.h>

/*
 * Open an absolute path as fo_safe_open_folder does. What is missing at its
 * end, up to three folders, is made with mode 0755 if the caller's effective
 * user is root.
 */
FO_MUST_CHECK fo_err fo_folder_open(const char *path, uid_t owner,
    struct fo_diag *diag, int *ret_fd);

/*
 * Make one folder in an open folder unless it is there, whole before it has
 * its name: whoever is stopped half-way leaves ".new-NAME", which the next
 * caller finishes. uid and gid are the owner's to be. path is the parent's,
 * for the reason. FO_ERR_IO: it cannot be made.
 */
FO_MUST_CHECK fo_err fo_folder_make(int dirfd, const char *path,
    const char *name, mode_t mode, uid_t uid, gid_t gid,
    struct fo_diag *diag);

/*
 * Open one folder in an open folder, which must be owner's and closed to
 * writing by group and others. make: 0, or the mode to make it with when it
 * is missing. path is the parent's, for the reason.
 *
 * FO_ERR_NOT_FOUND: missing. FO_ERR_FORMAT: not a folder, or not owner's.
 * FO_ERR_IO: cannot be opened or made.
 */
FO_MUST_CHECK fo_err fo_folder_open_at(int dirfd, const char *path,
    const char *name, uid_t owner, mode_t make, struct fo_diag *diag,
    int *ret_fd);

/*
 * Open a folder in an open folder for listing, "." for that one itself; NULL
 * and errno. The stream owns its own descriptor.
 */
DIR *fo_folder_list(int dirfd, const char *name);

#endif
