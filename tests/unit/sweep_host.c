/*
 * The host's work with each of its calls failing in turn: nobody is let in
 * by trouble of ours, nothing is left half done, and it is done all the same
 * once calls work again.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "fuzz/fuzz.h"
#include "host/kin.h"
#include "host/process.h"
#include "host/replay.h"
#include "host/session.h"
#include "support/cee.h"
#include "support/place.h"
#include "support/sweep.h"

#define OTHER_ID "fo_agent_00000000-0000-4000-8000-000000000001"
#define LOCK_MS 0 /* nobody else writes */

static struct place p;
static struct fo_diag diag;
static char run_folder[96];
static char pending[FO_PENDING_NAME_SIZE];
static bool there;	/* what the store said of the last file */

static void
open_place(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	place_open(&p);
	fuzz_faults_syslog(p.log_path);
	(void)snprintf(run_folder, sizeof(run_folder), "%s/run",
	    p.machine.folder);
}

static void
close_place(void)
{
	fuzz_faults_syslog(NULL);
	place_close(&p);
}

TestSuite(sweep_host, .init = open_place, .fini = close_place,
    .timeout = 300);

/* ---- the decision ------------------------------------------------------ */

/* Another proof each time, and nothing said before. */
static void
sign_another(void *arg)
{
	static char jti[32];
	static int count;

	(void)arg;
	(void)snprintf(jti, sizeof(jti), "proof-%010d", ++count);
	p.claims.jti = jti;
	place_sign(&p);
	while (place_event(&p) != NULL)
		continue;
	p.prepared = 0;
}

static fo_err
decide(void *arg)
{
	(void)arg;
	return place_decide(&p);
}

/* Somebody is let in, and only then an event says so. */
static void
look_at_decision(void *arg, fo_err r)
{
	const char *event = place_event(&p);

	(void)arg;
	cr_expect_eq(p.decision.why, r);
	cr_expect_eq(p.decision.res == FO_RES_PERMIT, r == FO_OK);
	if (r == FO_OK) {
		cr_expect_eq(p.prepared, 1);
		cr_expect_not_null(event);
	}
	if (event != NULL)
		cr_expect_str_eq(cee_get(event, "why"), fo_err_word(r));
	cr_expect_null(place_event(&p));
}

Test(sweep_host, a_decision_lets_nobody_in_by_trouble_of_ours)
{
	static const struct sweep work = { .what = "a decision",
		.before = sign_another, .act = decide,
		.after = look_at_decision };

	sweep(&work, NULL);
}

/* ---- a program that keeps what it read ---------------------------------- */

/* Old enough to be kept, as base/stamp.h has it. */
#define RIPE_S 4

/* Nothing is kept yet. */
static void
forget(void *arg)
{
	fo_store_free(&p.store.store);
	cr_assert_eq(fo_store_new(p.store.config, &diag, &p.store.store),
	    FO_OK, "%s", diag.text);
	cr_assert_eq(fo_store_keep(p.store.store), FO_OK);
	p.authority.store = p.store.store;
	fo_keep_clear(&p.keep);
	p.authority.keep = &p.keep;
	sign_another(arg);
}

static fo_err
decide_and_let_go(void *arg)
{
	const fo_err r = decide(arg);
	const bool held = fuzz_faults_hold();

	fo_keep_clear(&p.keep);
	fuzz_faults_release(held);
	return r;
}

/* There is room for it or not: what was decided is the same. */
static void
look_and_decide_again(void *arg, fo_err r)
{
	look_at_decision(arg, r);
	sign_another(arg);
	cr_expect_eq(decide(arg), FO_OK);
	look_at_decision(arg, FO_OK);
}

Test(sweep_host, who_cannot_keep_what_it_read_reads_it_again)
{
	static const struct sweep work = { .what = "a decision that is kept",
		.before = forget, .act = decide_and_let_go,
		.after = look_and_decide_again, .step = 3 };

	(void)sleep(RIPE_S);
	sweep(&work, NULL);
}

Test(sweep_host, a_store_that_has_no_memory_to_keep_anything_says_so)
{
	fo_err r;

	fuzz_faults_arm_call("calloc", 0, FUZZ_ONCE);
	r = fo_store_keep(p.store.store);
	fuzz_faults_disarm();
	cr_expect_eq(r, FO_ERR_NOMEM);
	cr_expect_eq(fo_store_keep(p.store.store), FO_OK);
}

static fo_err
preview(void *arg)
{
	(void)arg;
	return fo_decide_preview(&p.authority, &p.attempt, &p.decision);
}

static fo_err
look_again(void *arg)
{
	(void)arg;
	return fo_still_permitted(&p.authority, FIXTURE_ID, FORGE_JKT, "sshd",
	    "deploy", "10.2.3.4", &diag);
}

Test(sweep_host, looking_without_spending_gives_no_verdict_by_trouble_of_ours)
{
	static const struct sweep works[] = {
		{ .what = "a preview", .before = sign_another,
		    .act = preview },
		{ .what = "a second look", .act = look_again },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

static fo_err
tell_file(void *arg)
{
	char sink[96];
	char *sinks[] = { sink, NULL }, *none[] = { NULL };
	const struct fo_audit audit = { .tag = "test", .required = sinks,
		.best_effort = none };
	struct fo_event event;
	fo_err r;

	(void)arg;
	(void)snprintf(sink, sizeof(sink), "file:%s/events",
	    p.machine.folder);
	if ((r = fo_event_init(&event, &fo_clock_system)) != FO_OK)
		return r;
	return fo_audit_emit(&audit, &event, &diag);
}

static void
remove_events(void *arg)
{
	(void)arg;
	machine_remove(&p.machine, "events");
}

Test(sweep_host, an_event_is_in_its_file_or_the_caller_knows)
{
	static const struct sweep work = { .what = "an event",
		.before = remove_events, .act = tell_file };

	sweep(&work, NULL);
}

/* ---- used proofs -------------------------------------------------------- */

static struct fo_spend
make_spend(void)
{
	return (struct fo_spend){ .folder = p.config->replay_folder,
		.hash = FORGE_JKT, .iat = p.machine.now.s, .max_age_s = 60,
		.clock_skew_s = 15, .clock = &p.machine.clock,
		.diag = &diag };
}

static void
remove_run(void *arg)
{
	(void)arg;
	machine_remove(&p.machine, "run");
}

static fo_err
make_replay(void *arg)
{
	(void)arg;
	return fo_replay_make(p.config->replay_folder, geteuid(), getegid(),
	    &p.machine.clock, &diag);
}

static fo_err
make_replay_for_another(void *arg)
{
	(void)arg;
	return fo_replay_make(p.config->replay_folder, 1234, 1234,
	    &p.machine.clock, &diag);
}

/* A birth of another boot, which somebody has to replace. */
static void
start_again(void *arg)
{
	char birth[96];

	remove_run(arg);
	cr_assert_eq(make_replay(NULL), FO_OK, "%s", diag.text);
	(void)snprintf(birth, sizeof(birth), "run/replay/%lu/birth",
	    (unsigned long)geteuid());
	machine_write(&p.machine, birth, "another boot\n");
}

/* A folder that knows the last hour, in which an old minute can be swept. */
static void
pass_an_hour(void *arg)
{
	struct fo_spend spend;

	remove_run(arg);
	cr_assert_eq(make_replay(NULL), FO_OK, "%s", diag.text);
	machine_pass(&p.machine, 60);
	spend = make_spend();
	cr_assert_eq(fo_replay_spend(&spend), FO_OK, "%s", diag.text);
	machine_pass(&p.machine, 3600);
}

static fo_err
spend(void *arg)
{
	const struct fo_spend spend = make_spend();

	(void)arg;
	return fo_replay_spend(&spend);
}

/* Whatever failed: whoever was let in was the last with this proof. */
static void
spend_again(void *arg, fo_err r)
{
	const fo_err again = spend(arg);

	if (r == FO_OK)
		cr_expect_eq(again, FO_ERR_REPLAY, "%s", fo_err_word(again));
	cr_expect(again == FO_OK || again == FO_ERR_REPLAY, "%s",
	    fo_err_word(again));
}

static fo_err
check_replay(void *arg)
{
	int64_t since;

	(void)arg;
	return fo_replay_check(p.config->replay_folder, geteuid(),
	    &p.machine.clock, &diag, &since);
}

Test(sweep_host, a_proof_is_spent_once_whatever_fails)
{
	static const struct sweep works[] = {
		{ .what = "a folder of used proofs", .before = remove_run,
		    .act = make_replay, .memory = true },
		{ .what = "a folder for another user", .before = remove_run,
		    .act = make_replay_for_another, .memory = true },
		{ .what = "a new birth", .before = start_again,
		    .act = make_replay },
		{ .what = "the spending of a proof", .before = pass_an_hour,
		    .act = spend, .after = spend_again, .step = 3 },
		{ .what = "a look at the folder", .act = check_replay,
		    .memory = true },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

/* A failure of memory is no word on the folder. */
Test(sweep_host, a_proof_that_finds_no_memory_is_told_so)
{
	static const char *const calls[] = { "strdup", "asprintf" };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool faulted = true;

		for (uint32_t nth = 0; faulted; nth++) {
			fo_err r;

			pass_an_hour(NULL);
			fuzz_faults_arm_call(calls[i], nth, FUZZ_ONCE);
			r = spend(NULL);
			faulted = fuzz_faulted();
			fuzz_faults_disarm();
			cr_expect_eq(r, faulted ? FO_ERR_NOMEM : FO_OK,
			    "%s %u: %s", calls[i], nth, fo_err_word(r));
		}
	}
}

/* ---- login records ------------------------------------------------------ */

static struct fo_login_record
make_record(void)
{
	static char service[] = "sshd", user[] = "deploy", src[] = "10.2.3.4";

	return (struct fo_login_record){ .sid = "4f9c2a1bq0T9b2c7dE1xYw",
		.id = FIXTURE_ID, .kind = "agent", .name = "build-bot",
		.owner = "team-platform", .jkt = FORGE_JKT,
		.service = service, .user = user, .src = src,
		.since = MACHINE_NOW, .pid = getpid() };
}

static fo_err
put_pending(void *arg)
{
	const struct fo_login_record record = make_record();

	(void)arg;
	return fo_pending_put(run_folder, &record, &p.machine.clock, &diag,
	    pending);
}

static void
drop_pending(void *arg)
{
	(void)arg;
	machine_remove(&p.machine, "run/pending");
}

static void
have_pending(void *arg)
{
	drop_pending(arg);
	cr_assert_eq(put_pending(arg), FO_OK, "%s", diag.text);
}

static fo_err
take_pending(void *arg)
{
	struct fo_login_record record;
	fo_err r;

	(void)arg;
	r = fo_pending_take(run_folder, pending, "sshd", &p.machine.clock,
	    &diag, &record);
	if (r == FO_OK)
		fo_login_record_clear(&record);
	return r;
}

/* Nobody takes it twice. */
static void
take_again(void *arg, fo_err r)
{
	if (r == FO_OK)
		cr_expect_eq(take_pending(arg), FO_ERR_NOT_FOUND);
}

static void
drop_session(void *arg)
{
	(void)arg;
	machine_remove(&p.machine, "run/sessions");
}

static fo_err
put_session(void *arg)
{
	struct fo_login_record record = make_record();
	fo_err r;

	(void)arg;
	if ((r = fo_process_start(record.pid, &record.pid_start)) != FO_OK)
		return r;
	return fo_session_put(run_folder, &record, &diag);
}

static void
have_session(void *arg)
{
	drop_session(arg);
	cr_assert_eq(put_session(arg), FO_OK, "%s", diag.text);
}

static fo_err
count_session(const struct fo_login_record *record, void *arg)
{
	cr_expect_str_eq(record->sid, make_record().sid);
	++*(size_t *)arg;
	return FO_OK;
}

/* A session that is there is visited, or it is said that it may be. */
static fo_err
visit_sessions(void *arg)
{
	size_t count = 0, unread = 0;
	const fo_err r = fo_session_each(run_folder, &diag, count_session,
	    &count, &unread);

	(void)arg;
	if (r != FO_OK)
		return r;
	cr_expect_eq(count + unread, 1);
	return count == 1 ? FO_OK : FO_ERR_SESSION;
}

/* Want of memory is said: it may be any session, and is no damaged record. */
Test(sweep_host, a_visit_of_sessions_says_that_there_is_no_memory)
{
	static const char *const calls[] = { "malloc", "calloc", "realloc",
		"reallocarray", "strdup", "strndup" };
	size_t faults = 0;

	have_session(NULL);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool faulted = true;

		for (uint32_t nth = 0; faulted; nth++) {
			size_t count = 0, unread = 0;
			fo_err r;

			fuzz_faults_arm_call(calls[i], nth, FUZZ_ONCE);
			r = fo_session_each(run_folder, &diag, count_session,
			    &count, &unread);
			faulted = fuzz_faulted();
			fuzz_faults_disarm();
			cr_expect_eq(r, faulted ? FO_ERR_NOMEM : FO_OK,
			    "%s %u: %s", calls[i], nth, fo_err_word(r));
			faults += faulted;
		}
	}
	cr_expect_gt(faults, 0);
}

/* ---- whose login ---------------------------------------------------------- */

static struct fo_login_record
make_whole_record(void)
{
	static char ruser[] = "build", tty[] = "pts/3";
	struct fo_login_record record = make_record();

	record.ruser = ruser;
	record.tty = tty;
	cr_assert_eq(fo_process_start(record.pid, &record.pid_start), FO_OK);
	return record;
}

static void
have_whole_session(void *arg)
{
	const struct fo_login_record record = make_whole_record();

	drop_session(arg);
	drop_pending(arg);
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK, "%s",
	    diag.text);
}

static void
have_whole_pending(void *arg)
{
	const struct fo_login_record record = make_whole_record();

	drop_session(arg);
	drop_pending(arg);
	cr_assert_eq(fo_pending_put(run_folder, &record, &p.machine.clock,
	    &diag, pending), FO_OK, "%s", diag.text);
}

/* The login of this process, whole or not at all. */
static fo_err
find_login(void *arg)
{
	struct fo_login_record record;
	fo_err r;

	(void)arg;
	if ((r = fo_login_of(run_folder, getpid(), &diag, &record)) != FO_OK)
		return r;
	cr_expect_str_eq(record.sid, make_record().sid);
	cr_expect_str_eq(record.service, "sshd");
	cr_expect_str_eq(record.user, "deploy");
	cr_expect_str_eq(record.ruser, "build");
	cr_expect_str_eq(record.src, "10.2.3.4");
	cr_expect_str_eq(record.tty, "pts/3");
	fo_login_record_clear(&record);
	return FO_OK;
}

Test(sweep_host, a_login_is_found_whole_or_not_at_all)
{
	static const struct sweep works[] = {
		{ .what = "the login of a session",
		    .before = have_whole_session, .act = find_login,
		    .memory = true },
		{ .what = "a login before its session",
		    .before = have_whole_pending, .act = find_login,
		    .memory = true },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

static fo_err
remove_session(void *arg)
{
	(void)arg;
	return fo_session_remove(run_folder, make_record().sid, getpid(), &diag);
}

Test(sweep_host, a_login_record_is_taken_once_whatever_fails)
{
	static const struct sweep works[] = {
		{ .what = "a pending record", .before = drop_pending,
		    .act = put_pending },
		{ .what = "the taking of a record", .before = have_pending,
		    .act = take_pending, .after = take_again,
		    .memory = true },
		{ .what = "a session's record", .before = drop_session,
		    .act = put_session },
		{ .what = "a visit of sessions", .before = have_session,
		    .act = visit_sessions },
		{ .what = "the end of a session", .before = have_session,
		    .act = remove_session },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

/* ---- the store ----------------------------------------------------------- */

static struct fo_principal *
read_principal(const char *id)
{
	struct fo_principal *principal = NULL;
	const fo_err r = fo_store_principal(p.store.store, id, &diag,
	    &principal);

	cr_expect(r == FO_OK || r == FO_ERR_NOT_FOUND, "%s", diag.text);
	return principal;
}

static void
remove_one(const char *name)
{
	char *path = store_fixture_path(&p.store, name);

	(void)unlink(path);
	free(path);
}

static void
remove_other(void *arg)
{
	(void)arg;
	remove_one("principals.d/" OTHER_ID ".yaml");
	remove_one("keys.d/" FIXTURE_JKT);
}

static fo_err
create(void *arg)
{
	struct fo_pkey key = { .jkt = FIXTURE_JKT, .created = MACHINE_NOW };
	const struct fo_principal other = { .id = OTHER_ID,
		.status = FO_STATUS_ACTIVE, .kind = FO_KIND_AGENT,
		.name = "other", .owner = "ops", .keys = &key,
		.keys_count = 1 };
	struct fo_store_lock *lock = NULL;
	fo_err r;

	(void)arg;
	there = false;
	if ((r = fo_store_lock(p.store.store, LOCK_MS, &diag, &lock)) !=
	    FO_OK)
		return r;
	r = fo_store_create(p.store.store, lock, &other, &diag, &there);
	fo_store_unlock(&lock);
	return r;
}

/* The file is whole or not there, as was said, and nothing is in the way. */
static void
create_again(void *arg, fo_err r)
{
	struct fo_principal *other = read_principal(OTHER_ID);
	char id[FO_ID_SIZE];

	cr_expect(r != FO_OK || there);
	cr_expect_eq(other != NULL, there);
	if (other != NULL) {
		cr_expect_eq(fo_store_find(p.store.store, FIXTURE_JKT, &diag,
		    id), FO_OK, "%s", diag.text);
		cr_expect_str_eq(id, OTHER_ID);
	}
	cr_expect_eq(create(arg), other != NULL ? FO_ERR_EXISTS : FO_OK, "%s",
	    diag.text);
	fo_principal_free(&other);
}

static fo_status wanted;

static fo_err
replace(void *arg)
{
	struct fo_principal *before = NULL, *after = NULL;
	struct fo_store_lock *lock = NULL;
	fo_err r;

	(void)arg;
	there = false;
	if ((r = fo_store_lock(p.store.store, LOCK_MS, &diag, &lock)) !=
	    FO_OK)
		return r;
	if ((r = fo_store_principal(p.store.store, FIXTURE_ID, &diag,
	    &before)) == FO_OK &&
	    (r = fo_store_principal(p.store.store, FIXTURE_ID, &diag,
	    &after)) == FO_OK) {
		after->status = before->status == FO_STATUS_ACTIVE ?
		    FO_STATUS_SUSPENDED : FO_STATUS_ACTIVE;
		wanted = after->status;
		r = fo_store_replace(p.store.store, lock, before, after,
		    &diag, &there);
	}
	fo_principal_free(&before);
	fo_principal_free(&after);
	fo_store_unlock(&lock);
	return r;
}

/* The old file or the new one, as was said. */
static void
expect_principal(void *arg, fo_err r)
{
	struct fo_principal *now = read_principal(FIXTURE_ID);

	(void)arg;
	cr_expect(r != FO_OK || there);
	cr_assert_not_null(now);
	cr_expect(!there || now->status == wanted);
	fo_principal_free(&now);
}

static void
remove_link(void *arg)
{
	(void)arg;
	remove_one("keys.d/" FORGE_JKT);
}

static fo_err
make_index(void *arg)
{
	struct fo_store_lock *lock = NULL;
	size_t made;
	fo_err r;

	(void)arg;
	if ((r = fo_store_lock(p.store.store, LOCK_MS, &diag, &lock)) !=
	    FO_OK)
		return r;
	r = fo_store_index(p.store.store, lock, &diag, &made);
	fo_store_unlock(&lock);
	return r;
}

/* An index that is said to be made is whole. */
static void
expect_link(void *arg, fo_err r)
{
	char id[FO_ID_SIZE];

	(void)arg;
	if (r == FO_OK)
		cr_expect_eq(fo_store_find(p.store.store, FORGE_JKT, &diag,
		    id), FO_OK, "%s", diag.text);
}

Test(sweep_host, the_store_holds_the_old_file_or_the_new_one_whatever_fails)
{
	static const struct sweep works[] = {
		{ .what = "a new principal", .before = remove_other,
		    .act = create, .after = create_again, .memory = true },
		{ .what = "a changed principal", .act = replace,
		    .after = expect_principal, .memory = true },
		{ .what = "the index", .before = remove_link,
		    .act = make_index, .after = expect_link,
		    .memory = true },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

/* ---- what is read ----------------------------------------------------------- */

#define DOC(text) "---\nversion: 1\n" text "...\n"

static fo_err
open_store(void *arg)
{
	struct fo_store *store = NULL;
	fo_err r;

	(void)arg;
	r = fo_store_new("/etc/firstops/firstops.yaml", &diag, &store);
	cr_expect_eq(r == FO_OK, store != NULL);
	fo_store_free(&store);
	return r;
}

static fo_err
parse_policy(void *arg)
{
	static const char text[] = DOC("policy: p\nrules:\n"
	    "  - rule: a\n    effect: allow\n    channel: login\n"
	    "    when:\n      service: [sshd]\n      account: [deploy]\n"
	    "      host: [\"web-*\"]\n      source: [10.0.0.0/8]\n"
	    "      time: {days: [mon], from: \"08:00\", to: \"20:00\"}\n"
	    "  - rule: b\n    effect: deny\n    channel: http\n"
	    "    when: {method: [GET], url: [\"https://x/*\"]}\n"
	    "  - rule: c\n    effect: deny\n    channel: command\n"
	    "    when: {command: [ls]}\n");
	struct fo_policy *policy = NULL;
	fo_err r;

	(void)arg;
	r = fo_policy_parse("p.yaml", "p", text, strlen(text), &diag,
	    &policy);
	cr_expect_eq(r == FO_OK, policy != NULL);
	if (policy != NULL) {
		cr_expect_eq(policy->rules_count, 3);
		cr_expect_not_null(policy->rules[0].hours);
		cr_expect_eq(policy->rules[0].sources_count, 1);
		cr_expect_not_null(policy->rules[1].urls);
		cr_expect_not_null(policy->rules[2].commands);
	}
	fo_policy_free(&policy);
	return r;
}

static fo_err
parse_group(void *arg)
{
	static const char text[] = DOC("group: g\ndescription: those\n"
	    "policies: [p]\n");
	struct fo_group *group = NULL;
	fo_err r;

	(void)arg;
	r = fo_group_parse("g.yaml", "g", text, strlen(text), &diag, &group);
	cr_expect_eq(r == FO_OK, group != NULL);
	if (group != NULL)
		cr_expect_str_eq(group->description, "those");
	fo_group_free(&group);
	return r;
}

/* Read, and written again. */
static fo_err
parse_principal(void *arg)
{
	static const char text[] = DOC("status: active\nid: " FIXTURE_ID "\n"
	    "kind: agent\nname: a\nowner: b\ngroups: [g]\n"
	    "policies: [p]\naccounts: [deploy]\nkeys:\n"
	    "  - thumbprint: " FIXTURE_JKT "\n"
	    "    created: 2026-01-01T00:00:00Z\n"
	    "    revoked: 2026-01-02T00:00:00Z\n    reason: lost\n");
	struct fo_principal *principal = NULL;
	char *written = NULL;
	fo_err r;

	(void)arg;
	r = fo_principal_parse("p.yaml", FIXTURE_ID, text, strlen(text),
	    &diag, &principal);
	cr_expect_eq(r == FO_OK, principal != NULL);
	if (r == FO_OK) {
		cr_expect_eq(principal->keys_count, 1);
		cr_expect_str_eq(principal->keys[0].reason, "lost");
		r = fo_principal_format(principal, &written);
		cr_expect_eq(r == FO_OK, written != NULL);
	}
	free(written);
	fo_principal_free(&principal);
	return r;
}

Test(sweep_host, a_file_is_read_whole_or_there_is_no_memory)
{
	static const struct sweep works[] = {
		{ .what = "a policy", .act = parse_policy, .memory = true },
		{ .what = "a group", .act = parse_group, .memory = true },
		{ .what = "a principal", .act = parse_principal,
		    .memory = true },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

static fo_err
load_principal(void *arg)
{
	struct fo_principal *principal = NULL;
	char id[FO_ID_SIZE];
	fo_err r;

	(void)arg;
	diag.text[0] = '\0';
	if ((r = fo_store_find(p.store.store, FORGE_JKT, &diag, id)) == FO_OK)
		r = fo_store_principal(p.store.store, id, &diag, &principal);
	cr_expect_eq(r == FO_OK, principal != NULL);
	cr_expect(r == FO_ERR_NOMEM || (r == FO_OK) == (diag.text[0] == '\0'),
	    "%s: '%s'", fo_err_word(r), diag.text);
	fo_principal_free(&principal);
	return r;
}

static fo_err
load_policy(void *arg)
{
	struct fo_policy *policy = NULL;
	fo_err r;

	(void)arg;
	r = fo_store_policy(p.store.store, "logins", &diag, &policy);
	cr_expect_eq(r == FO_OK, policy != NULL);
	fo_policy_free(&policy);
	return r;
}

static fo_err
count_one(const char *name, void *arg)
{
	(void)name;
	++*(int *)arg;
	return FO_OK;
}

static fo_err
walk(void *arg)
{
	int n = 0;
	fo_err r;

	(void)arg;
	r = fo_store_each(p.store.store, FO_STORE_PRINCIPALS, &diag,
	    count_one, &n);
	cr_expect(r != FO_OK || n == 1);
	return r;
}

Test(sweep_host, the_store_is_read_or_says_what_failed)
{
	static const struct sweep works[] = {
		{ .what = "a store", .act = open_store, .memory = true },
		{ .what = "a principal of the store", .act = load_principal,
		    .memory = true },
		{ .what = "a policy of the store", .act = load_policy,
		    .memory = true },
		{ .what = "the names of principals", .act = walk,
		    .memory = true },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

static struct store_fixture second;

static void
close_second(void)
{
	if (second.store != NULL)
		store_fixture_close(&second);
}

static void
open_second(void *arg)
{
	(void)arg;
	close_second();
	store_fixture_open_bare(&second);
}

static fo_err
init(void *arg)
{
	(void)arg;
	return fo_store_init(second.store, FIXTURE_HOST, &diag);
}

/* Made again, it is whole. */
static void
init_again(void *arg, fo_err r)
{
	struct fo_config *config = NULL;

	if (r != FO_OK)
		r = init(arg);
	cr_expect(r == FO_OK || r == FO_ERR_EXISTS, "%s", diag.text);
	cr_expect_eq(fo_store_config(second.store, &diag, &config), FO_OK,
	    "%s", diag.text);
	fo_config_free(&config);
}

Test(sweep_host, a_store_half_made_is_made_by_the_next_call)
{
	static const struct sweep work = { .what = "a new store",
		.before = open_second, .act = init, .after = init_again,
		.memory = true, .step = 7 };

	sweep(&work, NULL);
	close_second();
}
