/*
 * Stamps: what is the same file, unchanged, and what only looks like it.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/stamp.h"
#include "support/failing.h"

#define CHANGED_AT 1000

static struct stat
make_stamp(void)
{
	return (struct stat){ .st_dev = 1, .st_ino = 2, .st_size = 3,
		.st_ctim = { .tv_sec = CHANGED_AT, .tv_nsec = 5 } };
}

Test(stamp, any_difference_is_another_file_or_a_change)
{
	const struct stat was = make_stamp();
	struct stat now[5];

	cr_expect(fo_stamp_same(&was, &was));
	for (size_t i = 0; i < 5; i++)
		now[i] = was;
	now[0].st_dev++;
	now[1].st_ino++;
	now[2].st_size++;
	now[3].st_ctim.tv_sec++;
	now[4].st_ctim.tv_nsec++;
	for (size_t i = 0; i < 5; i++) {
		cr_expect_not(fo_stamp_same(&was, &now[i]), "%zu", i);
		cr_expect_not(fo_stamp_same(&now[i], &was), "%zu", i);
	}
}

Test(stamp, a_folder_is_the_same_with_its_owner_and_mode_alone)
{
	struct stat was = make_stamp(), now[4];

	was.st_uid = 6;
	was.st_mode = S_IFDIR | 0700;
	for (size_t i = 0; i < 4; i++)
		now[i] = was;
	now[0].st_dev++;
	now[1].st_ino++;
	now[2].st_uid++;
	now[3].st_mode |= S_IWOTH;
	for (size_t i = 0; i < 4; i++)
		cr_expect_not(fo_stamp_same_folder(&was, &now[i]), "%zu", i);
	/* what is in it may change */
	now[0] = was;
	now[0].st_size++;
	now[0].st_ctim.tv_sec++;
	cr_expect(fo_stamp_same_folder(&was, &now[0]));
}

Test(stamp, what_changed_within_two_seconds_is_not_ripe)
{
	const struct stat stamp = make_stamp();

	cr_expect_not(fo_stamp_ripe(&stamp, 0), "nobody knows");
	cr_expect_not(fo_stamp_ripe(&stamp, CHANGED_AT - 1));
	cr_expect_not(fo_stamp_ripe(&stamp, CHANGED_AT + 2));
	cr_expect(fo_stamp_ripe(&stamp, CHANGED_AT + 3));
}

Test(stamp, the_time_is_the_clocks_or_none)
{
	struct timespec before, after;
	time_t now;

	/* time(2) is behind by a tick of the kernel's */
	cr_assert_eq(clock_gettime(CLOCK_REALTIME, &before), 0);
	now = fo_stamp_time();
	cr_assert_eq(clock_gettime(CLOCK_REALTIME, &after), 0);
	cr_expect_geq(now, before.tv_sec);
	cr_expect_leq(now, after.tv_sec);
	failing("clock_gettime", 0, EINVAL);
	cr_expect_eq(fo_stamp_time(), 0);
	failing_none();
}

Test(stamp, a_descriptor_is_the_file_that_it_was_or_not_ours)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct stat stamp, other;

	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &stamp), 0);
	cr_expect(fo_stamp_is(fd, &stamp));
	other = stamp;
	other.st_dev++;
	cr_expect_not(fo_stamp_is(fd, &other));
	other = stamp;
	other.st_ino++;
	cr_expect_not(fo_stamp_is(fd, &other));
	failing("fstat", 0, EIO);
	cr_expect_not(fo_stamp_is(fd, &stamp));
	failing_none();
	close(fd);
	cr_expect_not(fo_stamp_is(fd, &stamp));
}
