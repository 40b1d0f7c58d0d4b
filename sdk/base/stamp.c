/*
 * Has a file changed?
 */
#include "stamp.h"

/* More than any file system's tick, and a small step of the clock. */
#define RIPE_S 2

bool
fo_stamp_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool
fo_stamp_same(const struct stat *a, const struct stat *b)
{
	return fo_stamp_same_file(a, b) &&
	    a->st_size == b->st_size &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

bool
fo_stamp_same_folder(const struct stat *a, const struct stat *b)
{
	return fo_stamp_same_file(a, b) &&
	    a->st_uid == b->st_uid && a->st_mode == b->st_mode;
}

time_t
fo_stamp_time(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : 0;
}

bool
fo_stamp_ripe(const struct stat *stamp, time_t before)
{
	return stamp->st_ctim.tv_sec < before - RIPE_S;
}

bool
fo_stamp_is(int fd, const struct stat *stamp)
{
	struct stat now;

	return fstat(fd, &now) == 0 && fo_stamp_same_file(&now, stamp);
}
