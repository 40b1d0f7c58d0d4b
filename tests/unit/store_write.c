/*
 * Writing the store: what a crash, a rival or a full disk leaves behind.
 */
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "host/node.h"
#include "support/refusal.h"
#include "support/store_fixture.h"

#define OTHER_ID "fo_agent_00000000-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define OTHER_JKT "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
#define THIRD_JKT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PRINCIPAL "principals.d/" FIXTURE_ID ".yaml"

static struct store_fixture f;

static void
setup(void)
{
	store_fixture_open(&f);
	store_fixture_agent(&f, FIXTURE_ID, FIXTURE_JKT, "deploy");
}

static void
teardown(void)
{
	store_fixture_close(&f);
}

TestSuite(store_write, .init = setup, .fini = teardown);

/* How many names there are in FOLDER/part. */
static size_t
names_in(const char *part)
{
	char *path = store_fixture_path(&f, part);
	DIR *dir = opendir(path);
	size_t n = 0;

	cr_assert_not_null(dir, "%s", path);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	free(path);
	return n - 2; /* "." and ".." */
}

static bool
exists(const char *name)
{
	char *path = store_fixture_path(&f, name);
	struct stat st;
	const bool there = lstat(path, &st) == 0;

	free(path);
	return there;
}

static struct fo_store_lock *
locked(void)
{
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(fo_store_lock(f.store, 1000, &diag, &lock), FO_OK, "%s",
	    diag.text);
	return lock;
}

/* An agent with these keys (NULL: none); valid until the next call. */
static const struct fo_principal *
agent(const char *id, const char *jkt_a, const char *jkt_b)
{
	static struct fo_pkey keys[2];
	static struct fo_principal principal;

	memset(keys, 0, sizeof(keys));
	principal = (struct fo_principal){ .status = FO_STATUS_ACTIVE,
		.name = "etl", .owner = "team-data", .keys = keys };
	memcpy(principal.id, id, strlen(id) + 1);
	if (jkt_a != NULL) {
		memcpy(keys[0].jkt, jkt_a, sizeof(keys[0].jkt));
		keys[0].created = 1;
		principal.keys_count = 1;
	}
	if (jkt_b != NULL) {
		memcpy(keys[1].jkt, jkt_b, sizeof(keys[1].jkt));
		keys[1].created = 1;
		principal.keys_count = 2;
	}
	return &principal;
}

static fo_err
create(const struct fo_principal *principal, struct fo_diag *diag)
{
	struct fo_store_lock *lock = locked();
	bool there = false;
	const fo_err r = fo_store_create(f.store, lock, principal, diag,
	    &there);

	cr_expect_eq(there, r == FO_OK);
	fo_store_unlock(&lock);
	return r;
}

/* ---- init ------------------------------------------------------------ */

Test(store_write, init_makes_a_store_that_every_reader_takes)
{
	static const char *const folders[] = { "", "principals.d", "keys.d",
		"groups.d", "policies.d" };
	static const char *const files[] = { "firstops.yaml",
		"groups.d/default.yaml", "policies.d/logins.yaml" };
	struct fo_config *config = NULL;
	struct fo_diag diag = { .text = "" };
	struct stat st;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *path = store_fixture_path(&f, folders[i]);

		cr_assert_eq(stat(path, &st), 0, "%s", path);
		cr_expect_eq(st.st_mode & 07777, 0755, "%s", path);
		free(path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *path = store_fixture_path(&f, files[i]);

		cr_assert_eq(lstat(path, &st), 0, "%s", path);
		cr_expect_eq(st.st_mode & 07777, 0644, "%s", path);
		cr_expect_eq(st.st_nlink, 1, "%s", path);
		free(path);
	}
	cr_assert_eq(fo_store_config(f.store, &diag, &config), FO_OK, "%s",
	    diag.text);
	cr_expect_str_eq(config->host, FIXTURE_HOST);
	fo_config_free(&config);
}

Test(store_write, modes_do_not_depend_on_the_umask)
{
	static const mode_t masks[] = { 0, 022, 077 };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct store_fixture other;
		char *path;
		struct stat st;
		mode_t old;

		store_fixture_open_bare(&other);
		old = umask(masks[i]);
		cr_expect_eq(fo_store_init(other.store, "web-1", NULL),
		    FO_OK);
		(void)umask(old);
		path = store_fixture_path(&other, "keys.d");
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 07777, 0755);
		cr_assert_eq(stat(other.config, &st), 0);
		cr_expect_eq(st.st_mode & 07777, 0644);
		free(path);
		store_fixture_close(&other);
	}
}

Test(store_write, a_new_store_allows_logins_to_listed_accounts_only)
{
	struct fo_principal *p = NULL;
	struct fo_policies policies;
	struct fo_login login = { .service = "sshd", .account = "deploy",
		.host = FIXTURE_HOST };
	struct fo_verdict verdict;

	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &p),
	    FO_OK);
	cr_assert_eq(fo_store_policies(f.store, p, NULL, &policies), FO_OK);
	fo_policy_login(policies.list, policies.count, &login, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_ALLOW);
	login.service = "cron";
	fo_policy_login(policies.list, policies.count, &login, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_DENY);
	/* the other half of the answer */
	cr_expect(fo_principal_has_account(p, "sshd", "deploy"));
	cr_expect_not(fo_principal_has_account(p, "sshd", "root"));
	fo_policies_clear(&policies);
	fo_principal_free(&p);
}

Test(store_write, init_never_overwrites)
{
	struct fo_diag diag = { .text = "" };

	store_fixture_put(&f, "firstops.yaml", "mine");
	cr_expect_eq(fo_store_init(f.store, "web-1", &diag), FO_ERR_EXISTS);
	expect_reason(&diag, f.config, 0, "exists already");
	cr_expect_eq(truncate(f.config, 4), 0);
	cr_expect(exists(PRINCIPAL));
}

/* However far a first call came, a second one makes the store whole. */
Test(store_write, an_interrupted_init_can_be_run_again)
{
	static const char *const lost[] = { "firstops.yaml",
		"groups.d/default.yaml", "groups.d", "policies.d/logins.yaml",
		"policies.d", "keys.d", "principals.d" };
	struct store_fixture other;

	store_fixture_open(&other);
	for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
		struct fo_config *config = NULL;
		struct fo_diag diag = { .text = "" };

		for (size_t k = 0; k <= i; k++) {
			char *path = store_fixture_path(&other, lost[k]);

			cr_assert_eq(remove(path), 0, "%s", path);
			free(path);
		}
		store_fixture_put(&other, ".tmp-left-over", "torn");
		cr_expect_eq(fo_store_init(other.store, "web-1", &diag),
		    FO_OK, "%s: %s", lost[i], diag.text);
		cr_expect_eq(fo_store_config(other.store, &diag, &config),
		    FO_OK, "%s", diag.text);
		fo_config_free(&config);
	}
	store_fixture_close(&other);
}

/* What a first call left half-made is finished, whatever its umask was. */
Test(store_write, a_folder_that_was_left_unfinished_is_finished)
{
	static const char *const parts[] = { "principals.d", "keys.d",
		"groups.d", "policies.d" };
	struct store_fixture other;
	struct fo_diag diag = { .text = "" };
	struct stat st;

	store_fixture_open_bare(&other);
	cr_assert_eq(mkdir(other.folder, 0755), 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char name[32], *path;

		(void)snprintf(name, sizeof(name), ".new-%s", parts[i]);
		path = store_fixture_path(&other, name);
		cr_assert_eq(mkdir(path, 0700), 0, "%s", path);
		free(path);
	}
	cr_assert_eq(fo_store_init(other.store, FIXTURE_HOST, &diag), FO_OK,
	    "%s", diag.text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *path = store_fixture_path(&other, parts[i]);

		cr_assert_eq(stat(path, &st), 0, "%s", path);
		cr_expect_eq(st.st_mode & 07777, 0755, "%s", path);
		free(path);
	}
	store_fixture_close(&other);
}

Test(store_write, init_keeps_a_group_that_is_there)
{
	struct store_fixture other;
	struct fo_group *group = NULL;

	store_fixture_open(&other);
	store_fixture_put(&other, "groups.d/default.yaml", "---\nversion: 1\n"
	    "group: default\npolicies: []\n...\n");
	cr_assert_eq(unlink(other.config), 0);
	cr_expect_eq(fo_store_init(other.store, "web-1", NULL), FO_OK);
	cr_assert_eq(fo_store_group(other.store, "default", NULL, &group),
	    FO_OK);
	cr_expect_null(group->policies[0]);
	fo_group_free(&group);
	store_fixture_close(&other);
}

Test(store_write, init_refuses_a_host_that_cannot_be_one)
{
	static const char *const hosts[] = { "", "localhost", "10.0.0.1",
		"a\"\nversion: 1", "a b" };
	struct store_fixture other;
	struct stat st;

	store_fixture_open_bare(&other);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct fo_diag diag = { .text = "" };

		cr_expect_eq(fo_store_init(other.store, hosts[i], &diag),
		    FO_ERR_ARG, "%s", hosts[i]);
		cr_expect_not_null(strstr(diag.text, "give one in"));
		cr_expect_neq(lstat(other.folder, &st), 0);
	}
	store_fixture_close(&other);
}

/* ---- create ---------------------------------------------------------- */

Test(store_write, a_thumbprint_that_is_taken_changes_nothing)
{
	struct fo_principal *p = NULL;
	struct fo_diag diag = { .text = "" };
	const size_t keys = names_in("keys.d");

	/* the first key is free: its link must go again */
	cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, FIXTURE_JKT), &diag),
	    FO_ERR_EXISTS);
	cr_expect_not_null(strstr(diag.text, "thumbprint " FIXTURE_JKT
	    " is registered to " FIXTURE_ID " (build-bot) already"), "%s",
	    diag.text);
	cr_expect_not_null(strstr(diag.text, "make a new key"));
	cr_expect_eq(names_in("keys.d"), keys);
	cr_expect_eq(names_in("principals.d"), 1);
	cr_expect_not(exists("principals.d/" OTHER_ID ".yaml"));
	cr_expect_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &p),
	    FO_OK);
	fo_principal_free(&p);
}

Test(store_write, an_id_that_is_taken_changes_nothing)
{
	struct fo_diag diag = { .text = "" };
	struct fo_principal *p = NULL;

	cr_expect_eq(create(agent(FIXTURE_ID, OTHER_JKT, NULL), &diag),
	    FO_ERR_EXISTS);
	cr_expect_not_null(strstr(diag.text, FIXTURE_ID
	    ".yaml exists already"), "%s", diag.text);
	cr_expect_not(exists("keys.d/" OTHER_JKT));
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &p),
	    FO_OK);
	cr_expect_str_eq(p->name, "build-bot");
	fo_principal_free(&p);
}

Test(store_write, a_reservation_without_a_file_stays_reserved)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, "keys.d/" OTHER_JKT);

	/* what a crash between link and file leaves */
	cr_assert_eq(symlink("../principals.d/fo_agent_11111111-7a53-4c0e-"
	    "9f5a-2b1f0c9d8e77.yaml", path), 0);
	cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, NULL), &diag),
	    FO_ERR_EXISTS);
	cr_expect_not_null(strstr(diag.text, "which has no file"), "%s",
	    diag.text);
	cr_expect(exists("keys.d/" OTHER_JKT));
	free(path);
}

Test(store_write, an_interrupted_create_can_be_finished_by_the_same_id)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, "keys.d/" OTHER_JKT);
	char id[FO_ID_SIZE];

	cr_assert_eq(symlink("../principals.d/" OTHER_ID ".yaml", path), 0);
	store_fixture_put(&f, "principals.d/.tmp-left-over", "---\nversion");
	cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, NULL), &diag), FO_OK,
	    "%s", diag.text);
	cr_expect_eq(fo_store_find(f.store, OTHER_JKT, NULL, id), FO_OK);
	cr_expect_str_eq(id, OTHER_ID);
	free(path);
}

Test(store_write, a_principal_that_no_reader_would_take_is_not_written)
{
	struct fo_principal bad = *agent(OTHER_ID, OTHER_JKT, NULL);
	struct fo_diag diag = { .text = "" };

	bad.name[0] = 'X';
	cr_expect_eq(create(&bad, &diag), FO_ERR_FORMAT);
	cr_expect_not_null(strstr(diag.text, "'name' is 'Xtl'"), "%s",
	    diag.text);
	cr_expect_not(exists("keys.d/" OTHER_JKT));
	cr_expect_not(exists("principals.d/" OTHER_ID ".yaml"));
}

Test(store_write, nothing_is_written_without_the_lock)
{
	const struct fo_principal *p = agent(OTHER_ID, OTHER_JKT, NULL);
	bool there = true;
	size_t made;

	cr_expect_eq(fo_store_create(f.store, NULL, p, NULL, &there),
	    FO_ERR_ARG);
	cr_expect_not(there);
	there = true;
	cr_expect_eq(fo_store_replace(f.store, NULL, p, p, NULL, &there),
	    FO_ERR_ARG);
	cr_expect_not(there);
	cr_expect_eq(fo_store_index(f.store, NULL, NULL, &made), FO_ERR_ARG);
	cr_expect_eq(names_in("keys.d"), 1);
}

/*
 * A file size limit of 0 stands for the full disk: the write fails, and link
 * and temporary file go again.
 */
Test(store_write, a_full_disk_leaves_neither_link_nor_temporary_file)
{
	const struct rlimit none = { .rlim_cur = 0, .rlim_max = RLIM_INFINITY };
	struct rlimit before;
	struct fo_diag diag = { .text = "" };
	fo_err r;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	cr_assert_neq(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	r = create(agent(OTHER_ID, OTHER_JKT, NULL), &diag);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	cr_expect_eq(r, FO_ERR_IO);
	cr_expect_not_null(strstr(diag.text, "was not written: "), "%s",
	    diag.text);
	cr_expect_eq(names_in("keys.d"), 1);
	cr_expect_eq(names_in("principals.d"), 1);
}

/* ---- replace --------------------------------------------------------- */

static void
suspend(struct fo_principal *principal)
{
	principal->status = FO_STATUS_SUSPENDED;
}

static void
add_key(struct fo_principal *principal)
{
	struct fo_pkey *keys = reallocarray(principal->keys,
	    principal->keys_count + 1, sizeof(*keys));

	cr_assert_not_null(keys);
	principal->keys = keys;
	keys[principal->keys_count] = (struct fo_pkey){ .created = 1 };
	memcpy(keys[principal->keys_count++].jkt, OTHER_JKT,
	    sizeof(keys->jkt));
}

static void
drop_first_key(struct fo_principal *principal)
{
	cr_assert_gt(principal->keys_count, 0);
	principal->keys_count--;
	memmove(principal->keys, principal->keys + 1,
	    principal->keys_count * sizeof(*principal->keys));
}

Test(store_write, a_change_is_in_force_at_once_and_leaves_no_other_file)
{
	struct fo_principal *p = NULL;

	store_fixture_edit(&f, FIXTURE_ID, suspend);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &p),
	    FO_OK);
	cr_expect_eq(p->status, FO_STATUS_SUSPENDED);
	cr_expect_eq(names_in("principals.d"), 1);
	fo_principal_free(&p);
}

Test(store_write, a_new_key_is_reserved_and_a_dropped_one_stays_so)
{
	char id[FO_ID_SIZE];
	struct fo_diag diag = { .text = "" };

	store_fixture_edit(&f, FIXTURE_ID, add_key);
	store_fixture_edit(&f, FIXTURE_ID, drop_first_key);
	cr_expect_eq(fo_store_find(f.store, OTHER_JKT, NULL, id), FO_OK);
	cr_expect_eq(fo_store_find(f.store, FIXTURE_JKT, NULL, id), FO_OK);
	cr_expect_eq(create(agent(OTHER_ID, FIXTURE_JKT, NULL), &diag),
	    FO_ERR_EXISTS);
}

Test(store_write, a_file_that_changed_meanwhile_is_not_overwritten)
{
	struct fo_principal *before = NULL, *after = NULL;
	struct fo_diag diag = { .text = "" };
	struct fo_store_lock *lock;
	bool there = true;

	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &before),
	    FO_OK);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &after),
	    FO_OK);
	add_key(after);
	store_fixture_edit(&f, FIXTURE_ID, suspend);
	lock = locked();
	cr_expect_eq(fo_store_replace(f.store, lock, before, after, &diag,
	    &there), FO_ERR_STORE);
	cr_expect_not(there);
	fo_store_unlock(&lock);
	cr_expect_not_null(strstr(diag.text, "has changed since it was read; "
	    "look at it and try again"), "%s", diag.text);
	cr_expect_not(exists("keys.d/" OTHER_JKT));
	fo_principal_free(&after);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &after),
	    FO_OK);
	cr_expect_eq(after->status, FO_STATUS_SUSPENDED);
	fo_principal_free(&before);
	fo_principal_free(&after);
}

Test(store_write, a_key_of_another_principal_cannot_be_added)
{
	struct fo_principal *before = NULL, *after = NULL;
	struct fo_diag diag = { .text = "" };
	struct fo_store_lock *lock;
	bool there = true;

	store_fixture_agent(&f, OTHER_ID, OTHER_JKT, "etl");
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &before),
	    FO_OK);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &after),
	    FO_OK);
	add_key(after);
	lock = locked();
	cr_expect_eq(fo_store_replace(f.store, lock, before, after, &diag,
	    &there), FO_ERR_EXISTS);
	cr_expect_not(there);
	fo_store_unlock(&lock);
	fo_principal_free(&after);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &after),
	    FO_OK);
	cr_expect_eq(after->keys_count, 1);
	fo_principal_free(&before);
	fo_principal_free(&after);
}

/* ---- one file -------------------------------------------------------- */

Test(store_write, a_file_is_written_only_if_its_reader_takes_it)
{
	static const struct {
		const char *name;
		const char *text;
		fo_err want;
		const char *what;
	} cases[] = {
		{ "groups.d/g.yaml", "---\nversion: 1\ngroup: g\n"
		    "policies: []\n...\n", FO_OK, "" },
		{ "groups.d/h.yaml", "---\nversion: 1\ngroup: h\n"
		    "policies: []\n", FO_ERR_FORMAT, "groups.d/h.yaml:5: " },
		{ "policies.d/p.yaml", "---\nversion: 1\npolicy: q\n...\n",
		    FO_ERR_FORMAT, "policies.d/p.yaml:3: " },
		{ "groups.d/../x.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "groups.d/.x.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "groups.d/x", "", FO_ERR_ARG, "no name of a file" },
		{ "keys.d/x.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "x.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "firstops.yaml", "---\nversion: 1\n...\n", FO_ERR_FORMAT,
		    "firstops.yaml:2: required key 'host'" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_diag diag = { .text = "" };

		cr_expect_eq(fo_store_write(f.store, cases[i].name,
		    cases[i].text, false, &diag), cases[i].want, "%s: %s",
		    cases[i].name, diag.text);
		cr_expect_not_null(strstr(diag.text, cases[i].what), "%s",
		    diag.text);
	}
	cr_expect_not(exists("groups.d/h.yaml"));
	cr_expect_eq(names_in("groups.d"), 2);
}

Test(store_write, a_file_that_must_be_new_replaces_none)
{
	struct fo_diag diag = { .text = "" };

	cr_expect_eq(fo_store_write(f.store, "groups.d/default.yaml",
	    "---\nversion: 1\ngroup: default\npolicies: []\n...\n", true,
	    &diag), FO_ERR_EXISTS);
	cr_expect_not_null(strstr(diag.text, "exists already"), "%s",
	    diag.text);
	cr_expect_eq(names_in("groups.d"), 1);
	cr_expect_eq(fo_store_write(f.store, "groups.d/default.yaml",
	    "---\nversion: 1\ngroup: default\npolicies: []\n...\n", false,
	    &diag), FO_OK, "%s", diag.text);
	cr_expect_eq(names_in("groups.d"), 1);
}

/* A link in a file's place is replaced, never written through. */
Test(store_write, a_link_is_not_written_through)
{
	char *path = store_fixture_path(&f, "groups.d/g.yaml");
	char *target = store_fixture_path(&f, "target");
	struct stat st;

	store_fixture_put(&f, "target", "precious");
	cr_assert_eq(symlink("../target", path), 0);
	cr_expect_eq(fo_store_write(f.store, "groups.d/g.yaml",
	    "---\nversion: 1\ngroup: g\npolicies: []\n...\n", true, NULL),
	    FO_ERR_EXISTS);
	cr_expect_eq(fo_store_write(f.store, "groups.d/g.yaml",
	    "---\nversion: 1\ngroup: g\npolicies: []\n...\n", false, NULL),
	    FO_OK);
	cr_assert_eq(lstat(target, &st), 0);
	cr_expect_eq(st.st_size, 8);
	cr_assert_eq(lstat(path, &st), 0);
	cr_expect(S_ISREG(st.st_mode));
	free(path);
	free(target);
}

/*
 * A writer is killed at a random instant, over and over: every reading finds
 * one of its two texts, whole.
 */
Test(store_write, a_killed_writer_leaves_the_old_file_or_the_new_one)
{
	static const char *const texts[] = {
		"---\nversion: 1\ngroup: g\npolicies: [a]\n...\n",
		"---\nversion: 1\ngroup: g\npolicies: [b]\n...\n",
	};

	cr_assert_eq(fo_store_write(f.store, "groups.d/g.yaml", texts[0],
	    true, NULL), FO_OK);
	for (int i = 0; i < 40; i++) {
		struct fo_diag diag = { .text = "" };
		struct fo_group *group = NULL;
		int status, k;
		pid_t pid = fork();

		cr_assert_geq(pid, 0);
		if (pid == 0) {
			for (k = 0;; k++) {
				if (fo_store_write(f.store, "groups.d/g.yaml",
				    texts[k % 2], false, NULL) != FO_OK)
					_exit(1);
			}
		}
		for (k = 0; k < i * 3 + 1; k++) {
			cr_expect_eq(fo_store_group(f.store, "g", &diag,
			    &group), FO_OK, "%s", diag.text);
			fo_group_free(&group);
		}
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_expect(WIFSIGNALED(status));
		cr_expect_eq(fo_store_group(f.store, "g", &diag, &group),
		    FO_OK, "%s", diag.text);
		fo_group_free(&group);
	}
}

/* ---- the lock -------------------------------------------------------- */

Test(store_write, one_writer_at_a_time_and_the_other_is_told)
{
	struct fo_store_lock *first = locked(), *second = NULL;
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, ".lock");

	cr_expect_eq(fo_store_lock(f.store, 0, &diag, &second), FO_ERR_IO);
	cr_expect_null(second);
	expect_reason(&diag, path, 0, "is held by another writer");
	fo_store_unlock(&first);
	cr_expect_null(first);
	second = locked();
	fo_store_unlock(&second);
	free(path);
}

Test(store_write, the_lock_file_is_its_owners_alone)
{
	char *path = store_fixture_path(&f, ".lock");
	struct fo_store_lock *lock;
	struct stat st;

	cr_assert_eq(chmod(path, 0666), 0);
	lock = locked();
	fo_store_unlock(&lock);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0600);
	free(path);
}

Test(store_write, a_lock_file_that_is_no_plain_file_is_refused,
    .timeout = 10)
{
	char *path = store_fixture_path(&f, ".lock");
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("firstops.yaml", path), 0);
	cr_expect_eq(fo_store_lock(f.store, 0, &diag, &lock), FO_ERR_IO);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(fo_store_lock(f.store, 0, &diag, &lock), FO_ERR_IO);
	expect_reason(&diag, path, 0, "not a plain file of its folder's owner");
	cr_expect_null(lock);
	free(path);
}

/* ---- the index ------------------------------------------------------- */

static fo_err
index_store(struct fo_diag *diag, size_t *ret_made)
{
	struct fo_store_lock *lock = locked();
	const fo_err r = fo_store_index(f.store, lock, diag, ret_made);

	fo_store_unlock(&lock);
	return r;
}

Test(store_write, the_index_is_made_anew_from_the_principals)
{
	struct fo_diag diag = { .text = "" };
	char *link_path = store_fixture_path(&f, "keys.d/" FIXTURE_JKT);
	char *folder = store_fixture_path(&f, "keys.d");
	char id[FO_ID_SIZE];
	size_t made = 42;

	cr_expect_eq(index_store(&diag, &made), FO_OK, "%s", diag.text);
	cr_expect_eq(made, 0);
	cr_assert_eq(unlink(link_path), 0);
	cr_assert_eq(rmdir(folder), 0);
	store_fixture_put(&f, "principals.d/.tmp-left-over", "torn");
	cr_expect_eq(index_store(&diag, &made), FO_OK, "%s", diag.text);
	cr_expect_eq(made, 1);
	cr_expect_eq(fo_store_find(f.store, FIXTURE_JKT, NULL, id), FO_OK);
	cr_expect_str_eq(id, FIXTURE_ID);
	free(link_path);
	free(folder);
}

Test(store_write, a_link_that_no_principal_lists_is_kept)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, "keys.d/" OTHER_JKT);
	size_t made = 42;

	cr_assert_eq(symlink("../principals.d/" OTHER_ID ".yaml", path), 0);
	cr_expect_eq(index_store(&diag, &made), FO_OK, "%s", diag.text);
	cr_expect_eq(made, 0);
	cr_expect(exists("keys.d/" OTHER_JKT));
	free(path);
}

/* A principal's file that fo did not write. */
static void
put_principal(const char *id, const char *jkts)
{
	char name[128], text[1024];

	(void)snprintf(name, sizeof(name), "principals.d/%s.yaml", id);
	(void)snprintf(text, sizeof(text), "---\nversion: 1\nstatus: active\n"
	    "id: %s\nkind: agent\nname: a\nowner: b\nkeys:\n%s...\n", id,
	    jkts);
	store_fixture_put(&f, name, text);
}

#define KEY(jkt) "  - {thumbprint: " jkt ", created: 2026-01-01T00:00:00Z}\n"

Test(store_write, a_thumbprint_of_two_principals_fails_and_changes_nothing)
{
	struct fo_diag diag = { .text = "" };
	size_t made = 42;

	put_principal(OTHER_ID, KEY(OTHER_JKT) KEY(THIRD_JKT));
	put_principal("fo_agent_11111111-7a53-4c0e-9f5a-2b1f0c9d8e77",
	    KEY(THIRD_JKT));
	cr_expect_eq(index_store(&diag, &made), FO_ERR_STORE);
	cr_expect_not_null(strstr(diag.text, "thumbprint " THIRD_JKT
	    " is listed by " OTHER_ID " and by fo_agent_11111111"), "%s",
	    diag.text);
	cr_expect_eq(made, 42);
	cr_expect_eq(names_in("keys.d"), 1);
}

Test(store_write, a_link_to_another_principal_fails_and_changes_nothing)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, PRINCIPAL);
	size_t made = 42;

	/* the holder is gone, and somebody else lists its key */
	cr_assert_eq(unlink(path), 0);
	put_principal(OTHER_ID, KEY(OTHER_JKT) KEY(FIXTURE_JKT));
	cr_expect_eq(index_store(&diag, &made), FO_ERR_STORE);
	cr_expect_not_null(strstr(diag.text, "is reserved for " FIXTURE_ID
	    ", but listed by " OTHER_ID), "%s", diag.text);
	cr_expect_eq(made, 42);
	cr_expect_eq(names_in("keys.d"), 1);
	free(path);
}

Test(store_write, a_principal_that_cannot_be_read_fails_the_index)
{
	struct fo_diag diag = { .text = "" };
	size_t made = 42;

	put_principal(OTHER_ID, KEY(OTHER_JKT));
	store_fixture_put(&f, PRINCIPAL, "---\nversion: 1\n");
	cr_expect_eq(index_store(&diag, &made), FO_ERR_STORE);
	cr_expect_not_null(strstr(diag.text, PRINCIPAL ":3: "), "%s",
	    diag.text);
	cr_expect_eq(names_in("keys.d"), 1);
}
