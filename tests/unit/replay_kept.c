/*
 * The tests of used proofs once more, in a program that keeps its folder, and
 * for which every file is old enough to be kept.
 */
#include "replay.c"

static struct fo_replay_keep kept = FO_REPLAY_KEEP_NONE;

__attribute__((constructor)) static void
keep_folder(void)
{
	keep = &kept;
	failing_ahead(60);
}

/* ---- what is kept ---------------------------------------------------------- */

Test(replay, the_folder_that_is_kept_is_opened_once)
{
	struct machine m;
	size_t before;

	open_ready(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	before = machine_descriptors();
	failing("openat", 0, EIO);
	failing("read", 0, EIO);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	failing_none();
	failing("openat", 1000000, EIO);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY);
	cr_expect_eq(failing_calls("openat"), 1, "the floor");
	failing_none();
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_expect_eq(machine_descriptors(), before);
	fo_replay_keep_clear(keep);
	cr_expect_eq(machine_descriptors(), before - 1);
	machine_close(&m);
}

Test(replay, the_folder_that_is_kept_is_trusted_no_longer_than_it_is_closed)
{
	struct machine m;
	char *name = own(""), *path;

	open_ready(&m);
	path = machine_path(&m, name);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	cr_assert_eq(chmod(path, 0777), 0);
	cr_expect_eq(spend(&m, HASH_B), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "writable"), "%s", diag.text);
	cr_assert_eq(chmod(path, 0700), 0);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_assert_eq(chown(path, 1234, 1234), 0);
	cr_expect_eq(spend(&m, HASH_C), FO_ERR_REPLAY_STORE);
	free(path);
	free(name);
	machine_close(&m);
}

/* A birth in the same folder, made by whoever emptied it. */
Test(replay, a_birth_that_is_kept_counts_no_longer_than_its_file_is_there)
{
	struct machine m;
	char *name = own("birth");

	open_ready(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	machine_remove(&m, name);
	cr_expect_eq(spend(&m, HASH_B), FO_ERR_REPLAY_NEWBORN);
	cr_expect_eq(spend(&m, HASH_B), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 16);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	free(name);
	machine_close(&m);
}

/* What was written in this tick may be written again in it. */
Test(replay, a_birth_that_was_just_made_is_read_each_time)
{
	struct machine m;

	failing_ahead(0);
	open_ready(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	cr_expect_not(keep->has_birth);
	failing_ahead(3);
	cr_assert_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_expect(keep->has_birth);
	machine_close(&m);
}

/* Whoever closes all descriptors closes ours, too. */
Test(replay, a_folder_that_others_closed_is_opened_again_and_theirs_stays)
{
	struct machine m;
	char *other;
	int fd, theirs;

	open_ready(&m);
	other = machine_path(&m, "run");
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	fd = keep->fd;
	theirs = open(other, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(theirs, 0);
	cr_assert_eq(dup2(theirs, fd), fd);
	close(theirs);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY, "%s", diag.text);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_expect_neq(keep->fd, fd);
	cr_expect_eq(machine_count(&m, "run"), 1, "nothing is made there");
	fo_replay_keep_clear(keep);
	cr_expect_geq(fcntl(fd, F_GETFD), 0, "it is not ours to close");
	close(fd);
	free(other);
	machine_close(&m);
}

Test(replay, the_folder_that_is_kept_is_one_users)
{
	struct machine m;

	open_ready(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	cr_assert_eq(make(&m, 1234), FO_OK, "%s", diag.text);
	cr_assert_eq(seteuid(1234), 0);
	machine_pass(&m, 16);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_expect_eq(keep->folder.st_uid, 1234);
	cr_assert_eq(seteuid(0), 0);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "its own folder: %s",
	    diag.text);
	machine_close(&m);
}
