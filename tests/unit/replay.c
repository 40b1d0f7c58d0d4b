/*
 * Each proof once: what the replay folder says to every clock and to whatever
 * may happen to it.
 */
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <firstops/proof.h>

#include "host/replay.h"
#include "support/failing.h"
#include "support/machine.h"

#define HASH_A "q8Yw1mJ0cH5nT2vXbR7pLgAAAAAAAAAAAAAAAAAAAAA"
#define HASH_B "q8Yw1mJ0cH5nT2vXbR7pLgBAAAAAAAAAAAAAAAAAAAA"
#define HASH_C "q8Yw1mJ0cH5nT2vXbR7pLgCAAAAAAAAAAAAAAAAAAAA"

static struct fo_diag diag;
static struct fo_replay_keep *keep;	/* by who spends again and again */

/* FOLDER/run/replay: two folders that are not there yet. */
static struct fo_spend
make_spend(struct machine *m, const char *hash, int64_t iat)
{
	static char folder[96];

	(void)snprintf(folder, sizeof(folder), "%s/run/replay", m->folder);
	diag.text[0] = '\0';
	return (struct fo_spend){
		.folder = folder,
		.hash = hash,
		.iat = iat,
		.max_age_s = 60,
		.clock_skew_s = 15,
		.clock = &m->clock,
		.keep = keep,
		.diag = &diag,
	};
}

static fo_err
spend_at(struct machine *m, const char *hash, int64_t iat)
{
	const struct fo_spend sp = make_spend(m, hash, iat);

	m->calls = 0;
	return fo_replay_spend(&sp);
}

/* A proof signed right now. */
static fo_err
spend(struct machine *m, const char *hash)
{
	return spend_at(m, hash, m->now.s);
}

static fo_err
peek_at(struct machine *m, const char *hash, int64_t iat)
{
	const struct fo_spend sp = make_spend(m, hash, iat);

	return fo_replay_peek(&sp);
}

static fo_err
check(struct machine *m)
{
	const struct fo_spend sp = make_spend(m, HASH_A, m->now.s);
	int64_t since;

	return fo_replay_check(sp.folder, (uint32_t)geteuid(), &m->clock,
	    &diag, &since);
}

static fo_err
make(struct machine *m, uid_t user)
{
	const struct fo_spend sp = make_spend(m, HASH_A, m->now.s);

	return fo_replay_make(sp.folder, user, user, &m->clock, &diag);
}

/* Root's own folder; the tests are root's, as the module is in its service. */
static char *
own(const char *name)
{
	char *path;

	cr_assert_geq(asprintf(&path, "run/replay/%lu%s%s",
	    (unsigned long)geteuid(), name[0] != '\0' ? "/" : "", name), 0);
	return path;
}

static char *
read_own(const struct machine *m, const char *name)
{
	char *path = own(name);
	char *text = machine_read(m, path);

	free(path);
	return text;
}

static void
write_own(const struct machine *m, const char *name, const char *text)
{
	char *path = own(name);

	machine_write(m, path, text);
	free(path);
}

static bool
has_own(const struct machine *m, const char *name)
{
	char *path = own(name);
	const bool there = machine_has(m, path) != 0;

	free(path);
	return there;
}

static bool
has_minute(const struct machine *m, int64_t s)
{
	char name[24];

	(void)snprintf(name, sizeof(name), "%lld", (long long)(s / 60));
	return has_own(m, name);
}

static void
remove_own(const struct machine *m)
{
	char *path = own("");

	machine_remove(m, path);
	free(path);
}

/* Anybody's own folder, as the system makes it for who is not root. */
static void
make_own(const struct machine *m)
{
	char *name = own(""), *path;

	path = machine_path(m, "run");
	cr_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	free(path);
	path = machine_path(m, "run/replay");
	cr_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
	free(path);
	path = machine_path(m, name);
	cr_assert_eq(mkdir(path, 0700), 0);
	free(path);
	free(name);
}

/* A machine whose folder was born two minutes ago. */
static void
open_ready(struct machine *m)
{
	machine_open(m);
	make_own(m);
	machine_pass(m, -120);
	cr_assert_eq(spend(m, HASH_A), FO_ERR_REPLAY_NEWBORN, "%s", diag.text);
	machine_pass(m, 120);
}

Test(replay, a_proof_passes_once_and_never_again)
{
	struct machine m;

	open_ready(&m);
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "another proof is not touched");
	machine_close(&m);
}

Test(replay, a_used_proof_is_an_empty_file_in_the_minute_of_its_iat)
{
	char name[96];
	struct machine m;
	struct stat st;
	char *rel, *path;

	open_ready(&m);
	cr_assert_eq(spend_at(&m, HASH_A, m.now.s - 60), FO_OK);
	(void)snprintf(name, sizeof(name), "%lld/%s",
	    (long long)((m.now.s - 60) / 60), HASH_A);
	rel = own(name);
	path = machine_path(&m, rel);
	cr_assert_eq(lstat(path, &st), 0, "%s", path);
	cr_expect(S_ISREG(st.st_mode));
	cr_expect_eq(st.st_size, 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	free(path);
	free(rel);
	machine_close(&m);
}

Test(replay, a_caller_outside_the_window_is_refused_whoever_let_it_come)
{
	static const struct {
		const char *why;
		int64_t age;
		fo_err want;
	} cases[] = {
		{ "exactly max_age old", 60, FO_OK },
		{ "one second older", 61, FO_ERR_STALE },
		{ "exactly skew ahead", -15, FO_OK },
		{ "one second more", -16, FO_ERR_FUTURE },
	};
	struct machine m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_ready(&m);
		cr_expect_eq(spend_at(&m, HASH_A, m.now.s - cases[i].age),
		    cases[i].want, "%s: %s", cases[i].why, diag.text);
		machine_close(&m);
	}
}

/* ---- birth --------------------------------------------------------------- */

Test(replay, a_folder_just_made_refuses_and_says_for_how_long)
{
	struct machine m;
	char *birth;

	machine_open(&m);
	make_own(&m);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	cr_expect_not_null(strstr(diag.text, "try again in 16 s"), "%s",
	    diag.text);
	birth = read_own(&m, "birth");
	cr_expect_str_eq(birth, "11111111-2222-4333-8444-555555555555 "
	    "3600000\n");
	free(birth);
	machine_pass(&m, 10);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	cr_expect_not_null(strstr(diag.text, "try again in 6 s"), "%s",
	    diag.text);
	machine_pass(&m, 6);
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	machine_close(&m);
}

/*
 * Until the birth proofs with an iat of up to 15 s ahead were let in, so only
 * what is more than that after the birth cannot have been used.
 */
Test(replay, only_an_iat_beyond_birth_and_skew_is_known_to_be_unused)
{
	static const struct {
		const char *why;
		int64_t after_birth;
		fo_err want;
	} cases[] = {
		{ "before the birth", -1, FO_ERR_REPLAY_NEWBORN },
		{ "at the birth", 0, FO_ERR_REPLAY_NEWBORN },
		{ "as far ahead as it could be at birth", 15,
		    FO_ERR_REPLAY_NEWBORN },
		{ "one second further", 16, FO_OK },
	};
	struct machine m;
	int64_t birth;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		machine_open(&m);
		make_own(&m);
		birth = m.now.s;
		cr_assert_eq(spend(&m, HASH_B), FO_ERR_REPLAY_NEWBORN);
		machine_pass(&m, 20);
		cr_expect_eq(spend_at(&m, HASH_A,
		    birth + cases[i].after_birth), cases[i].want, "%s: %s",
		    cases[i].why, diag.text);
		machine_close(&m);
	}
}

Test(replay, a_used_proof_does_not_pass_after_the_folder_was_wiped)
{
	struct machine m;
	int64_t iat;

	open_ready(&m);
	iat = m.now.s + 15;
	cr_assert_eq(spend_at(&m, HASH_A, iat), FO_OK, "%s", diag.text);
	remove_own(&m);
	make_own(&m);
	for (int i = 0; i <= 75; i++) {
		cr_expect_eq(spend_at(&m, HASH_A, iat),
		    FO_ERR_REPLAY_NEWBORN, "after %d s: %s", i, diag.text);
		machine_pass(&m, 1);
	}
	cr_expect_eq(spend_at(&m, HASH_A, iat), FO_ERR_STALE);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	machine_close(&m);
}

/* A clock that stood wrong when the folder was born opens nothing either. */
Test(replay, a_wrong_clock_at_birth_does_not_make_the_folder_look_older)
{
	struct machine m;
	int64_t iat = MACHINE_NOW;

	machine_open(&m);
	make_own(&m);
	machine_set(&m, 1000000);
	cr_assert_eq(spend(&m, HASH_B), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 5);
	machine_set(&m, iat + 5);
	cr_expect_eq(spend_at(&m, HASH_A, iat), FO_ERR_REPLAY_NEWBORN);
	machine_close(&m);
}

Test(replay, a_birth_that_is_worth_nothing_counts_as_newborn_and_is_replaced)
{
	static const struct {
		const char *why;
		const char *birth;
	} cases[] = {
		{ "another boot",
		    "99999999-2222-4333-8444-555555555555 1000\n" },
		{ "torn", "11111111-2222-4333-8444-555555555555 36" },
		{ "empty", "" },
		{ "not a number",
		    "11111111-2222-4333-8444-555555555555 -5\n" },
		{ "of the future",
		    "11111111-2222-4333-8444-555555555555 99999999999\n" },
		{ "too long", "11111111-2222-4333-8444-555555555555 "
		    "00000000000000000000000000000000000000000000000001\n" },
	};
	struct machine m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_ready(&m);
		write_own(&m, "birth", cases[i].birth);
		cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN, "%s",
		    cases[i].why);
		machine_pass(&m, 16);
		cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s: %s",
		    cases[i].why, diag.text);
		machine_close(&m);
	}
}

Test(replay, a_restart_of_the_machine_makes_the_folder_newborn)
{
	struct machine m;

	open_ready(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_OK);
	m.boot_id[0] = '9';
	m.now.boot_ms = 2000;
	cr_expect_eq(spend(&m, HASH_B), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 16);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	machine_close(&m);
}

/* What the system can write early: this boot, from its first moment on. */
Test(replay, a_birth_at_the_start_of_the_boot_lets_the_first_login_pass)
{
	struct machine m;

	machine_open(&m);
	make_own(&m);
	write_own(&m, "birth", "11111111-2222-4333-8444-555555555555 0\n");
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	machine_close(&m);
}

Test(replay, nothing_temporary_stays_behind)
{
	struct machine m;
	char *path;

	open_ready(&m);
	write_own(&m, "birth", "torn");
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	path = own("");
	cr_expect_eq(machine_count(&m, path), 1, "birth alone");
	free(path);
	machine_close(&m);
}

/* ---- floor and sweeping -------------------------------------------------- */

Test(replay, a_minute_is_kept_for_360_s_after_its_end)
{
	struct machine m;
	int64_t iat;

	open_ready(&m);
	iat = m.now.s;
	cr_assert_eq(spend(&m, HASH_A), FO_OK);
	machine_pass(&m, 60 + 359);
	cr_assert_eq(spend(&m, HASH_B), FO_OK);
	cr_expect(has_minute(&m, iat), "one second before");
	cr_expect_not(has_own(&m, "floor"));
	machine_pass(&m, 1); /* the next minute, in which a sweep comes */
	cr_assert_eq(spend(&m, HASH_C), FO_OK);
	cr_expect_not(has_minute(&m, iat), "after that");
	machine_close(&m);
}

Test(replay, floor_is_the_end_of_the_youngest_minute_removed)
{
	struct machine m;
	char *floor, want[32];

	open_ready(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_OK);
	machine_pass(&m, 180);
	(void)snprintf(want, sizeof(want), "%lld\n",
	    (long long)(m.now.s + 60));
	cr_assert_eq(spend(&m, HASH_B), FO_OK);
	machine_pass(&m, 1000);
	cr_assert_eq(spend(&m, HASH_C), FO_OK);
	floor = read_own(&m, "floor");
	cr_expect_str_eq(floor, want);
	free(floor);
	machine_close(&m);
}

Test(replay, a_clock_that_goes_forward_and_back_brings_no_proof_back)
{
	struct machine m;
	int64_t iat;

	open_ready(&m);
	iat = m.now.s;
	cr_assert_eq(spend_at(&m, HASH_A, iat), FO_OK);
	machine_set(&m, iat + 3600);
	cr_assert_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_assert_not(has_minute(&m, iat), "the wrong clock had it swept");
	machine_set(&m, iat);
	cr_expect_eq(spend_at(&m, HASH_A, iat), FO_ERR_STALE);
	cr_expect_eq(peek_at(&m, HASH_A, iat), FO_ERR_STALE);
	cr_expect_eq(spend_at(&m, HASH_C, iat + 1), FO_ERR_STALE,
	    "nobody can tell in this minute what was used");
	machine_pass(&m, 60);
	cr_expect_eq(spend(&m, HASH_C), FO_OK, "the next minute was not "
	    "swept: %s", diag.text);
	machine_close(&m);
}

Test(replay, a_clock_that_goes_back_alone_brings_no_proof_back)
{
	struct machine m;
	int64_t iat;

	open_ready(&m);
	iat = m.now.s;
	cr_assert_eq(spend_at(&m, HASH_A, iat), FO_OK);
	machine_pass(&m, 300);
	cr_assert_eq(spend(&m, HASH_B), FO_OK);
	machine_set(&m, iat);
	cr_expect_eq(spend_at(&m, HASH_A, iat), FO_ERR_REPLAY);
	machine_close(&m);
}

/*
 * A minute that cannot be removed, for a file in it that is not ours, is old
 * at each sweep. A sweep that finds nothing younger has a lower end to offer.
 */
Test(replay, floor_is_never_lowered)
{
	char odd[64], *before, *after;
	struct machine m;
	int64_t early;

	open_ready(&m);
	early = m.now.s;
	cr_assert_eq(spend_at(&m, HASH_A, early), FO_OK);
	(void)snprintf(odd, sizeof(odd), "%lld/odd", (long long)early / 60);
	write_own(&m, odd, "");
	machine_pass(&m, 600);
	cr_assert_eq(spend(&m, HASH_B), FO_OK);
	machine_pass(&m, 600);
	cr_assert_eq(spend(&m, HASH_C), FO_OK);
	before = read_own(&m, "floor");
	machine_pass(&m, 300);
	cr_assert_eq(spend(&m, HASH_A), FO_OK);
	cr_assert(has_minute(&m, early));
	after = read_own(&m, "floor");
	cr_expect_str_eq(after, before);
	free(before);
	free(after);
	machine_close(&m);
}

#define ZEROS_20 "00000000000000000000"

Test(replay, a_damaged_floor_is_a_refusal)
{
	static const char *const damaged[] = { "", "\n", "12", "x\n", "-1\n",
		"1/\n", "1:\n", "99999999999999999999999\n", ZEROS_20
		ZEROS_20 ZEROS_20 "0000000000000000000\n" };
	struct machine m;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		open_ready(&m);
		write_own(&m, "floor", damaged[i]);
		cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE,
		    "\"%s\"", damaged[i]);
		cr_expect_eq(check(&m), FO_ERR_REPLAY_STORE);
		cr_expect_not_null(strstr(diag.text, "its floor"));
		machine_close(&m);
	}
}

Test(replay, a_floor_may_be_as_high_as_a_number)
{
	struct machine m;

	open_ready(&m);
	write_own(&m, "floor", "9223372036854775799\n");
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_STALE);
	machine_close(&m);
}

Test(replay, check_tells_of_a_floor_in_the_future)
{
	struct machine m;
	char text[32];

	open_ready(&m);
	(void)snprintf(text, sizeof(text), "%lld\n", (long long)m.now.s);
	write_own(&m, "floor", text);
	cr_expect_eq(check(&m), FO_OK, "%s", diag.text);
	(void)snprintf(text, sizeof(text), "%lld\n", (long long)m.now.s + 1);
	write_own(&m, "floor", text);
	cr_expect_eq(check(&m), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "takes no proof made before "
	    "2026-11-23T18:30:01Z"), "%s", diag.text);
	machine_close(&m);
}

Test(replay, a_lock_that_another_holds_delays_no_login)
{
	struct machine m;
	char *rel = own(""), *path;
	int64_t iat;
	int fd;

	open_ready(&m);
	iat = m.now.s;
	cr_assert_eq(spend(&m, HASH_A), FO_OK);
	path = machine_path(&m, rel);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	machine_pass(&m, 3600);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_expect(has_minute(&m, iat), "only the sweep had to wait");
	close(fd);
	free(path);
	free(rel);
	machine_close(&m);
}

/* ---- what happens between two steps --------------------------------------- */

static void
stop_for_400_s(struct machine *m, int nth)
{
	if (nth == 2)
		machine_pass(m, 400);
}

Test(replay, a_caller_stopped_past_the_window_is_refused)
{
	struct machine m;
	int64_t iat;

	open_ready(&m);
	iat = m.now.s;
	m.meanwhile = stop_for_400_s;
	cr_expect_eq(spend_at(&m, HASH_A, iat), FO_ERR_STALE);
	cr_expect_not_null(strstr(diag.text, "340 s too old"), "%s",
	    diag.text);
	m.meanwhile = NULL;
	machine_set(&m, iat);
	cr_expect_eq(spend_at(&m, HASH_A, iat), FO_ERR_REPLAY, "it is spent "
	    "all the same");
	machine_close(&m);
}

/*
 * The hard one: the proof was used, an hour goes by, its minute is swept -
 * all while another caller with the same proof has made its file again and
 * has not yet looked at the clock, which is then set back.
 */
static void
sweep_and_turn_back(struct machine *m, int nth)
{
	const int64_t now_s = m->now.s;

	if (nth != 2)
		return;
	m->meanwhile = NULL;
	machine_set(m, now_s + 3600);
	cr_assert_eq(spend(m, HASH_B), FO_OK, "%s", diag.text);
	machine_set(m, now_s);
}

Test(replay, a_sweep_between_file_and_clock_refuses_whatever_the_clock_says)
{
	struct machine m;

	open_ready(&m);
	m.meanwhile = sweep_and_turn_back;
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_STALE, "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, "swept"), "%s", diag.text);
	machine_close(&m);
}

static void
wipe(struct machine *m, int nth)
{
	char *path;

	if (nth != 2)
		return;
	path = own("");
	machine_remove(m, path);
	free(path);
}

Test(replay, a_folder_wiped_under_a_caller_refuses_it)
{
	struct machine m;

	open_ready(&m);
	m.meanwhile = wipe;
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN, "%s",
	    diag.text);
	machine_close(&m);
}

static void
move_away(struct machine *m, int nth)
{
	char *rel, *from, *to;

	if (nth != 2)
		return;
	rel = own("");
	from = machine_path(m, rel);
	to = machine_path(m, "moved");
	cr_assert_eq(rename(from, to), 0);
	free(rel);
	free(from);
	free(to);
}

Test(replay, a_folder_moved_away_under_a_caller_refuses_it)
{
	struct machine m;

	open_ready(&m);
	m.meanwhile = move_away;
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE, "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, "removed meanwhile"), "%s",
	    diag.text);
	machine_close(&m);
}

static void
move_and_remake(struct machine *m, int nth)
{
	move_away(m, nth);
	if (nth == 2)
		make_own(m);
}

Test(replay, a_folder_replaced_under_a_caller_refuses_it)
{
	struct machine m;

	open_ready(&m);
	m.meanwhile = move_and_remake;
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE, "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, "replaced"), "%s", diag.text);
	machine_close(&m);
}

/* ---- the folder itself ----------------------------------------------------- */

/* These change the effective user or mount: only root can. */
static void
need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
}

Test(replay, root_makes_its_own_folders_whatever_the_umask)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	struct machine m;
	struct stat st;
	char *path;

	need_root();
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		machine_open(&m);
		umask(masks[i]);
		cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN, "%s",
		    diag.text);
		machine_pass(&m, 16);
		cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
		umask(022);
		path = machine_path(&m, "run/replay/0");
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 07777, 0700);
		free(path);
		path = machine_path(&m, "run/replay");
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 07777, 0755);
		free(path);
		machine_close(&m);
	}
}

Test(replay, another_user_needs_a_folder_that_is_there)
{
	struct machine m;
	char *path;

	need_root();
	machine_open(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "run/replay/65534: it does not "
	    "exist"), "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, "fo store replay"), "%s",
	    diag.text);
	cr_assert_eq(seteuid(0), 0);
	path = machine_path(&m, "run/replay/65534");
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(chown(path, 65534, 65534), 0);
	free(path);
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN, "%s",
	    diag.text);
	machine_pass(&m, 16);
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	cr_assert_eq(seteuid(0), 0);
	machine_close(&m);
}

Test(replay, a_folder_that_others_can_change_is_refused)
{
	struct machine m;
	char *path;

	need_root();
	open_ready(&m);
	path = machine_path(&m, "run/replay/0");
	cr_assert_eq(chmod(path, 0770), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "chmod go-w"), "%s", diag.text);
	cr_assert_eq(chmod(path, 0700), 0);
	cr_assert_eq(chown(path, 65534, 0), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "owned by uid 65534"), "%s",
	    diag.text);
	cr_assert_eq(chown(path, 0, 0), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	free(path);
	machine_close(&m);
}

Test(replay, a_link_in_place_of_the_folder_is_refused)
{
	struct machine m;
	char *path, *to;

	need_root();
	open_ready(&m);
	path = machine_path(&m, "run/replay/0");
	to = machine_path(&m, "elsewhere");
	cr_assert_eq(rename(path, to), 0);
	cr_assert_eq(symlink(to, path), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "is not a folder"), "%s",
	    diag.text);
	free(path);
	free(to);
	machine_close(&m);
}

/* A file system of the test's own, with room for few names. */
static void
mount_small(const struct machine *m)
{
	char *path;

	need_root();
	if (unshare(CLONE_NEWNS) != 0)
		cr_skip_test("needs a mount namespace");
	cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	path = machine_path(m, "run");
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_assert_eq(mount("none", path, "tmpfs", 0,
	    "nr_inodes=40,size=1m,mode=0755"), 0);
	free(path);
}

static void
unmount_small(const struct machine *m)
{
	char *path = machine_path(m, "run");

	cr_assert_eq(umount2(path, MNT_DETACH), 0);
	free(path);
}

Test(replay, a_full_folder_refuses_clearly_and_recovers_by_sweeping)
{
	struct machine m;
	char hash[44];
	fo_err r = FO_OK;
	int n;

	machine_open(&m);
	mount_small(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 60);
	for (n = 0; n < 100 && r == FO_OK; n++) {
		(void)snprintf(hash, sizeof(hash), "%s", HASH_A);
		hash[0] = (char)('A' + n % 26);
		hash[1] = (char)('A' + n / 26);
		r = spend(&m, hash);
	}
	cr_expect_eq(r, FO_ERR_REPLAY_STORE);
	cr_expect_gt(n, 20);
	cr_expect_not_null(strstr(diag.text, "it is full"), "%s", diag.text);
	machine_pass(&m, 60 + 359);
	cr_expect_eq(spend(&m, HASH_B), FO_ERR_REPLAY_STORE, "still kept");
	machine_pass(&m, 1);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	unmount_small(&m);
	machine_close(&m);
}

Test(replay, a_read_only_folder_is_refused_with_its_remedy)
{
	struct machine m;
	char *path;

	machine_open(&m);
	mount_small(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 60);
	path = machine_path(&m, "run");
	cr_assert_eq(mount("none", path, NULL, MS_REMOUNT | MS_RDONLY, NULL),
	    0);
	free(path);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "mount it writable"), "%s",
	    diag.text);
	unmount_small(&m);
	machine_close(&m);
}

Test(replay, no_descriptor_stays_open)
{
	struct machine m;
	size_t before;

	open_ready(&m);
	before = machine_descriptors();
	cr_expect_eq(spend(&m, HASH_A), FO_OK);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY);
	machine_pass(&m, 3600);
	cr_expect_eq(spend(&m, HASH_B), FO_OK);
	write_own(&m, "birth", "");
	cr_expect_eq(spend(&m, HASH_C), FO_ERR_REPLAY_NEWBORN);
	cr_expect_eq(machine_descriptors(), before);
	machine_close(&m);
}

Test(replay, what_is_no_hash_is_no_name)
{
	static const char *const names[] = { "", "..", "a/b",
		"q8Yw1mJ0cH5nT2vXbR7pLgAAAAAAAAAAAAAAAAAAAA",
		"q8Yw1mJ0cH5nT2vXbR7pLgAAAAAAAAAAAAAAAAAAAAAA",
		"../w1mJ0cH5nT2vXbR7pLgAAAAAAAAAAAAAAAAAAAAA" };
	struct machine m;

	open_ready(&m);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_eq(spend(&m, names[i]), FO_ERR_ARG, "%s", names[i]);
	machine_close(&m);
}

Test(replay, an_iat_that_is_no_time_is_refused)
{
	struct machine m;

	open_ready(&m);
	cr_expect_eq(spend_at(&m, HASH_A, -1), FO_ERR_STALE);
	cr_expect_eq(spend_at(&m, HASH_A, INT64_MIN), FO_ERR_STALE);
	cr_expect_not_null(strstr(diag.text, "no time of this clock"));
	cr_expect_eq(spend_at(&m, HASH_A, INT64_MAX), FO_ERR_FUTURE);
	cr_expect_eq(spend_at(&m, HASH_A, INT64_MAX / 2000 + 1),
	    FO_ERR_FUTURE);
	cr_expect_not_null(strstr(diag.text, "no time of this clock"));
	cr_expect_eq(spend_at(&m, HASH_A, INT64_MAX / 2000), FO_ERR_FUTURE);
	cr_expect_not_null(strstr(diag.text, "too far ahead"));
	machine_close(&m);
}

Test(replay, what_is_asked_must_be_whole_and_within_limits)
{
	struct machine m;
	struct fo_spend sp;

	open_ready(&m);
	cr_expect_eq(fo_replay_spend(NULL), FO_ERR_ARG);
	cr_expect_eq(fo_replay_peek(NULL), FO_ERR_ARG);
	sp = make_spend(&m, HASH_A, m.now.s);
	sp.folder = NULL;
	cr_expect_eq(fo_replay_spend(&sp), FO_ERR_ARG);
	sp = make_spend(&m, HASH_A, m.now.s);
	sp.clock = NULL;
	cr_expect_eq(fo_replay_spend(&sp), FO_ERR_ARG);
	sp = make_spend(&m, NULL, m.now.s);
	cr_expect_eq(fo_replay_spend(&sp), FO_ERR_ARG);
	sp = make_spend(&m, HASH_A, m.now.s);
	sp.max_age_s = FO_MAX_AGE_LIMIT_S + 1;
	cr_expect_eq(fo_replay_peek(&sp), FO_ERR_ARG);
	sp.max_age_s = FO_MAX_AGE_LIMIT_S;
	cr_expect_eq(fo_replay_peek(&sp), FO_OK, "%s", diag.text);
	sp.clock_skew_s = FO_CLOCK_SKEW_LIMIT_S + 1;
	cr_expect_eq(fo_replay_peek(&sp), FO_ERR_ARG);
	sp.clock_skew_s = FO_CLOCK_SKEW_LIMIT_S;
	cr_expect_eq(fo_replay_peek(&sp), FO_OK, "%s", diag.text);
	machine_close(&m);
}

/* ---- what the system says ------------------------------------------------- */

TestSuite(replay, .fini = failing_none);

Test(replay, a_call_that_fails_refuses_and_says_what_to_do)
{
	static const struct {
		const char *call;
		int error;
		const char *remedy;
	} cases[] = {
		{ "mknodat", ENOSPC, "it is full" },
		{ "mknodat", EDQUOT, "it is full" },
		{ "mknodat", EROFS, "mount it writable" },
		{ "mknodat", EACCES, "let the user of the service" },
		{ "mknodat", EPERM, "let the user of the service" },
		{ "mknodat", ENOENT, "removed meanwhile" },
		{ "mknodat", EIO, "check the folder" },
		{ "mkdirat", EIO, "check the folder" },
		{ "fchmodat", EPERM, "let the user of the service" },
	};
	struct machine m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_ready(&m);
		failing(cases[i].call, 0, cases[i].error);
		if (strcmp(cases[i].call, "fchmodat") == 0)
			failing("mknodat", 1, ENOENT);
		cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
		cr_expect_not_null(strstr(diag.text,
		    strerror(cases[i].error)), "%s", diag.text);
		cr_expect_not_null(strstr(diag.text, cases[i].remedy), "%s",
		    diag.text);
		failing_none();
		cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
		machine_close(&m);
	}
	open_ready(&m);
	failing("fstatat", 0, EIO);
	cr_expect_eq(peek_at(&m, HASH_B, m.now.s), FO_ERR_REPLAY_STORE);
	machine_close(&m);
}

Test(replay, a_file_that_cannot_be_made_is_not_tried_twice)
{
	struct machine m;

	open_ready(&m);
	failing("mknodat", 1, EIO);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_eq(failing_calls("mknodat"), 1);
	machine_close(&m);
}

/* Whoever is the first with a torn birth, or with none. */
Test(replay, a_birth_that_cannot_be_made_is_no_newborn)
{
	static const struct {
		const char *call;
		int error;
		fo_err missing;		/* where there is none */
		fo_err torn;		/* where there is one worth nothing */
	} cases[] = {
		{ "write", ENOSPC, FO_ERR_REPLAY_STORE, FO_ERR_REPLAY_STORE },
		{ "write", EIO, FO_ERR_REPLAY_STORE, FO_ERR_REPLAY_STORE },
		{ "linkat", EIO, FO_ERR_REPLAY_STORE, FO_ERR_REPLAY_NEWBORN },
		{ "linkat", EEXIST, FO_ERR_REPLAY_NEWBORN,
		    FO_ERR_REPLAY_NEWBORN },
		{ "renameat", EIO, FO_ERR_REPLAY_NEWBORN,
		    FO_ERR_REPLAY_STORE },
		{ "fchmod", EPERM, FO_ERR_REPLAY_STORE, FO_ERR_REPLAY_STORE },
		{ "getrandom", EIO, FO_ERR_REPLAY_STORE,
		    FO_ERR_REPLAY_STORE },
		{ "flock", ENOLCK, FO_ERR_REPLAY_NEWBORN,
		    FO_ERR_REPLAY_STORE },
		{ "flock", EWOULDBLOCK, FO_ERR_REPLAY_NEWBORN,
		    FO_ERR_REPLAY_NEWBORN },
	};
	struct machine m;
	fo_err want;
	char *birth;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int torn = 0; torn < 2; torn++) {
			machine_open(&m);
			make_own(&m);
			if (torn)
				write_own(&m, "birth", "torn");
			want = torn ? cases[i].torn : cases[i].missing;
			failing(cases[i].call, 0, cases[i].error);
			failing("unlinkat", 0, EROFS);
			cr_expect_eq(spend(&m, HASH_A), want, "%s %d: %s",
			    cases[i].call, torn, diag.text);
			cr_expect(want != FO_ERR_REPLAY_STORE ||
			    strstr(diag.text, strerror(cases[i].error)) !=
			    NULL, "%s", diag.text);
			cr_expect_eq(make(&m, geteuid()) == FO_OK,
			    want == FO_ERR_REPLAY_NEWBORN, "%s %d: %s",
			    cases[i].call, torn, diag.text);
			birth = read_own(&m, "birth");
			if (torn && want != FO_ERR_REPLAY_NEWBORN)
				cr_expect_str_eq(birth, "torn");
			free(birth);
			failing_none();
			machine_close(&m);
		}
}

Test(replay, each_look_at_the_folder_that_fails_refuses)
{
	static const char *const calls[] = { "fstat", "openat" };
	struct machine m;
	fo_err r;

	for (size_t i = 0; i < 2; i++) {
		machine_open(&m);
		make_own(&m);
		for (int nth = 1; nth < 60; nth++) {
			failing(calls[i], nth, EIO);
			r = spend(&m, HASH_A);
			if (failing_calls(calls[i]) < nth)
				break;
			/* what cannot be kept is not kept */
			cr_expect(r == FO_ERR_REPLAY_STORE || (keep != NULL &&
			    r == FO_ERR_REPLAY_NEWBORN), "%s %d: %s",
			    calls[i], nth, fo_err_word(r));
			failing_none();
			remove_own(&m);
			make_own(&m);
		}
		cr_expect_eq(r, FO_ERR_REPLAY_NEWBORN);
		failing_none();
		machine_close(&m);
	}
}

Test(replay, a_birth_that_cannot_be_read_is_a_refusal)
{
	struct machine m;
	char *name = own("birth"), *path;

	machine_open(&m);
	make_own(&m);
	path = machine_path(&m, name);
	cr_assert_eq(symlink("elsewhere", path), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "its birth cannot be read"));
	cr_expect_eq(peek_at(&m, HASH_A, m.now.s), FO_ERR_REPLAY_STORE);
	cr_expect_eq(check(&m), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "its birth cannot be read"));
	cr_expect_eq(make(&m, geteuid()), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "its birth cannot be read"));
	free(name);
	free(path);
	machine_close(&m);
}

Test(replay, without_clock_or_boot_id_nothing_is_known)
{
	struct machine m;

	open_ready(&m);
	m.now_with = FO_ERR_IO;
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "the clock cannot be read"));
	cr_expect_eq(check(&m), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "the clock cannot be read"));
	cr_expect_eq(make(&m, geteuid()), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "the clock cannot be read"));
	m.now_with = FO_OK;
	m.boot_id_with = FO_ERR_IO;
	if (keep != NULL)
		fo_replay_keep_clear(keep);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "boot id cannot be read"));
	machine_close(&m);
}

Test(replay, looking_makes_no_folder)
{
	struct machine m;
	struct fo_spend sp;
	int64_t since;

	need_root();
	machine_open(&m);
	cr_expect_eq(check(&m), FO_ERR_REPLAY_NEWBORN);
	cr_expect_eq(peek_at(&m, HASH_A, m.now.s), FO_ERR_REPLAY_NEWBORN);
	cr_expect_not(machine_has(&m, "run"));
	sp = make_spend(&m, HASH_A, m.now.s);
	cr_expect_eq(fo_replay_check(sp.folder, 1234, &m.clock, &diag,
	    &since), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "it does not exist; name"));
	machine_close(&m);
}

Test(replay, a_folder_that_is_another_users_is_not_made_ones_own)
{
	struct machine m;

	need_root();
	machine_open(&m);
	cr_assert_eq(make(&m, 0), FO_OK, "%s", diag.text);
	cr_assert_eq(chown(m.folder, 0, 0), 0);
	char *path = machine_path(&m, "run/replay/1234");
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(make(&m, 1234), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, "chown it"), "%s", diag.text);
	free(path);
	failing("mkdirat", 0, EROFS);
	cr_expect_eq(make(&m, 1235), FO_ERR_REPLAY_STORE);
	cr_expect_not_null(strstr(diag.text, strerror(EROFS)), "%s",
	    diag.text);
	failing_none();
	failing("fchown", 2, EPERM);
	cr_expect_eq(make(&m, 1236), FO_ERR_REPLAY_STORE, "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, strerror(EPERM)), "%s",
	    diag.text);
	machine_close(&m);
}

Test(replay, to_the_millisecond_what_came_before_birth_is_unknown)
{
	struct machine m;
	int64_t known;

	machine_open(&m);
	make_own(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	cr_expect_eq(check(&m), FO_OK, "born now: %s", diag.text);
	machine_pass(&m, 60);
	m.now.boot_ms++;
	known = m.now.s - 60 + 15;
	cr_expect_eq(spend_at(&m, HASH_A, known - 1), FO_ERR_REPLAY_NEWBORN);
	cr_expect_eq(spend_at(&m, HASH_A, known), FO_OK, "%s", diag.text);
	machine_close(&m);
}

static void
others_birth(struct machine *m, int nth)
{
	if (nth == 2)
		write_own(m, "birth", "another's\n");
}

Test(replay, a_birth_that_another_made_meanwhile_stays)
{
	struct machine m;
	char *birth;

	machine_open(&m);
	make_own(&m);
	m.meanwhile = others_birth;
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	birth = read_own(&m, "birth");
	cr_expect_str_eq(birth, "another's\n");
	free(birth);
	machine_close(&m);
}

Test(replay, no_minute_is_removed_without_a_floor)
{
	static const char *const calls[] = { "renameat", "write", "fchmod" };
	struct machine m;
	int64_t early;
	char *floor;

	for (size_t i = 0; i < 3; i++) {
		open_ready(&m);
		early = m.now.s;
		cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
		machine_pass(&m, 600);
		failing(calls[i], 0, EIO);
		cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
		failing_none();
		floor = read_own(&m, "floor");
		cr_expect_str_eq(floor, "");
		cr_expect(has_minute(&m, early), "%s", calls[i]);
		free(floor);
		machine_close(&m);
	}
}

Test(replay, what_a_sweep_left_is_removed_by_the_next)
{
	char minute[32], floor[32];
	struct machine m;

	machine_open(&m);
	cr_assert_eq(make(&m, geteuid()), FO_OK, "%s", diag.text);
	machine_pass(&m, 60);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	(void)snprintf(minute, sizeof(minute), "%lld",
	    (long long)(m.now.s / 60));
	(void)snprintf(floor, sizeof(floor), "%lld\n",
	    (long long)(m.now.s / 60 + 1) * 60);
	cr_assert(has_own(&m, minute));
	machine_pass(&m, 600);
	write_own(&m, "floor", floor);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_expect_not(has_own(&m, minute));
	machine_close(&m);
}

static void
damage_floor(struct machine *m, int nth)
{
	if (nth == 3) /* the sweep's look at the clock */
		write_own(m, "floor", "damaged");
}

Test(replay, nothing_is_swept_under_a_floor_that_cannot_be_read)
{
	struct machine m;
	char minute[32];
	char *floor;

	machine_open(&m);
	cr_assert_eq(make(&m, geteuid()), FO_OK, "%s", diag.text);
	machine_pass(&m, 60);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	(void)snprintf(minute, sizeof(minute), "%lld",
	    (long long)(m.now.s / 60));
	machine_pass(&m, 600);
	m.meanwhile = damage_floor;
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	m.meanwhile = NULL;
	cr_expect_geq(m.calls, 3);
	cr_expect(has_own(&m, minute));
	floor = read_own(&m, "floor");
	cr_expect_str_eq(floor, "damaged");
	free(floor);
	machine_close(&m);
}

Test(replay, once_a_minute_is_swept_and_no_more)
{
	struct machine m;
	char *name = own("10"), *path;

	open_ready(&m);
	cr_assert_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	path = machine_path(&m, name);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	cr_expect(machine_has(&m, name));
	machine_pass(&m, 60);
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	cr_expect_not(machine_has(&m, name));
	free(name);
	free(path);
	machine_close(&m);
}

static void
lose_birth(struct machine *m, int nth)
{
	char *path;

	if (nth != 2)
		return;
	path = own("birth");
	machine_remove(m, path);
	free(path);
}

Test(replay, a_proof_that_could_not_be_spent_makes_no_birth)
{
	struct machine m;

	open_ready(&m);
	m.meanwhile = lose_birth;
	failing("mknodat", 0, EIO);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	cr_expect_not(has_own(&m, "birth"));
	machine_close(&m);
}

Test(replay, a_record_has_its_mode_whatever_the_umask)
{
	const mode_t mask = umask(0777);
	char *name = own("birth"), *path;
	struct machine m;
	struct stat st;

	machine_open(&m);
	(void)umask(mask);
	make_own(&m);
	(void)umask(0777);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	(void)umask(mask);
	path = machine_path(&m, name);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	free(name);
	free(path);
	machine_close(&m);
}

/* ---- looking ---------------------------------------------------------------- */

Test(replay, peek_says_what_spend_would_and_writes_nothing)
{
	struct machine m;
	char *path = own("");
	int64_t iat;

	machine_open(&m);
	make_own(&m);
	iat = m.now.s;
	cr_expect_eq(peek_at(&m, HASH_A, iat), FO_ERR_REPLAY_NEWBORN);
	cr_expect_eq(machine_count(&m, path), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 120);
	iat = m.now.s;
	cr_expect_eq(peek_at(&m, HASH_A, iat), FO_OK, "%s", diag.text);
	cr_expect_eq(peek_at(&m, HASH_A, iat), FO_OK);
	cr_expect_eq(machine_count(&m, path), 1, "birth alone");
	cr_expect_eq(spend(&m, HASH_A), FO_OK);
	cr_expect_eq(peek_at(&m, HASH_A, iat), FO_ERR_REPLAY);
	cr_expect_eq(peek_at(&m, HASH_B, iat - 61), FO_ERR_STALE);
	free(path);
	machine_close(&m);
}

Test(replay, check_tells_since_when_the_folder_knows)
{
	const uint32_t user = (uint32_t)geteuid();
	struct machine m;
	struct fo_spend sp;
	int64_t since = 0;

	machine_open(&m);
	make_own(&m);
	sp = make_spend(&m, HASH_A, m.now.s);
	cr_expect_eq(fo_replay_check(sp.folder, user, &m.clock, &diag,
	    &since), FO_ERR_REPLAY_NEWBORN);
	cr_expect_eq(since, 0);
	cr_assert_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 500);
	cr_expect_eq(fo_replay_check(sp.folder, user, &m.clock, &diag,
	    &since), FO_OK, "%s", diag.text);
	cr_expect_eq(since, MACHINE_NOW);
	machine_close(&m);
}

Test(replay, a_folder_made_early_takes_proofs_once_it_is_older_than_they_are)
{
	const uid_t user = geteuid();
	struct machine m;
	struct fo_spend sp;

	machine_open(&m);
	if (user != 0)
		make_own(&m);
	sp = make_spend(&m, HASH_A, m.now.s);
	cr_assert_eq(fo_replay_make(sp.folder, user, getegid(), &m.clock,
	    &diag), FO_OK, "%s", diag.text);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY_NEWBORN);
	machine_pass(&m, 16);
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	/* made again it is left as it is, with what it remembers */
	cr_expect_eq(fo_replay_make(sp.folder, user, getegid(), &m.clock,
	    &diag), FO_OK, "%s", diag.text);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY);
	cr_expect_eq(spend(&m, HASH_B), FO_OK, "%s", diag.text);
	machine_close(&m);
}

Test(replay, root_makes_the_folder_of_another_user_who_then_spends_in_it)
{
	struct machine m;
	struct fo_spend sp;

	need_root();
	machine_open(&m);
	sp = make_spend(&m, HASH_A, m.now.s);
	cr_assert_eq(fo_replay_make(sp.folder, 65534, 65534, &m.clock,
	    &diag), FO_OK, "%s", diag.text);
	machine_pass(&m, 16);
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(spend(&m, HASH_A), FO_OK, "%s", diag.text);
	cr_expect_eq(spend(&m, HASH_A), FO_ERR_REPLAY);
	cr_assert_eq(seteuid(0), 0);
	machine_close(&m);
}
