/*
 * Files of a store as they were parsed, kept by a program that decides again
 * and again.
 *
 * No file that is kept outlives its change: whenever it is asked for, what
 * stands at its path is compared by device, inode, size and ctime, which
 * changes with content, owner, mode and links. What differs is forgotten, and
 * opened, judged and read again as if it had never been kept. What does not
 * differ says what it said when it was judged, whoever may have got hold of a
 * folder above it meanwhile.
 *
 * A file that was changed in the last moments is not kept: another change
 * within the same tick of the kernel's clock would not show.
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

/* A file that is kept and has not changed, held for the caller; or NULL. */
struct fo_file *fo_shelf_find(struct fo_shelf *shelf, fo_store_part part,
    const char *name);

/* Keep it, if that is safe and there is room. */
void fo_shelf_put(struct fo_shelf *shelf, struct fo_file *file);

#endif
