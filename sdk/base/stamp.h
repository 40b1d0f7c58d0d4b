/*
 * Has a file changed since it was looked at? By device, inode, size and
 * ctime, which changes with owner, mode and links, and with what write(2)
 * changes of the content. Not seen is what is written through a mapping that
 * was written through before, and anything on file systems whose times are
 * made elsewhere.
 */
#ifndef FO_BASE_STAMP_H
#define FO_BASE_STAMP_H

#include <sys/stat.h>

#include <stdbool.h>
#include <time.h>

bool fo_stamp_same(const struct stat *a, const struct stat *b);

/* The same file, whatever has changed of it? */
bool fo_stamp_same_file(const struct stat *a, const struct stat *b);

/* The same folder, owned and closed to others as it was? */
bool fo_stamp_same_folder(const struct stat *a, const struct stat *b);

/* The time by which files are stamped; 0: it cannot be read. */
time_t fo_stamp_time(void);

/*
 * Would a change since it was looked at show? Not within the tick of the
 * kernel's clock in which the last one was made: so only what was some
 * seconds old is worth keeping. before: fo_stamp_time before the look.
 */
bool fo_stamp_ripe(const struct stat *stamp, time_t before);

/*
 * Is a descriptor still the file that it was? Others in the program may have
 * closed it, and its number may be another file's: then it is not ours to
 * use, nor to close.
 */
bool fo_stamp_is(int fd, const struct stat *stamp);

#endif
