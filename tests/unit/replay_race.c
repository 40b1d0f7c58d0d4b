/*
 * Each proof once, among processes: crowds, sweepers, stopped callers.
 *
 * Every child has a clock of its own, a copy of the test's.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "host/replay.h"
#include "support/machine.h"

#define CROWD 100
#define ROUNDS 20
#define HASH "q8Yw1mJ0cH5nT2vXbR7pLgAAAAAAAAAAAAAAAAAAAAA"

/* What the processes of a test share. */
struct shared {
	atomic_int won;
	atomic_int lost;
	atomic_int other;
};

static struct shared *shared;
static char folder[96];

/* The nth hash: distinct ones are distinct proofs. */
static void
nth_hash(unsigned int n, char ret[44])
{
	memcpy(ret, HASH, sizeof(HASH));
	for (int i = 0; i < 8; i++, n /= 16)
		ret[i] = (char)('A' + n % 16);
}

static fo_err
spend(struct machine *m, const char *hash, int64_t iat)
{
	const struct fo_spend sp = { .folder = folder, .hash = hash,
		.iat = iat, .max_age_s = 60, .clock_skew_s = 15,
		.clock = &m->clock, .diag = NULL };

	return fo_replay_spend(&sp);
}

/* A machine whose folder has been there for two minutes. */
static void
open_ready(struct machine *m)
{
	char *path;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(shared, MAP_FAILED);
	machine_open(m);
	(void)snprintf(folder, sizeof(folder), "%s/replay", m->folder);
	cr_assert_eq(mkdir(folder, 0755), 0);
	cr_assert_geq(asprintf(&path, "%s/%lu", folder,
	    (unsigned long)geteuid()), 0);
	cr_assert_eq(mkdir(path, 0700), 0);
	free(path);
}

static void
grow_up(struct machine *m)
{
	cr_assert_eq(spend(m, HASH, m->now.s), FO_ERR_REPLAY_NEWBORN);
	machine_pass(m, 120);
}

static void
close_all(struct machine *m)
{
	machine_close(m);
	munmap(shared, sizeof(*shared));
}

/*
 * Start n processes that wait for each other, then call run. They sleep on a
 * pipe until its one writing end is closed, which also happens if we die: a
 * crowd that spun would starve who makes it, and outlive it.
 */
static void
start(int n, void (*run)(int i, void *arg), void *arg, pid_t *pids)
{
	int gate[2];
	char byte;

	cr_assert_eq(pipe(gate), 0);
	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		cr_assert_geq(pids[i], 0);
		if (pids[i] == 0) {
			close(gate[1]);
			if (read(gate[0], &byte, 1) != 0)
				_exit(1);
			close(gate[0]);
			run(i, arg);
			_exit(0);
		}
	}
	close(gate[1]);
	close(gate[0]);
}

static void
finish(int n, const pid_t *pids)
{
	int status;

	for (int i = 0; i < n; i++) {
		cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

static void
count(fo_err r)
{
	if (r == FO_OK)
		atomic_fetch_add(&shared->won, 1);
	else if (r == FO_ERR_REPLAY)
		atomic_fetch_add(&shared->lost, 1);
	else
		atomic_fetch_add(&shared->other, 1);
}

struct offer {
	struct machine *machine;
	const char *hash;
	int64_t iat;
};

static void
offer_once(int i, void *arg)
{
	const struct offer *offer = arg;

	(void)i;
	count(spend(offer->machine, offer->hash, offer->iat));
}

Test(replay_race, of_a_hundred_processes_with_one_proof_one_is_permitted,
    .timeout = 120)
{
	struct machine m;
	pid_t pids[CROWD];
	char hash[44];

	open_ready(&m);
	grow_up(&m);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		nth_hash(round, hash);
		atomic_store(&shared->won, 0);
		atomic_store(&shared->lost, 0);
		start(CROWD, offer_once, &(struct offer){ &m, hash,
		    m.now.s }, pids);
		finish(CROWD, pids);
		cr_expect_eq(atomic_load(&shared->won), 1, "round %u", round);
		cr_expect_eq(atomic_load(&shared->lost), CROWD - 1,
		    "round %u", round);
	}
	close_all(&m);
}

Test(replay_race, many_first_callers_make_one_birth_and_none_passes,
    .timeout = 60)
{
	struct machine m;
	pid_t pids[CROWD];
	char *own;

	open_ready(&m);
	start(CROWD, offer_once, &(struct offer){ &m, HASH, m.now.s }, pids);
	finish(CROWD, pids);
	cr_expect_eq(atomic_load(&shared->other), CROWD);
	cr_assert_geq(asprintf(&own, "replay/%lu",
	    (unsigned long)geteuid()), 0);
	cr_expect_eq(machine_count(&m, own), 1, "birth alone");
	free(own);
	machine_pass(&m, 16);
	cr_expect_eq(spend(&m, HASH, m.now.s), FO_OK);
	close_all(&m);
}

/*
 * Even processes live an hour later and have the minute of a used proof
 * swept; odd ones, whose clock has not moved, offer that proof all the while.
 */
static void
sweep_or_offer(int i, void *arg)
{
	const struct offer *offer = arg;
	struct machine *m = offer->machine;
	char hash[44];

	if (i % 2 == 0)
		machine_pass(m, 3600);
	for (unsigned int n = 0; n < 60; n++) {
		if (i % 2 == 0) {
			nth_hash((unsigned int)i * 1000 + n + 100000, hash);
			(void)spend(m, hash, m->now.s);
			machine_pass(m, 60);
		} else {
			count(spend(m, offer->hash, offer->iat));
		}
	}
}

Test(replay_race, a_removal_under_way_lets_no_used_proof_pass,
    .timeout = 120)
{
	struct machine m;
	pid_t pids[8];
	char hash[44];

	for (unsigned int round = 0; round < ROUNDS; round++) {
		open_ready(&m);
		grow_up(&m);
		nth_hash(round, hash);
		cr_assert_eq(spend(&m, hash, m.now.s), FO_OK);
		start(8, sweep_or_offer, &(struct offer){ &m, hash,
		    m.now.s }, pids);
		finish(8, pids);
		cr_expect_eq(atomic_load(&shared->won), 0, "round %u", round);
		cr_expect_eq(atomic_load(&shared->lost) +
		    atomic_load(&shared->other), 4 * 60);
		close_all(&m);
	}
}

/* The folder goes as a whole, again and again, while a crowd offers. */
static void
move_or_offer(int i, void *arg)
{
	const struct offer *offer = arg;
	char *own, *from, *to;

	if (i != 0) {
		for (int n = 0; n < 100; n++)
			count(spend(offer->machine, offer->hash, offer->iat));
		return;
	}
	if (asprintf(&own, "replay/%lu", (unsigned long)geteuid()) < 0)
		_exit(1);
	from = machine_path(offer->machine, own);
	for (int n = 0; n < 50; n++) {
		if (asprintf(&to, "%s/moved-%d", offer->machine->folder,
		    n) < 0)
			_exit(1);
		if (rename(from, to) != 0 ||
		    (mkdir(from, 0700) != 0 && errno != EEXIST))
			_exit(1);
		free(to);
	}
	free(from);
	free(own);
}

Test(replay_race, a_folder_replaced_again_and_again_lets_a_proof_pass_once,
    .timeout = 120)
{
	struct machine m;
	pid_t pids[6];
	char hash[44];

	for (unsigned int round = 0; round < 10; round++) {
		open_ready(&m);
		grow_up(&m);
		nth_hash(round, hash);
		start(6, move_or_offer, &(struct offer){ &m, hash,
		    m.now.s + 15 }, pids);
		finish(6, pids);
		cr_expect_leq(atomic_load(&shared->won), 1, "round %u",
		    round);
		close_all(&m);
	}
}

/* ---- stopped processes ----------------------------------------------------- */

static void
stop_at_2(struct machine *m, int nth)
{
	(void)m;
	if (nth == 2)
		raise(SIGSTOP);
}

static void
stop_at_3(struct machine *m, int nth)
{
	(void)m;
	if (nth == 3)
		raise(SIGSTOP);
}

/* Fork a caller that stops itself in the middle; wait until it has. */
static pid_t
start_stopped(struct machine *m, void (*where)(struct machine *, int),
    const char *hash)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		m->calls = 0;
		m->meanwhile = where;
		_exit(-spend(m, hash, m->now.s));
	}
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, WUNTRACED), pid);
	cr_assert(WIFSTOPPED(status));
	return pid;
}

static fo_err
resume(pid_t pid)
{
	int status;

	cr_assert_eq(kill(pid, SIGCONT), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return (fo_err)-WEXITSTATUS(status);
}

/*
 * A caller is stopped after it made its file, for an hour, in which the file
 * is swept. It finds out, even though its own clock has not moved.
 */
Test(replay_race, a_caller_stopped_until_its_minute_was_swept_is_refused,
    .timeout = 60)
{
	struct machine m;
	char hash[44], later[44];
	pid_t pid;

	open_ready(&m);
	grow_up(&m);
	nth_hash(1, hash);
	nth_hash(2, later);
	pid = start_stopped(&m, stop_at_2, hash);
	machine_pass(&m, 3600);
	cr_expect_eq(spend(&m, later, m.now.s), FO_OK);
	cr_expect_eq(resume(pid), FO_ERR_STALE);
	close_all(&m);
}

/* Its third look at the clock is in the sweep, with the lock in its hand. */
Test(replay_race, a_stopped_sweeper_delays_no_login, .timeout = 60)
{
	struct machine m;
	char first[44], stopped[44], later[44];
	int64_t iat;
	pid_t pid;

	open_ready(&m);
	grow_up(&m);
	nth_hash(1, first);
	nth_hash(2, stopped);
	nth_hash(3, later);
	iat = m.now.s;
	cr_assert_eq(spend(&m, first, iat), FO_OK);
	machine_pass(&m, 3600);
	pid = start_stopped(&m, stop_at_3, stopped);
	machine_pass(&m, 60);
	cr_expect_eq(spend(&m, later, m.now.s), FO_OK);
	cr_expect_eq(resume(pid), FO_OK, "its own proof was in time");
	machine_set(&m, iat);
	cr_expect_eq(spend(&m, first, iat), FO_ERR_STALE, "swept at last");
	close_all(&m);
}
