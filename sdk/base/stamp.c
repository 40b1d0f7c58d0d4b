/*
 * Has a file changed?
 */
#include "stamp.h"

#include <time.h>

/* More than any file system's tick, and a step of the clock. */
#define RIPE_S 2

bool
fo_stamp_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* By the clock that stamped it. */
bool
fo_stamp_ripe(const struct stat *stamp)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 &&
	    stamp->st_ctim.tv_sec < now.tv_sec - RIPE_S;
}
