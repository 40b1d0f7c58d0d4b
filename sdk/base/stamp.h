/*
 * Has a file changed since it was looked at? By device, inode, size and
 * ctime, which changes with content, owner, mode and links.
 */
#ifndef FO_BASE_STAMP_H
#define FO_BASE_STAMP_H

#include <sys/stat.h>

#include <stdbool.h>

bool fo_stamp_same(const struct stat *a, const struct stat *b);

/*
 * Would a change from now on show? Not within the tick of the kernel's clock
 * in which the last one was made: so only what is some seconds old is worth
 * keeping.
 */
bool fo_stamp_ripe(const struct stat *stamp);

#endif
