/*
 * What a program that decides again and again keeps of a store: its files as
 * they were parsed, and that the folder of its index was judged.
 *
 * No file that is kept outlives its change: whenever it is asked for, what
 * stands at its path is compared by base/stamp.h. What differs is forgotten,
 * and opened, judged and read again as if it had never been kept. What does
 * not differ says what it said when it was judged, whoever may have got hold
 * of a folder above it meanwhile; so folders are judged when a file is read,
 * and not again before that.
 *
 * Kept is only what lies on a local file system that stamps each change
 * itself, and not what was changed in the last moments: another change within
 * the same tick of the kernel's clock would not show. (What an overlay shows
 * of a layer that lies elsewhere counts as local.) Who may write such a file
 * may do it through a mapping without being seen.
 *
 * One shelf is for one thread.
 */
#ifndef FO_HOST_SHELF_H
#define FO_HOST_SHELF_H

#include <firstops/error.h>

#include "store_file.h"

struct fo_shelf;

FO_MUST_CHECK fo_err fo_shelf_new(struct fo_shelf **ret_shelf);
void fo_shelf_free(struct fo_shelf **shelf);

/*
 * A file that is kept and has not changed, held for the caller; or NULL. The
 * name is one of that part.
 */
struct fo_file *fo_shelf_find(struct fo_shelf *shelf, fo_store_part part,
    const char *name);

/* Keep it, if that is safe and there is room. */
void fo_shelf_put(struct fo_shelf *shelf, struct fo_file *file);

/*
 * Remember what firstops.yaml was when it was read; not safe: nothing. Its
 * caller has what it said.
 */
void fo_shelf_keep_config(struct fo_shelf *shelf, const char *path,
    const struct stat *stamp, bool safe);
/* Is it that yet? */
bool fo_shelf_config_holds(const struct fo_shelf *shelf, const char *path);

/*
 * The path of the index, if it was judged and what stands there is the same
 * folder with the same owner and mode; else NULL.
 */
const char *fo_shelf_keys(struct fo_shelf *shelf);

/* Remember that it was just judged. */
void fo_shelf_keep_keys(struct fo_shelf *shelf, const char *path, int fd);

#endif
