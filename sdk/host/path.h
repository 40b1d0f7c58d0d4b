/*
 * Paths of files as policies see them: absolute, and with links followed.
 */
#ifndef FO_HOST_PATH_H
#define FO_HOST_PATH_H

#include <firstops/error.h>

/*
 * A path against a folder (absolute; NULL: not known), absolute and without
 * ".", ".." and repeated slashes, by its text alone. FO_ERR_ARG: it is
 * relative and the folder is not known, or empty. The caller frees.
 */
FO_MUST_CHECK fo_err fo_path_normal(const char *folder, const char *path,
    char **ret_path);

/*
 * The same with all links followed, as opening it would. What does not exist
 * yet is taken as it is written below the last folder that does.
 * FO_ERR_NOT_FOUND: nobody can say what it will be: a link that leads
 * nowhere, ".." after what does not exist, a folder that cannot be searched.
 * The caller frees.
 */
FO_MUST_CHECK fo_err fo_path_resolved(const char *folder, const char *path,
    char **ret_path);

#endif
