/*
 * What is kept of a store: no longer than it stands there unchanged.
 */
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

#include "host/shelf.h"
#include "support/failing.h"
#include "support/store_fixture.h"

#define POLICY "policies.d/logins.yaml"
#define OLD_ENOUGH 3
#define FILES_MAX 20000

static struct store_fixture f;
static struct fo_diag diag;

static void
put_policy(const char *rule)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "---\nversion: 1\npolicy: logins\n"
	    "rules:\n  - rule: %s\n    effect: allow\n    channel: login\n"
	    "...\n", rule);
	store_fixture_put(&f, POLICY, text);
}

static void
open_store(void)
{
	store_fixture_open(&f);
	put_policy("first");
	cr_assert_eq(fo_store_keep(f.store), FO_OK);
	cr_assert_eq(fo_store_keep(f.store), FO_OK, "it does already");
	failing_ahead(OLD_ENOUGH);
}

static void
close_store(void)
{
	failing_ahead(0);
	store_fixture_close(&f);
}

TestSuite(shelf, .init = open_store, .fini = close_store);

/* The policy's file, and that its rule is called so. */
static struct fo_file *
get(const char *rule)
{
	struct fo_file *file = NULL;

	diag.text[0] = '\0';
	cr_assert_eq(fo_store_file(f.store, FO_STORE_POLICIES, "logins",
	    &diag, &file), FO_OK, "%s", diag.text);
	cr_expect_str_eq(file->policy->rules[0].name, rule);
	return file;
}

static void
expect_refused(fo_err why, const char *reason)
{
	struct fo_file *file = NULL;

	cr_expect_eq(fo_store_file(f.store, FO_STORE_POLICIES, "logins",
	    &diag, &file), why);
	cr_expect_null(file);
	cr_expect_not_null(strstr(diag.text, reason), "%s", diag.text);
}

Test(shelf, a_file_is_kept_as_long_as_it_does_not_change)
{
	struct fo_file *one = get("first"), *other = get("first");

	cr_expect_eq(one, other);
	cr_expect_eq(one->holders, 3);
	fo_file_let_go(&other);
	cr_expect_null(other);
	fo_file_let_go(&one);
	fo_file_let_go(&one);
	one = get("first");
	cr_expect_eq(one->holders, 2);
	fo_file_let_go(&one);
}

/* Within a tick of the clock another change would not show. */
Test(shelf, a_file_that_has_just_changed_is_not_kept)
{
	struct fo_file *one, *other;

	failing_ahead(2);
	one = get("first");
	other = get("first");
	cr_expect_neq(one, other);
	cr_expect_eq(one->holders, 1);
	fo_file_let_go(&one);
	fo_file_let_go(&other);
	failing_ahead(OLD_ENOUGH);
	failing("clock_gettime", 0, EINVAL);
	one = get("first");
	failing_none();
	cr_expect_eq(one->holders, 1, "nor where nobody knows");
	fo_file_let_go(&one);
}

Test(shelf, a_change_is_in_force_at_once_and_who_holds_the_old_keeps_it)
{
	struct fo_file *old = get("first"), *now;

	put_policy("second");
	now = get("second");
	cr_expect_str_eq(old->policy->rules[0].name, "first");
	cr_expect_eq(old->holders, 1);
	fo_file_let_go(&old);
	fo_file_let_go(&now);
	now = get("second");
	cr_expect_eq(now->holders, 2, "the new one is kept");
	fo_file_let_go(&now);
}

/* The same length, the same inode: the ctime alone tells. */
Test(shelf, a_change_in_place_is_seen)
{
	char *path = store_fixture_path(&f, POLICY);
	struct fo_file *file = get("first");
	FILE *stream;

	fo_file_let_go(&file);
	(void)usleep(20000);
	cr_assert_not_null(stream = fopen(path, "r+"));
	cr_assert_eq(fseek(stream, (long)strlen("---\nversion: 1\n"
	    "policy: logins\nrules:\n  - rule: "), SEEK_SET), 0);
	cr_assert_geq(fputs("other", stream), 0);
	cr_assert_eq(fclose(stream), 0);
	file = get("other");
	fo_file_let_go(&file);
	free(path);
}

/* What is trusted no longer is judged as if it had never been kept. */
Test(shelf, a_file_that_becomes_unsafe_or_goes_is_refused_at_once)
{
	char *path = store_fixture_path(&f, POLICY);
	char *other = store_fixture_path(&f, "policies.d/other");
	struct fo_file *file = get("first");

	fo_file_let_go(&file);
	(void)usleep(20000);
	cr_assert_eq(chmod(path, 0666), 0);
	expect_refused(FO_ERR_STORE, "writable");
	cr_assert_eq(chmod(path, 0644), 0);
	file = get("first");
	fo_file_let_go(&file);
	(void)usleep(20000);
	cr_assert_eq(link(path, other), 0);
	expect_refused(FO_ERR_STORE, "hard links");
	cr_assert_eq(unlink(other), 0);
	file = get("first");
	fo_file_let_go(&file);
	cr_assert_eq(rename(path, other), 0);
	expect_refused(FO_ERR_NOT_FOUND, "does not exist");
	cr_assert_eq(symlink("other", path), 0);
	expect_refused(FO_ERR_STORE, "symbolic link");
	free(path);
	free(other);
}

Test(shelf, parts_have_names_of_their_own)
{
	struct fo_file *group = NULL, *policy = get("first");

	cr_expect_eq(fo_store_file(f.store, FO_STORE_GROUPS, "logins", &diag,
	    &group), FO_ERR_NOT_FOUND);
	cr_expect_eq(fo_store_file(f.store, FO_STORE_GROUPS, "default", &diag,
	    &group), FO_OK, "%s", diag.text);
	cr_expect_not_null(group->group);
	cr_expect_null(group->policy);
	fo_file_let_go(&group);
	fo_file_let_go(&policy);
	store_fixture_put(&f, "keys.d/" FIXTURE_JKT ".yaml", "---\n...\n");
	cr_expect_eq(fo_store_file(f.store, FO_STORE_KEYS, FIXTURE_JKT, &diag,
	    &group), FO_ERR_STORE, "a link is no file");
	cr_expect_null(group);
}

Test(shelf, a_name_that_would_not_fit_is_none)
{
	const size_t len = 100000;
	char *name = malloc(len + 1);
	struct fo_file *file = NULL;

	cr_assert_not_null(name);
	memset(name, 'a', len);
	name[len] = '\0';
	cr_expect_eq(fo_store_file(f.store, FO_STORE_POLICIES, name, &diag,
	    &file), FO_ERR_NOT_FOUND);
	cr_expect_null(file);
	free(name);
}

/* ---- the configuration ---------------------------------------------------- */

static fo_err
read_config(void)
{
	struct fo_config *config = NULL;
	const fo_err r = fo_store_config(f.store, &diag, &config);

	fo_config_free(&config);
	return r;
}

static void
put_config(const char *more)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "---\nversion: 1\nhost: bastion\n"
	    "%s...\n", more);
	store_fixture_put(&f, "firstops.yaml", text);
}

Test(shelf, a_configuration_holds_as_long_as_its_file_does_not_change)
{
	struct fo_store *other = NULL;

	cr_expect_not(fo_store_config_holds(f.store), "it was never read");
	put_config("");
	cr_assert_eq(read_config(), FO_OK, "%s", diag.text);
	cr_expect(fo_store_config_holds(f.store));
	cr_expect(fo_store_config_holds(f.store));
	put_config("aliases: [other]\n");
	cr_expect_not(fo_store_config_holds(f.store));
	cr_assert_eq(read_config(), FO_OK, "%s", diag.text);
	cr_expect(fo_store_config_holds(f.store));
	put_config("nonsense\n");
	cr_expect_eq(read_config(), FO_ERR_CONFIG);
	cr_expect_not(fo_store_config_holds(f.store), "it is none");
	cr_assert_eq(unlink(f.config), 0);
	cr_expect_eq(read_config(), FO_ERR_CONFIG);
	cr_expect_not(fo_store_config_holds(f.store));
	put_config("");
	failing_ahead(2);
	cr_assert_eq(read_config(), FO_OK, "%s", diag.text);
	cr_expect_not(fo_store_config_holds(f.store), "it is too young");
	failing_ahead(OLD_ENOUGH);
	cr_assert_eq(fo_store_new(f.config, &diag, &other), FO_OK);
	cr_expect_not(fo_store_config_holds(other), "it keeps nothing");
	fo_store_free(&other);
}

/* ---- the index ------------------------------------------------------------ */

static void
expect_link(fo_err want, const char *reason)
{
	char id[FO_ID_SIZE];

	diag.text[0] = '\0';
	cr_expect_eq(fo_store_find(f.store, FIXTURE_JKT, &diag, id), want,
	    "%s", diag.text);
	if (want == FO_OK)
		cr_expect_str_eq(id, FIXTURE_ID);
	cr_expect_not_null(strstr(diag.text, reason), "%s", diag.text);
}

Test(shelf, the_index_is_kept_and_trusted_no_longer_than_it_is_safe)
{
	char *keys = store_fixture_path(&f, "keys.d");
	char *moved = store_fixture_path(&f, "moved");
	char *link = store_fixture_path(&f, "keys.d/" FIXTURE_JKT);

	store_fixture_agent(&f, FIXTURE_ID, FIXTURE_JKT, "deploy");
	expect_link(FO_OK, "");
	failing("openat", 0, EIO);
	expect_link(FO_OK, "");
	failing_none();
	cr_assert_eq(chmod(keys, 0777), 0);
	expect_link(FO_ERR_STORE, "writable");
	expect_link(FO_ERR_STORE, "writable");
	cr_assert_eq(chmod(keys, 0755), 0);
	expect_link(FO_OK, "");
	cr_assert_eq(rename(keys, moved), 0);
	expect_link(FO_ERR_STORE, "does not exist");
	cr_assert_eq(symlink("moved", keys), 0);
	expect_link(FO_ERR_STORE, "symbolic link");
	cr_assert_eq(unlink(keys), 0);
	cr_assert_eq(rename(moved, keys), 0);
	expect_link(FO_OK, "");
	cr_assert_eq(unlink(link), 0);
	expect_link(FO_ERR_UNKNOWN_KEY, "no principal has registered");
	cr_assert_eq(symlink("elsewhere", link), 0);
	expect_link(FO_ERR_STORE, link);
	free(link);
	free(moved);
	free(keys);
}

/* Whoever changes it in the moment after it was judged is seen. */
Test(shelf, an_index_that_others_can_write_or_that_nobody_knows_is_not_kept)
{
	char *path = store_fixture_path(&f, "keys.d");
	struct fo_shelf *shelf = NULL;
	int fd;

	cr_assert_eq(fo_shelf_new(&shelf), FO_OK);
	cr_expect_null(fo_shelf_keys(shelf));
	cr_assert_geq(fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	for (mode_t mode = 0775; mode != 0; mode = mode == 0775 ? 0757 : 0) {
		cr_assert_eq(fchmod(fd, 0755), 0);
		fo_shelf_keep_keys(shelf, path, fd);
		cr_expect_str_eq(fo_shelf_keys(shelf), path);
		cr_assert_eq(fchmod(fd, mode), 0);
		fo_shelf_keep_keys(shelf, path, fd);
		cr_expect_null(fo_shelf_keys(shelf), "%o", mode);
	}
	cr_assert_eq(fchmod(fd, 0755), 0);
	failing("fstat", 0, EIO);
	fo_shelf_keep_keys(shelf, path, fd);
	failing_none();
	cr_expect_null(fo_shelf_keys(shelf));
	close(fd);
	fo_shelf_free(&shelf);
	free(path);
}

/* ---- the shelf alone ------------------------------------------------------ */

static struct fo_file *
make_file(int number, const struct stat *stamp)
{
	struct fo_file *file = calloc(1, sizeof(*file));

	cr_assert_not_null(file);
	cr_assert_not_null(file->path = strdup(f.folder));
	file->holders = 1;
	file->part = FO_STORE_GROUPS;
	file->ripe = true;
	file->stamp = *stamp;
	(void)snprintf(file->name, sizeof(file->name), "g%d", number);
	return file;
}

/* Put a new file there; the caller holds it, too. */
static struct fo_file *
put(struct fo_shelf *shelf, int number, const struct stat *stamp)
{
	struct fo_file *file = make_file(number, stamp);

	fo_shelf_put(shelf, file);
	return file;
}

/* A file system that does not stamp each change itself. */
Test(shelf, what_lies_elsewhere_is_not_kept)
{
	struct fo_shelf *shelf = NULL;
	struct fo_file *file;
	struct stat stamp;

	cr_assert_eq(lstat("/proc/version", &stamp), 0);
	stamp.st_ctim.tv_sec = 0;
	cr_assert_eq(fo_shelf_new(&shelf), FO_OK);
	file = make_file(1, &stamp);
	free(file->path);
	cr_assert_not_null(file->path = strdup("/proc/version"));
	fo_shelf_put(shelf, file);
	cr_expect_eq(file->holders, 1);
	fo_file_let_go(&file);
	fo_shelf_free(&shelf);
}

/* Whoever changes it does so elsewhere. */
Test(shelf, what_lies_on_a_disk_that_is_only_read_is_not_kept)
{
	struct fo_file *one, *other;
	int kept;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount(f.folder, f.folder, NULL, MS_BIND, NULL), 0);
	cr_assert_eq(mount("none", f.folder, NULL,
	    MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	one = get("first");
	other = get("first");
	kept = one == other;
	fo_file_let_go(&one);
	fo_file_let_go(&other);
	cr_expect_eq(umount2(f.folder, MNT_DETACH), 0);
	cr_expect(!kept);
}

Test(shelf, with_too_many_files_all_are_forgotten)
{
	struct fo_file *file, *held = NULL;
	struct fo_shelf *shelf = NULL;
	struct stat root;

	cr_assert_eq(lstat(f.folder, &root), 0);
	root.st_ctim.tv_sec = 0; /* not one is current */
	cr_assert_eq(fo_shelf_new(&shelf), FO_OK);
	held = put(shelf, 0, &root);
	file = put(shelf, 0, &root);
	cr_expect_eq(file->holders, 1, "there is one of that name");
	fo_file_let_go(&file);
	for (int i = 1; i < FILES_MAX; i++) {
		file = put(shelf, i, &root);
		cr_expect_eq(file->holders, 2);
		fo_file_let_go(&file);
	}
	/* one that has changed is forgotten, and makes room */
	cr_expect_null(fo_shelf_find(shelf, FO_STORE_GROUPS, "g7"));
	file = put(shelf, 7, &root);
	fo_file_let_go(&file);
	cr_expect_eq(held->holders, 2);
	file = put(shelf, FILES_MAX, &root);
	cr_expect_eq(held->holders, 1);
	cr_expect_eq(file->holders, 2);
	fo_file_let_go(&held);
	/* and once more, when there are as many again */
	held = file;
	for (int i = 1; i < FILES_MAX; i++) {
		file = put(shelf, FILES_MAX + i, &root);
		fo_file_let_go(&file);
	}
	cr_expect_eq(held->holders, 2);
	file = put(shelf, 0, &root);
	cr_expect_eq(held->holders, 1);
	fo_file_let_go(&file);
	fo_file_let_go(&held);
	fo_shelf_free(&shelf);
	cr_expect_null(shelf);
	fo_shelf_free(&shelf);
}
