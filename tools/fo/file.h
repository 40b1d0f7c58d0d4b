/*
 * Files of the caller's: read whole, made for a secret, or replaced.
 */
#ifndef FO_TOOL_FILE_H
#define FO_TOOL_FILE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <firstops/error.h>

/*
 * Read a file, or standard input for "-", of at most max bytes. The caller
 * wipes and frees *ret_text, which ends in a NUL. FO_ERR_TOO_LONG: it has
 * more. The reason names the file.
 */
FO_MUST_CHECK fo_err file_read(const char *path, size_t max,
    struct fo_diag *diag, char **ret_text, size_t *ret_len);

/*
 * Make a file that only its owner can read, with this text, on disk when
 * this returns. FO_ERR_EXISTS: there is one already; it stays as it is.
 * After any failure no file of ours is left.
 */
FO_MUST_CHECK fo_err file_write_secret(const char *path, const char *text,
    struct fo_diag *diag);

/*
 * Replace a file by one with this text and mode: a crash at any instant leaves
 * the old file or the new one, whole.
 *
 * temporary is what it is called until then, in the same folder. The caller
 * holds a lock, so what has that name was left by somebody who was stopped,
 * and goes.
 */
FO_MUST_CHECK fo_err file_replace(const char *path, const char *temporary,
    const char *text, mode_t mode, struct fo_diag *diag);

/* The same for a file that is to stay its owner's; was NULL: the caller's. */
FO_MUST_CHECK fo_err file_replace_as(const char *path, const char *temporary,
    const char *text, mode_t mode, const struct stat *was,
    struct fo_diag *diag);

/*
 * Put on disk the folder that holds a path: a new name is there to stay only
 * when its folder is. -1 and errno: it could not be.
 */
int file_sync_folder_of(const char *path);

/*
 * Where the user's settings are: XDG_CONFIG_HOME, else ~/.config; absolute.
 * Free it. FO_ERR_IO: nowhere.
 */
FO_MUST_CHECK fo_err file_config_home(struct fo_diag *diag, char **ret_path);

/* A copy, with a NUL, of bytes that no NUL ends; NULL: no memory. Free it. */
char *text_copy(const char *text, size_t len);

/* The length of a text without the one line end that it may close with. */
size_t line_len(const char *text, size_t len);

#endif
