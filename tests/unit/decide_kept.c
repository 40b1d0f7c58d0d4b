/*
 * The tests of the decision once more, in a program that keeps what it read,
 * and for which every file is old enough to be kept.
 */
#include <sys/wait.h>

#include "support/failing.h"
#include "support/place.h"

__attribute__((constructor)) static void
keep(void)
{
	place_keeps = true;
	failing_ahead(60);
}

#include "decide.c"

/* ---- whose it is ------------------------------------------------------------ */

/* A lock and a connection are shared with what forks off, which so has none. */
Test(decide, what_forks_off_keeps_nothing_of_its_parents)
{
	struct place p;
	int status = 1;
	pid_t pid;

	place_open(&p);
	cr_assert_eq(place_offer(&p), FO_OK);
	cr_expect_eq(p.keep.self.pid, getpid());
	cr_expect_geq(p.keep.syslog.fd, 0);
	cr_expect_geq(p.keep.replay.fd, 0);
	p.claims.jti = "bbbbbbbbbbbbbbbb";
	if ((pid = fork()) == 0) {
		const int fd = p.keep.replay.fd;
		const fo_err r = place_offer(&p);
		struct stat st;

		_exit(r == FO_OK && p.keep.self.pid == getpid() &&
		    p.keep.syslog.self.pid == getpid() &&
		    fstat(fd, &st) == 0 ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(place_offer(&p), FO_ERR_REPLAY);
	place_close(&p);
}

Test(decide, who_changes_the_user_keeps_nothing)
{
	struct place p;

	place_open(&p);
	cr_assert_eq(place_offer(&p), FO_OK);
	cr_expect_eq(p.keep.user, geteuid());
	p.keep.user++;
	p.keep.self.auid = 4711;
	p.claims.jti = "bbbbbbbbbbbbbbbb";
	cr_expect_eq(place_offer(&p), FO_OK);
	cr_expect_eq(p.keep.user, geteuid());
	cr_expect_neq(p.keep.self.auid, 4711);
	fo_keep_clear(&p.keep);
	cr_expect_eq(p.keep.self.pid, 0);
	cr_expect_eq(p.keep.syslog.fd, -1);
	cr_expect_eq(p.keep.replay.fd, -1);
	place_close(&p);
}
