/*
 * Writing the store: what a crash, a rival or a full disk leaves behind.
 */
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "host/node.h"
#include "support/failing.h"
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

/* Nobody may write in FOLDER/part but its owner; now everybody may. */
static void
spoil(const char *part)
{
	char *path = store_fixture_path(&f, part);

	cr_assert_eq(chmod(path, 0777), 0, "%s", path);
	free(path);
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
	struct fo_action login = { .service = "sshd", .account = "deploy",
		.host = FIXTURE_HOST };
	struct fo_verdict verdict;

	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &p),
	    FO_OK);
	cr_assert_eq(fo_store_policies(f.store, p, NULL, &policies), FO_OK);
	fo_policy_weigh(policies.list, policies.count, &login, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_ALLOW);
	login.service = "cron";
	fo_policy_weigh(policies.list, policies.count, &login, &verdict);
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

Test(store_write, init_makes_nothing_beside_a_configuration_that_is_there)
{
	struct store_fixture other;
	struct fo_diag diag = { .text = "" };
	struct stat st;
	char *path;

	store_fixture_open_bare(&other);
	cr_assert_eq(mkdir(other.folder, 0755), 0);
	store_fixture_put(&other, "firstops.yaml", "mine");
	cr_expect_eq(fo_store_init(other.store, "web-1", &diag),
	    FO_ERR_EXISTS);
	expect_reason(&diag, other.config, 0, "nothing was changed");
	path = store_fixture_path(&other, "principals.d");
	cr_expect_neq(lstat(path, &st), 0);
	/* nor is one replaced that was not seen at first */
	failing("lstat", 1, ENOENT);
	cr_expect_eq(fo_store_init(other.store, "web-1", &diag),
	    FO_ERR_EXISTS);
	failing_none();
	expect_reason(&diag, other.config, 0, "stays as it is");
	cr_assert_eq(lstat(other.config, &st), 0);
	cr_expect_eq(st.st_size, 4);
	free(path);
	store_fixture_close(&other);
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
	struct fo_diag diag = { .text = "" };
	struct fo_group *group = NULL;

	store_fixture_open(&other);
	store_fixture_put(&other, "groups.d/default.yaml", "---\nversion: 1\n"
	    "group: default\npolicies: []\n...\n");
	cr_assert_eq(unlink(other.config), 0);
	cr_expect_eq(fo_store_init(other.store, "web-1", &diag), FO_OK);
	cr_expect_str_empty(diag.text);
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

/* What could not get its name is named, and firstops.yaml comes last. */
Test(store_write, an_init_that_fails_says_at_what_and_can_be_run_again)
{
	static const char *const made[] = { "", "/principals.d", "/keys.d",
		"/groups.d", "/policies.d", "/policies.d/logins.yaml",
		"/groups.d/default.yaml", "/firstops.yaml" };

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		struct store_fixture other;
		struct fo_diag diag = { .text = "" };
		struct stat st;
		char path[128];
		fo_err r;

		store_fixture_open_bare(&other);
		(void)snprintf(path, sizeof(path), "%s%s", other.folder,
		    made[i]);
		failing("renameat2", (int)i + 1, EIO);
		r = fo_store_init(other.store, "web-1", &diag);
		failing_none();
		cr_expect_eq(r, FO_ERR_IO, "%s: %s", path, fo_err_word(r));
		expect_reason(&diag, path, 0, "Input/output error; look in");
		cr_expect_neq(lstat(path, &st), 0, "%s", path);
		cr_expect_neq(lstat(other.config, &st), 0);
		cr_expect_eq(fo_store_init(other.store, "web-1", &diag),
		    FO_OK, "%s", diag.text);
		store_fixture_close(&other);
	}
}

Test(store_write, init_makes_nothing_in_a_folder_that_others_can_write)
{
	struct store_fixture other;
	struct fo_diag diag = { .text = "" };
	struct stat st;
	char *path;

	store_fixture_open_bare(&other);
	cr_assert_eq(chmod(other.root, 0777), 0);
	cr_expect_eq(fo_store_init(other.store, "web-1", &diag), FO_ERR_IO);
	expect_reason(&diag, other.root, 0, "is writable by group or others");
	cr_expect_neq(lstat(other.folder, &st), 0);
	cr_assert_eq(chmod(other.root, 0700), 0);

	cr_assert_eq(mkdir(other.folder, 0700), 0);
	cr_assert_eq(chmod(other.folder, 0777), 0);
	cr_expect_eq(fo_store_init(other.store, "web-1", &diag), FO_ERR_IO);
	expect_reason(&diag, other.folder, 0, "is writable by group or");
	path = store_fixture_path(&other, "principals.d");
	cr_expect_neq(lstat(path, &st), 0);
	free(path);
	store_fixture_close(&other);
}

/* In /proc nobody makes a folder, but it is found in "/". */
Test(store_write, a_store_may_stand_in_the_root_of_all_folders)
{
	struct fo_store *store = NULL;
	struct fo_diag diag = { .text = "" };
	struct rlimit before, none;

	cr_assert_eq(fo_store_new("/proc/firstops.yaml", &diag, &store),
	    FO_OK, "%s", diag.text);
	cr_expect_eq(fo_store_init(store, "web-1", &diag), FO_ERR_IO);
	expect_reason(&diag, "/proc/principals.d", 0, "");
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(fo_store_init(store, "web-1", &diag), FO_ERR_IO);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	expect_reason(&diag, "/: ", 0, "ulimit -n");
	fo_store_free(&store);
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

/* What is wrong with it is seen before a thumbprint is reserved for it. */
Test(store_write, a_principal_that_no_reader_would_take_reserves_nothing)
{
	struct fo_principal bad = *agent(OTHER_ID, OTHER_JKT, NULL);
	struct fo_diag diag = { .text = "" };

	bad.name[0] = 'X';
	failing("symlinkat", 99, EIO);
	cr_expect_eq(create(&bad, &diag), FO_ERR_FORMAT);
	cr_expect_eq(failing_calls("symlinkat"), 0);
	failing_none();
}

Test(store_write, a_thumbprint_whose_link_is_damaged_is_given_to_nobody)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, "keys.d/" OTHER_JKT);

	cr_assert_eq(symlink("elsewhere", path), 0);
	cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, NULL), &diag),
	    FO_ERR_STORE);
	expect_reason(&diag, path, 0, "is not a symbolic link to");
	cr_expect_not(exists("principals.d/" OTHER_ID ".yaml"));
	free(path);
}

Test(store_write, a_thumbprint_of_a_principal_that_cannot_be_read_is_taken)
{
	struct fo_diag diag = { .text = "" };

	store_fixture_put(&f, PRINCIPAL, "---\nversion: 1\n");
	cr_expect_eq(create(agent(OTHER_ID, FIXTURE_JKT, NULL), &diag),
	    FO_ERR_EXISTS);
	cr_expect_not_null(strstr(diag.text, "is registered to " FIXTURE_ID
	    " (unreadable) already"), "%s", diag.text);
	cr_expect_not(exists("principals.d/" OTHER_ID ".yaml"));
}

/* The first key is taken: the second is not even tried. */
Test(store_write, after_a_thumbprint_that_is_taken_none_is_reserved)
{
	struct fo_diag diag = { .text = "" };

	failing("symlinkat", 99, EIO);
	cr_expect_eq(create(agent(OTHER_ID, FIXTURE_JKT, OTHER_JKT), &diag),
	    FO_ERR_EXISTS);
	cr_expect_eq(failing_calls("symlinkat"), 1);
	failing_none();
	cr_expect_not(exists("keys.d/" OTHER_JKT));
}

Test(store_write, in_a_folder_that_others_can_write_nothing_is_written)
{
	static const char *const parts[] = { "keys.d", "principals.d" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct fo_diag diag = { .text = "" };
		char *path = store_fixture_path(&f, parts[i]);

		spoil(parts[i]);
		cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, NULL), &diag),
		    FO_ERR_IO, "%s", parts[i]);
		expect_reason(&diag, path, 0, "is writable by group or");
		cr_expect_eq(names_in("keys.d"), 1);
		cr_expect_eq(names_in("principals.d"), 1);
		cr_assert_eq(chmod(path, 0755), 0);
		free(path);
	}
}

/* How many calls of openat a create makes: the last is its file's. */
static int
opens_of_a_create(void)
{
	struct fo_store_lock *lock = locked();
	struct fo_diag diag = { .text = "" };
	bool there = false;
	int n;

	failing("openat", 9999, EIO);
	cr_assert_eq(fo_store_create(f.store, lock, agent(OTHER_ID, NULL,
	    NULL), &diag, &there), FO_OK, "%s", diag.text);
	n = failing_calls("openat");
	failing_none();
	fo_store_unlock(&lock);
	return n;
}

Test(store_write, a_call_that_fails_leaves_all_or_nothing_and_is_named)
{
	static const struct {
		const char *call;
		int nth;		/* 0: the last */
		int error;
		bool there;
		const char *what;
	} cases[] = {
		{ "symlinkat", 1, ENOSPC, false, "/keys.d/" OTHER_JKT
		    ": No space left on device; nothing was changed; make" },
		{ "symlinkat", 2, ENOSPC, false, "/keys.d/" THIRD_JKT
		    ": No space left on device; nothing was changed; make" },
		{ "fsync", 1, EIO, false, "/keys.d: Input/output error; "
		    "nothing was changed; look" },
		{ "getrandom", 1, EIO, false, ".yaml was not written: "
		    "Input/output error; look" },
		{ "getrandom", 1, 0, false, ".yaml was not written: " },
		{ "openat", 0, ENOSPC, false, ".yaml was not written: No "
		    "space left on device; make" },
		{ "write", 1, ENOSPC, false, ".yaml was not written: No "
		    "space left on device; make" },
		{ "fchmod", 1, EPERM, false, ".yaml was not written: "
		    "Operation not permitted; run" },
		{ "fsync", 2, EIO, false, ".yaml was not written: "
		    "Input/output error; look" },
		{ "renameat2", 1, EIO, false, ".yaml was not written: "
		    "Input/output error; look" },
		{ "fsync", 3, EIO, true, ".yaml was written, but may be lost "
		    "in a crash now: Input/output error; look" },
	};
	const char *id = "fo_agent_11111111-7a53-4c0e-9f5a-2b1f0c9d8e77";
	const int opens = opens_of_a_create();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_store_lock *lock = locked();
		struct fo_diag diag = { .text = "" };
		struct fo_principal *p = NULL;
		bool there = !cases[i].there;
		char found[FO_ID_SIZE];
		fo_err r;

		failing(cases[i].call, cases[i].nth != 0 ? cases[i].nth :
		    opens, cases[i].error);
		r = fo_store_create(f.store, lock, agent(id, OTHER_JKT,
		    THIRD_JKT), &diag, &there);
		failing_none();
		fo_store_unlock(&lock);
		cr_expect_eq(r, FO_ERR_IO, "%s: %s", cases[i].what,
		    fo_err_word(r));
		cr_expect_not_null(strstr(diag.text, cases[i].what),
		    "wanted '%s' in: %s", cases[i].what, diag.text);
		cr_expect_eq(there, cases[i].there, "%s", cases[i].what);
		cr_expect_eq(names_in("keys.d"), there ? 3 : 1, "%s",
		    cases[i].what);
		cr_expect_eq(names_in("principals.d"), there ? 3 : 2, "%s",
		    cases[i].what);
		if (!there)
			continue;
		cr_expect_eq(fo_store_find(f.store, OTHER_JKT, &diag, found),
		    FO_OK, "%s", diag.text);
		cr_expect_eq(fo_store_principal(f.store, found, &diag, &p),
		    FO_OK, "%s", diag.text);
		fo_principal_free(&p);
	}
}

/* What went wrong first is what is said. */
Test(store_write, a_temporary_file_that_stays_does_not_hide_the_reason)
{
	struct fo_diag diag = { .text = "" };
	struct fo_store_lock *lock = locked();
	bool there = true;

	failing("fsync", 2, EIO);
	failing("unlinkat", 1, EPERM);
	cr_expect_eq(fo_store_create(f.store, lock, agent(OTHER_ID, OTHER_JKT,
	    NULL), &diag, &there), FO_ERR_IO);
	failing_none();
	cr_expect_not(there);
	cr_expect_not_null(strstr(diag.text, "was not written: Input/output "
	    "error"), "%s", diag.text);
	cr_expect_not(exists("keys.d/" OTHER_JKT));
	fo_store_unlock(&lock);
}

Test(store_write, what_is_written_piece_by_piece_or_interrupted_is_whole)
{
	static const int errors[] = { -1, -7, EINTR };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct fo_diag diag = { .text = "" };
		struct fo_principal *p = NULL;

		failing("write", errors[i] < 0 ? 0 : 1, errors[i]);
		cr_expect_eq(create(agent(OTHER_ID, NULL, NULL), &diag),
		    FO_OK, "%s", diag.text);
		failing_none();
		cr_expect_eq(fo_store_principal(f.store, OTHER_ID, &diag, &p),
		    FO_OK, "%s", diag.text);
		if (p != NULL) {
			char *path = store_fixture_path(&f, "principals.d/"
			    OTHER_ID ".yaml");

			cr_expect_str_eq(p->owner, "team-data");
			cr_assert_eq(unlink(path), 0);
			free(path);
		}
		fo_principal_free(&p);
	}
}

/*
 * Where a file system cannot rename without replacing, a link makes the name,
 * and replaces nothing either.
 */
Test(store_write, a_file_system_without_exclusive_rename_will_do)
{
	static const int errors[] = { EINVAL, ENOSYS };
	const char *name = "principals.d/" OTHER_ID ".yaml";
	char *path = store_fixture_path(&f, name);

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct fo_diag diag = { .text = "" };
		struct stat st;

		failing("renameat2", 1, errors[i]);
		cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, NULL), &diag),
		    FO_OK, "%s", diag.text);
		cr_expect_eq(names_in("principals.d"), 2);
		cr_expect_eq(lstat(path, &st), 0);
		cr_expect_eq(st.st_nlink, 1);
		failing("renameat2", 1, errors[i]);
		cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, NULL), &diag),
		    FO_ERR_EXISTS);
		cr_expect_eq(names_in("principals.d"), 2);
		failing_none();
		cr_assert_eq(unlink(path), 0);
	}
	free(path);
}

Test(store_write, no_link_is_made_where_renaming_failed_otherwise)
{
	struct fo_diag diag = { .text = "" };

	failing("renameat2", 1, EPERM);
	failing("linkat", 99, EIO);
	cr_expect_eq(create(agent(OTHER_ID, OTHER_JKT, NULL), &diag),
	    FO_ERR_IO);
	cr_expect_eq(failing_calls("linkat"), 0);
	failing_none();
	cr_expect_eq(names_in("principals.d"), 1);
}

Test(store_write, a_file_that_kept_its_temporary_name_too_is_owned_up_to)
{
	struct fo_diag diag = { .text = "" };
	struct fo_store_lock *lock = locked();
	bool there = false;

	failing("renameat2", 1, EINVAL);
	failing("unlinkat", 1, EIO);
	cr_expect_eq(fo_store_create(f.store, lock, agent(OTHER_ID, OTHER_JKT,
	    NULL), &diag, &there), FO_ERR_IO);
	failing_none();
	cr_expect(there);
	cr_expect_not_null(strstr(diag.text, OTHER_ID ".yaml was written, but "
	    "has a second name, .tmp-"), "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, "is removed: Input/output "
	    "error"), "%s", diag.text);
	cr_expect(exists("keys.d/" OTHER_JKT));
	cr_expect(exists("principals.d/" OTHER_ID ".yaml"));
	fo_store_unlock(&lock);
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

static fo_err
replace(const struct fo_principal *before, const struct fo_principal *after,
    struct fo_diag *diag, bool *ret_there)
{
	struct fo_store_lock *lock = locked();
	const fo_err r = fo_store_replace(f.store, lock, before, after, diag,
	    ret_there);

	fo_store_unlock(&lock);
	return r;
}

/* ---- removing ---------------------------------------------------------- */

static fo_err
remove_principal(const struct fo_principal *principal, struct fo_diag *diag,
    bool *ret_gone)
{
	struct fo_store_lock *lock = locked();
	const fo_err r = fo_store_remove(f.store, lock, principal, diag,
	    ret_gone);

	fo_store_unlock(&lock);
	return r;
}

/* The fixture's principal as it is in its file, suspended. */
static struct fo_principal *
suspended(void)
{
	struct fo_principal *p = NULL;

	store_fixture_edit(&f, FIXTURE_ID, suspend);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &p),
	    FO_OK);
	return p;
}

Test(store_write, a_principal_goes_and_its_thumbprint_stays_reserved)
{
	struct fo_principal *p = suspended();
	struct fo_diag diag = { .text = "" };
	bool gone = false;

	cr_expect_eq(remove_principal(p, &diag, &gone), FO_OK, "%s",
	    diag.text);
	cr_expect(gone);
	cr_expect_not(exists(PRINCIPAL));
	cr_expect(exists("keys.d/" FIXTURE_JKT));
	cr_expect_eq(remove_principal(p, &diag, &gone), FO_ERR_NOT_FOUND);
	cr_expect_not(gone);
	fo_principal_free(&p);
}

Test(store_write, who_can_log_in_is_not_removed)
{
	struct fo_principal *p = NULL;
	struct fo_diag diag = { .text = "" };
	bool gone = true;

	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &p),
	    FO_OK);
	cr_expect_eq(remove_principal(p, &diag, &gone), FO_ERR_ARG);
	cr_expect_not(gone);
	cr_expect(exists(PRINCIPAL));
	fo_principal_free(&p);
	p = suspended();
	gone = true;
	cr_expect_eq(fo_store_remove(f.store, NULL, p, &diag, &gone),
	    FO_ERR_ARG);
	cr_expect_not(gone);
	cr_expect(exists(PRINCIPAL));
	/* not what was read: somebody changed it meanwhile */
	p->owner[0] = 'x';
	cr_expect_eq(remove_principal(p, &diag, &gone), FO_ERR_STORE);
	cr_expect_not(gone);
	cr_expect(exists(PRINCIPAL));
	fo_principal_free(&p);
}

Test(store_write, a_removal_that_fails_says_whether_the_file_is_gone)
{
	static const struct {
		const char *call;
		bool gone;
		const char *said;
	} cases[] = {
		{ "unlinkat", false, "nothing was changed" },
		{ "fsync", true, "may be back after a crash" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_principal *p = suspended();
		struct fo_diag diag = { .text = "" };
		bool gone = !cases[i].gone;

		failing(cases[i].call, 1, EIO);
		cr_expect_eq(remove_principal(p, &diag, &gone), FO_ERR_IO);
		failing_none();
		cr_expect_eq(gone, cases[i].gone, "%s", cases[i].call);
		cr_expect_eq(exists(PRINCIPAL), !cases[i].gone);
		cr_expect_not_null(strstr(diag.text, cases[i].said), "%s",
		    diag.text);
		fo_principal_free(&p);
	}
}

/* ---- replacing what is not there --------------------------------------- */

Test(store_write, only_a_principal_that_is_there_is_replaced_and_by_itself)
{
	const struct fo_principal other = *agent(OTHER_ID, NULL, NULL);
	struct fo_principal *mine = NULL;
	struct fo_diag diag = { .text = "" };
	bool there = true;

	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &mine),
	    FO_OK);
	cr_expect_eq(replace(mine, &other, &diag, &there), FO_ERR_ARG);
	cr_expect_not(there);
	there = true;
	cr_expect_eq(replace(&other, &other, &diag, &there),
	    FO_ERR_NOT_FOUND);
	cr_expect_not(there);
	cr_expect_eq(names_in("principals.d"), 1);
	store_fixture_put(&f, PRINCIPAL, "---\nversion: 1\n");
	there = true;
	cr_expect_eq(replace(mine, mine, &diag, &there), FO_ERR_STORE);
	cr_expect_not(there);
	fo_principal_free(&mine);
}

/* A file system without exclusive rename needs none to replace a file. */
Test(store_write, a_change_that_cannot_be_renamed_leaves_the_file_as_it_was)
{
	struct fo_principal *before = NULL, *after = NULL;
	struct fo_diag diag = { .text = "" };
	bool there = true;

	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &before),
	    FO_OK);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &after),
	    FO_OK);
	suspend(after);
	failing("renameat2", 1, EINVAL);
	failing("linkat", 99, EIO);
	cr_expect_eq(replace(before, after, &diag, &there), FO_ERR_IO);
	cr_expect_eq(failing_calls("linkat"), 0);
	failing_none();
	cr_expect_not(there);
	cr_expect_not_null(strstr(diag.text, "was not written: Invalid "
	    "argument"), "%s", diag.text);
	cr_expect_eq(names_in("principals.d"), 1);
	fo_principal_free(&after);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL, &after),
	    FO_OK);
	cr_expect_eq(after->status, FO_STATUS_ACTIVE);
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
		{ "groups.d/.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "groups.d/x.yml", "", FO_ERR_ARG, "no name of a file" },
		{ "groups.d-x.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "groups.dx/g.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "groups.d/x/g.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "policies.d/X.yaml", "", FO_ERR_ARG, "no name of a file" },
		{ "principals.d/x.yaml", "", FO_ERR_ARG, "no name of a" },
		{ "nodot", "", FO_ERR_ARG, "no name of a file" },
		{ PRINCIPAL, "---\nversion: 2\n...\n", FO_ERR_FORMAT,
		    PRINCIPAL ":2: version" },
		{ "policies.d/p.yaml", "---\nversion: 1\npolicy: p\n"
		    "rules:\n  - {rule: r, effect: deny, channel: login}\n"
		    "...\n", FO_OK, "" },
		{ "firstops.yaml", "---\nversion: 1\nhost: web-1\n"
		    "services: {}\n...\n", FO_OK, "" },
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

Test(store_write, a_name_too_long_for_the_store_is_not_cut_to_one_that_fits)
{
	char name[400];
	struct fo_diag diag = { .text = "" };

	(void)snprintf(name, sizeof(name), "groups.d/%0300d.yaml", 0);
	cr_expect_eq(fo_store_write(f.store, name, "", false, &diag),
	    FO_ERR_ARG);
	cr_expect_not_null(strstr(diag.text, "no name of a file"), "%s",
	    diag.text);
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

Test(store_write, a_lock_file_with_a_second_name_or_owner_is_refused)
{
	char *path = store_fixture_path(&f, ".lock");
	char *second = store_fixture_path(&f, "second");
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { .text = "" };

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(link(path, second), 0);
	cr_expect_eq(fo_store_lock(f.store, 0, &diag, &lock), FO_ERR_IO);
	expect_reason(&diag, path, 0, "not a plain file of its folder's owner");
	cr_assert_eq(unlink(second), 0);

	cr_assert_eq(chown(path, 1234, 0), 0);
	cr_expect_eq(fo_store_lock(f.store, 0, &diag, &lock), FO_ERR_IO);
	expect_reason(&diag, path, 0, "not a plain file of its folder's owner");
	cr_expect_null(lock);
	/* root's and the owner's own are both as good */
	f.store->owner = 1234;
	lock = locked();
	fo_store_unlock(&lock);
	cr_assert_eq(chown(path, 0, 0), 0);
	lock = locked();
	fo_store_unlock(&lock);
	free(path);
	free(second);
}

Test(store_write, in_a_store_that_others_can_write_there_is_no_lock)
{
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { .text = "" };

	spoil("");
	cr_expect_eq(fo_store_lock(f.store, 0, &diag, &lock), FO_ERR_IO);
	expect_reason(&diag, f.folder, 0, "is writable by group or others");
	cr_expect_null(lock);
}

Test(store_write, a_lock_that_cannot_be_taken_says_why)
{
	static const struct {
		const char *call;
		int error;
		const char *what;
	} cases[] = {
		{ "openat", EROFS, "Read-only file system; mount" },
		{ "fstat", EIO, "Input/output error; look" },
		{ "fchmod", EPERM, "Operation not permitted; run" },
		{ "flock", ENOLCK, "No locks available; mend" },
	};
	char *path = store_fixture_path(&f, ".lock");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_store_lock *lock;
		struct fo_diag diag = { .text = "" };
		int last;

		/* the last such call is the lock file's own */
		failing(cases[i].call, 9999, EIO);
		lock = locked();
		fo_store_unlock(&lock);
		last = failing_calls(cases[i].call);
		failing_none();
		failing(cases[i].call, last, cases[i].error);
		cr_expect_eq(fo_store_lock(f.store, 1000, &diag, &lock),
		    FO_ERR_IO, "%s", cases[i].call);
		failing_none();
		cr_expect_null(lock, "%s", cases[i].call);
		expect_reason(&diag, path, 0, cases[i].what);
	}
	free(path);
}

Test(store_write, a_writer_waits_for_the_other_as_long_as_it_may)
{
	static const int errors[] = { EWOULDBLOCK, EINTR };
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { .text = "" };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		failing("flock", 1, errors[i]);
		cr_expect_eq(fo_store_lock(f.store, 10, &diag, &lock), FO_OK,
		    "%s", diag.text);
		cr_expect_eq(failing_calls("flock"), 2);
		fo_store_unlock(&lock);
	}
	failing_none();
	failing("flock", 0, EWOULDBLOCK);
	failing("poll", 0, 0);
	cr_expect_eq(fo_store_lock(f.store, 0, &diag, &lock), FO_ERR_IO);
	cr_expect_eq(failing_calls("flock"), 1);
	cr_expect_eq(fo_store_lock(f.store, 1000, &diag, &lock), FO_ERR_IO);
	cr_expect_eq(failing_calls("flock"), 1 + 101);
	cr_expect_eq(failing_calls("poll"), 100);
	failing_none();
	cr_expect_null(lock);
}

Test(store_write, a_lock_that_is_given_back_twice_is_given_back_once)
{
	struct fo_store_lock *lock = locked();

	fo_store_unlock(&lock);
	fo_store_unlock(&lock);
	fo_store_unlock(NULL);
	cr_expect_null(lock);
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

	put_principal(OTHER_ID, KEY(THIRD_JKT) KEY(OTHER_JKT));
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

Test(store_write, a_store_of_nobody_has_an_index_of_nothing)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, PRINCIPAL);
	size_t made = 42;

	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(index_store(&diag, &made), FO_OK, "%s", diag.text);
	cr_expect_eq(made, 0);
	free(path);
}

/* A thumbprint of our own for each n. */
static void
jkt_of(int n, char ret_jkt[FO_JKT_SIZE])
{
	(void)snprintf(ret_jkt, FO_JKT_SIZE, "%042dA", n);
}

Test(store_write, an_index_holds_every_key_however_many_there_are)
{
	static const int keys = 60, principals = 4;
	struct fo_diag diag = { .text = "" };
	char id[64], found[FO_ID_SIZE], jkt[FO_JKT_SIZE];
	size_t made = 42;

	for (int k = 0; k < principals; k++) {
		char name[128], text[16384];
		size_t n;

		(void)snprintf(id, sizeof(id),
		    "fo_agent_%08d-7a53-4c0e-9f5a-2b1f0c9d8e77", k);
		(void)snprintf(name, sizeof(name), "principals.d/%s.yaml",
		    id);
		n = (size_t)snprintf(text, sizeof(text), "---\nversion: 1\n"
		    "status: active\nid: %s\nkind: agent\nname: a\n"
		    "owner: b\nkeys:\n", id);
		for (int i = 0; i < keys; i++) {
			jkt_of(i * principals + k, jkt);
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "  - {thumbprint: \"%s\", created: "
			    "2026-01-01T00:00:00Z}\n", jkt);
		}
		(void)snprintf(text + n, sizeof(text) - n, "...\n");
		store_fixture_put(&f, name, text);
	}
	cr_expect_eq(index_store(&diag, &made), FO_OK, "%s", diag.text);
	cr_expect_eq(made, (size_t)(keys * principals));
	for (int i = 0; i < keys * principals; i++) {
		jkt_of(i, jkt);
		(void)snprintf(id, sizeof(id),
		    "fo_agent_%08d-7a53-4c0e-9f5a-2b1f0c9d8e77",
		    i % principals);
		cr_expect_eq(fo_store_find(f.store, jkt, &diag, found),
		    FO_OK, "%s", diag.text);
		cr_expect_str_eq(found, id);
	}
	cr_expect_eq(index_store(&diag, &made), FO_OK, "%s", diag.text);
	cr_expect_eq(made, 0);
}

Test(store_write, an_index_that_stops_half_way_says_how_far_it_came)
{
	struct fo_diag diag = { .text = "" };
	size_t made = 42;

	put_principal(OTHER_ID, KEY(THIRD_JKT) KEY(OTHER_JKT));
	failing("symlinkat", 2, ENOSPC);
	/* what is said stays what was said first */
	failing("fsync", 1, EIO);
	cr_expect_eq(index_store(&diag, &made), FO_ERR_IO);
	failing_none();
	/* in the order of thumbprints, '0' before 'A' */
	cr_expect_not_null(strstr(diag.text, "/keys.d/" THIRD_JKT ": No space "
	    "left on device; 1 links were made before; make room"), "%s",
	    diag.text);
	cr_expect_eq(made, 42);
	cr_expect_eq(names_in("keys.d"), 2);
	cr_expect_eq(index_store(&diag, &made), FO_OK, "%s", diag.text);
	cr_expect_eq(made, 1);
	cr_expect_eq(names_in("keys.d"), 3);
}

Test(store_write, an_index_that_may_be_lost_in_a_crash_says_so)
{
	struct fo_diag diag = { .text = "" };
	size_t made = 42;

	put_principal(OTHER_ID, KEY(THIRD_JKT) KEY(OTHER_JKT));
	failing("fsync", 1, EIO);
	cr_expect_eq(index_store(&diag, &made), FO_ERR_IO);
	failing_none();
	cr_expect_not_null(strstr(diag.text, "/keys.d: Input/output error; 2 "
	    "links were made, but may be lost in a crash now; look"), "%s",
	    diag.text);
	cr_expect_eq(made, 42);
	cr_expect_eq(names_in("keys.d"), 3);
}

/* The first thing that is wrong with keys.d ends it, and is what is said. */
Test(store_write, an_index_is_made_only_where_no_other_can_write)
{
	struct fo_diag diag = { .text = "" };
	char *keys = store_fixture_path(&f, "keys.d");
	char *link_path = store_fixture_path(&f, "keys.d/" FIXTURE_JKT);
	char *path = store_fixture_path(&f, PRINCIPAL);
	size_t made = 42;

	cr_assert_eq(unlink(link_path), 0);
	spoil("keys.d");
	cr_expect_eq(index_store(&diag, &made), FO_ERR_STORE);
	expect_reason(&diag, keys, 0, "is writable by group or others");
	cr_expect_eq(names_in("keys.d"), 0);
	/* also where there is nothing to look up in it */
	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(index_store(&diag, &made), FO_ERR_IO);
	expect_reason(&diag, keys, 0, "is writable by group or others");
	cr_assert_eq(rmdir(keys), 0);
	failing("mkdirat", 1, EROFS);
	cr_expect_eq(index_store(&diag, &made), FO_ERR_IO);
	failing_none();
	expect_reason(&diag, keys, 0, "Read-only file system; mount");
	cr_expect_eq(made, 42);
	free(keys);
	free(link_path);
	free(path);
}
