/*
 * Folders below /tmp for targets of code that opens files by their path. No
 * call is made to fail in here.
 */
#ifndef FO_FUZZ_FOLDER_H
#define FO_FUZZ_FOLDER_H

#include <stddef.h>
#include <sys/types.h>

#define FOLDER_SIZE 64
#define FOLDER_PATH_SIZE 256

/* A new one, 0755; it and all that is in it is removed at exit. */
void folder_make(char ret_folder[FOLDER_SIZE]);

/* The path of a name below a folder; "" is the folder's own. */
void folder_path(const char *folder, const char *name,
    char ret[FOLDER_PATH_SIZE]);

/* A new folder below it. */
void folder_add(const char *folder, const char *name, mode_t mode);

/* A new file in the place of what is there. */
void folder_put(const char *folder, const char *name, mode_t mode,
    const void *data, size_t size);

/* Remove a name, and all that is below it. */
void folder_remove(const char *folder, const char *name);

#endif
