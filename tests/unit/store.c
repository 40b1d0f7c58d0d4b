/*
 * Reading the store: what is found, and every file that is not trusted.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "support/failing.h"
#include "support/refusal.h"
#include "support/store_fixture.h"

#define OTHER_ID "fo_agent_00000000-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define OTHER_JKT "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
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

TestSuite(store, .init = setup, .fini = teardown);

/* The principal is refused for this reason at FOLDER/name (and line). */
static void
refused(const char *name, size_t line, const char *what)
{
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, name);

	cr_expect_eq(fo_store_principal(f.store, FIXTURE_ID, &diag,
	    &principal), FO_ERR_STORE, "%s", what);
	cr_expect_null(principal);
	expect_reason(&diag, path, line, what);
	free(path);
}

/* The text of a file; the caller frees. */
static char *
text_of(const char *name)
{
	char *path = store_fixture_path(&f, name);
	char *text = calloc(1, FO_FILE_MAX_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert_not_null(text);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_gt(read(fd, text, FO_FILE_MAX_BYTES - 1), 0);
	close(fd);
	free(path);
	return text;
}

Test(store, a_new_store_finds_and_reads_its_principal)
{
	struct fo_principal *principal = NULL;
	struct fo_config *config = NULL;
	struct fo_policies policies;
	struct fo_diag diag = { .text = "" };
	char id[FO_ID_SIZE];

	cr_assert_eq(fo_store_config(f.store, &diag, &config), FO_OK, "%s",
	    diag.text);
	cr_expect_str_eq(config->host, FIXTURE_HOST);
	cr_assert_eq(fo_store_find(f.store, FIXTURE_JKT, &diag, id), FO_OK,
	    "%s", diag.text);
	cr_expect_str_eq(id, FIXTURE_ID);
	cr_assert_eq(fo_store_principal(f.store, id, &diag, &principal),
	    FO_OK, "%s", diag.text);
	cr_expect_not_null(fo_principal_key(principal, FIXTURE_JKT));
	cr_assert_eq(fo_store_policies(f.store, principal, &diag, &policies),
	    FO_OK, "%s", diag.text);
	cr_assert_eq(policies.count, 1);
	cr_expect_str_eq(policies.list[0]->name, "logins");
	fo_policies_clear(&policies);
	cr_expect_eq(policies.count, 0);
	fo_principal_free(&principal);
	fo_config_free(&config);
}

Test(store, the_owner_is_whoever_runs_it)
{
	struct fo_store *store = NULL;
	struct fo_diag diag;

	cr_assert_eq(fo_store_new("/etc/firstops/firstops.yaml", &diag,
	    &store), FO_OK);
	cr_expect_eq(store->owner, geteuid());
	cr_expect_str_eq(store->folder, "/etc/firstops");
	fo_store_free(&store);
	cr_expect_null(store);
}

Test(store, another_user_may_have_one)
{
	struct store_fixture own;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert_eq(seteuid(65534), 0);
	store_fixture_open(&own);
	store_fixture_agent(&own, FIXTURE_ID, FIXTURE_JKT, "deploy");
	store_fixture_close(&own);
	cr_assert_eq(seteuid(0), 0);
}

Test(store, is_named_by_a_path_of_the_systems_length)
{
	struct fo_store *store = NULL;
	struct fo_diag diag = { .text = "" };
	char path[PATH_MAX + 1];

	memset(path, 'a', sizeof(path));
	path[0] = path[2] = '/';
	path[PATH_MAX] = '\0';
	cr_expect_eq(fo_store_new(path, &diag, &store), FO_ERR_ARG);
	path[PATH_MAX - 1] = '\0';
	cr_expect_eq(fo_store_new(path, &diag, &store), FO_OK);
	fo_store_free(&store);
	cr_expect_eq(fo_store_new(NULL, &diag, &store), FO_ERR_ARG);
	cr_expect_eq(strncmp(diag.text, "nothing ", 8), 0, "%s", diag.text);
}

Test(store, a_group_or_policy_that_is_no_name_is_not_found)
{
	struct fo_group *group = NULL;
	struct fo_policy *policy = NULL;
	struct fo_diag diag;

	cr_expect_eq(fo_store_group(f.store, "../x", &diag, &group),
	    FO_ERR_NOT_FOUND);
	cr_expect_not_null(strstr(diag.text, "not the name of a group"));
	cr_expect_eq(fo_store_policy(f.store, "../x", &diag, &policy),
	    FO_ERR_NOT_FOUND);
	cr_expect_not_null(strstr(diag.text, "not the name of a policy"));
}

Test(store, is_named_by_an_absolute_path_only)
{
	static const char *const bad[] = { "", "firstops.yaml",
		"./firstops.yaml", "/firstops.yaml", "/etc/firstops/" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fo_store *store = NULL;
		struct fo_diag diag = { .text = "" };

		cr_expect_eq(fo_store_new(bad[i], &diag, &store), FO_ERR_ARG,
		    "'%s'", bad[i]);
		cr_expect_null(store);
		cr_expect_not_null(strstr(diag.text, "write an absolute"));
		cr_expect_eq(strncmp(diag.text, bad[i], strlen(bad[i])), 0);
	}
}

Test(store, a_missing_principal_is_not_found)
{
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { .text = "" };

	cr_expect_eq(fo_store_principal(f.store, OTHER_ID, &diag,
	    &principal), FO_ERR_NOT_FOUND);
	cr_expect_eq(fo_store_principal(f.store, "../firstops", &diag,
	    &principal), FO_ERR_NOT_FOUND);
}

Test(store, an_unknown_thumbprint_is_an_unknown_key)
{
	struct fo_diag diag = { .text = "" };
	char id[FO_ID_SIZE] = "untouched";

	cr_expect_eq(fo_store_find(f.store, OTHER_JKT, &diag, id),
	    FO_ERR_UNKNOWN_KEY);
	cr_expect_eq(fo_store_find(f.store, "../firstops.yaml", &diag, id),
	    FO_ERR_UNKNOWN_KEY);
	cr_expect_eq(fo_store_find(f.store, "", &diag, id),
	    FO_ERR_UNKNOWN_KEY);
	cr_expect_str_eq(id, "untouched");
}

/* ---- files that cannot be trusted ------------------------------------ */

Test(store, a_torn_file_is_refused)
{
	char *text = text_of(PRINCIPAL);

	*strstr(text, "...") = '\0';
	store_fixture_put(&f, PRINCIPAL, text);
	refused(PRINCIPAL, 14, "closing \"...\" is missing, so this file is "
	    "torn; restore it from a copy");
	free(text);
}

Test(store, an_empty_file_is_refused)
{
	store_fixture_put(&f, PRINCIPAL, "");
	refused(PRINCIPAL, 1, "the file is empty, so it is torn; restore");
}

Test(store, a_world_writable_file_is_refused)
{
	char *path = store_fixture_path(&f, PRINCIPAL);

	cr_assert_eq(chmod(path, 0646), 0);
	refused(PRINCIPAL, 0, "writable by group or others; chmod go-w");
	cr_assert_eq(chmod(path, 0664), 0);
	refused(PRINCIPAL, 0, "writable by group or others; chmod go-w");
	free(path);
}

Test(store, a_world_writable_folder_is_refused)
{
	char *path = store_fixture_path(&f, "principals.d");
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(chmod(path, 0777), 0);
	refused("principals.d", 0, "writable by group or others; chmod go-w");
	cr_assert_eq(chmod(path, 0755), 0);
	cr_assert_eq(chmod(f.folder, 0775), 0);
	cr_expect_eq(fo_store_principal(f.store, FIXTURE_ID, &diag,
	    &principal), FO_ERR_STORE);
	expect_reason(&diag, f.folder, 0, " is writable by group or others");
	free(path);
}

Test(store, a_symbolic_link_is_refused_wherever_it_stands)
{
	char *path = store_fixture_path(&f, PRINCIPAL);
	char *folder = store_fixture_path(&f, "principals.d");
	char *moved = store_fixture_path(&f, "moved");

	cr_assert_eq(rename(path, moved), 0);
	cr_assert_eq(symlink("../moved", path), 0);
	refused(PRINCIPAL, 0, "is a symbolic link");
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(rename(moved, path), 0);
	cr_assert_eq(rename(folder, moved), 0);
	cr_assert_eq(symlink("moved", folder), 0);
	refused("principals.d", 0, "is a symbolic link");
	free(path);
	free(folder);
	free(moved);
}

Test(store, a_hard_linked_file_is_refused)
{
	char *path = store_fixture_path(&f, PRINCIPAL);
	char *other = store_fixture_path(&f, "other");

	cr_assert_eq(link(path, other), 0);
	refused(PRINCIPAL, 0, "has 2 hard links");
	free(path);
	free(other);
}

Test(store, a_fifo_is_refused_and_waited_for_by_nobody, .timeout = 5)
{
	char *path = store_fixture_path(&f, PRINCIPAL);

	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0644), 0);
	refused(PRINCIPAL, 0, "is not a regular file; put one in its place");
	free(path);
}

Test(store, a_folder_in_a_files_place_is_refused)
{
	char *path = store_fixture_path(&f, PRINCIPAL);

	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkdir(path, 0755), 0);
	refused(PRINCIPAL, 0, "is not a regular file; put one in its place");
	free(path);
}

Test(store, a_file_of_another_owner_is_refused)
{
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, PRINCIPAL);

	if (geteuid() == 0) {
		cr_assert_eq(chown(path, 12345, 0), 0);
		refused(PRINCIPAL, 0, "is owned by uid 12345, not by root");
	} else {
		/* who cannot give a file away reads it as somebody else */
		f.store->owner = geteuid() + 1;
		cr_expect_eq(fo_store_principal(f.store, FIXTURE_ID, &diag,
		    &principal), FO_ERR_STORE);
		expect_reason(&diag, f.root, 0, "is owned by uid");
	}
	free(path);
}

Test(store, a_file_that_is_too_big_is_refused)
{
	char *text = malloc(FO_FILE_MAX_BYTES + 2);

	cr_assert_not_null(text);
	memset(text, '#', FO_FILE_MAX_BYTES + 1);
	text[FO_FILE_MAX_BYTES + 1] = '\0';
	store_fixture_put(&f, PRINCIPAL, text);
	refused(PRINCIPAL, 0, "larger than 65536 bytes; take something out");
	free(text);
}

Test(store, a_file_that_is_too_deep_is_refused)
{
	store_fixture_put(&f, PRINCIPAL, "---\nversion: 1\nname:\n"
	    "  [[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]\n...\n");
	refused(PRINCIPAL, 4, "more than 16 levels deep");
}

Test(store, a_duplicate_an_unknown_and_a_misspelt_key_are_refused)
{
	static const struct {
		const char *to;
		size_t line;
		const char *what;
	} cases[] = {
		{ "status: active\nstatus: active\n", 4,
		    "key 'status' is there already, in line 3; keep one" },
		{ "status: active\nadmin: yes\n", 4,
		    "unknown key 'admin'; take it out" },
		{ "statsu: active\n", 3,
		    "unknown key 'statsu'; did you mean 'status'?" },
	};
	char *text = text_of(PRINCIPAL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *bad = changed(text, "status: active\n", cases[i].to);

		store_fixture_put(&f, PRINCIPAL, bad);
		refused(PRINCIPAL, cases[i].line, cases[i].what);
		free(bad);
	}
	free(text);
}

Test(store, a_file_under_another_id_is_refused)
{
	char *text = text_of(PRINCIPAL);
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { .text = "" };

	store_fixture_put(&f, "principals.d/" OTHER_ID ".yaml", text);
	cr_expect_eq(fo_store_principal(f.store, OTHER_ID, &diag,
	    &principal), FO_ERR_STORE);
	cr_expect_not_null(strstr(diag.text, ":4: id is '" FIXTURE_ID "'"),
	    "%s", diag.text);
	free(text);
}

Test(store, whatever_is_wrong_with_the_configuration_is_a_config_error)
{
	struct fo_config *config = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(chmod(f.config, 0666), 0);
	cr_expect_eq(fo_store_config(f.store, &diag, &config),
	    FO_ERR_CONFIG);
	expect_reason(&diag, f.config, 0, "chmod go-w");
	store_fixture_put(&f, "firstops.yaml", "---\nversion: 1\n"
	    "hosst: x\n...\n");
	cr_expect_eq(fo_store_config(f.store, &diag, &config),
	    FO_ERR_CONFIG);
	expect_reason(&diag, f.config, 3, "did you mean 'host'?");
	cr_assert_eq(unlink(f.config), 0);
	cr_expect_eq(fo_store_config(f.store, &diag, &config),
	    FO_ERR_CONFIG);
	expect_reason(&diag, f.config, 0, "\"fo init\" makes one");
	cr_expect_null(config);
}

/* ---- links ----------------------------------------------------------- */

Test(store, a_link_that_is_not_one_to_a_principal_is_refused)
{
	static const char *const texts[] = {
		"../principals.d/" OTHER_ID,
		"principals.d/" OTHER_ID ".yaml",
		"../principals.d/../" OTHER_ID ".yaml",
		"../principals.d/root.yaml",
		"/etc/firstops/principals.d/" OTHER_ID ".yaml",
		"../principals.d/" OTHER_ID ".yamlx",
		"../principals.d/" OTHER_ID ".yams",
		"../principals.d/" OTHER_ID ".yaml.yaml.yaml.yaml.yaml.yaml",
		"../principals.d/.yaml",
		"x",
	};
	char *path = store_fixture_path(&f, "keys.d/" OTHER_JKT);
	char id[FO_ID_SIZE] = "untouched";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fo_diag diag = { .text = "" };

		cr_assert_eq(symlink(texts[i], path), 0);
		cr_expect_eq(fo_store_find(f.store, OTHER_JKT, &diag, id),
		    FO_ERR_STORE, "%s", texts[i]);
		expect_reason(&diag, path, 0, "run \"fo store index\"");
		cr_assert_eq(unlink(path), 0);
	}
	store_fixture_put(&f, "keys.d/" OTHER_JKT,
	    "../principals.d/" OTHER_ID ".yaml");
	cr_expect_eq(fo_store_find(f.store, OTHER_JKT, NULL, id),
	    FO_ERR_STORE);
	cr_expect_str_eq(id, "untouched");
	free(path);
}

Test(store, a_link_that_cannot_be_read_is_a_store_error)
{
	struct fo_diag diag = { .text = "" };
	char id[FO_ID_SIZE];

	failing("readlinkat", 0, EIO);
	cr_expect_eq(fo_store_find(f.store, FIXTURE_JKT, &diag, id),
	    FO_ERR_STORE);
	failing_none();
	cr_expect_not_null(strstr(diag.text, strerror(EIO)), "%s", diag.text);
}

Test(store, a_missing_or_writable_index_is_a_store_error)
{
	char *keys = store_fixture_path(&f, "keys.d");
	char *moved = store_fixture_path(&f, "moved");
	struct fo_diag diag = { .text = "" };
	char id[FO_ID_SIZE];

	cr_assert_eq(chmod(keys, 0777), 0);
	cr_expect_eq(fo_store_find(f.store, FIXTURE_JKT, &diag, id),
	    FO_ERR_STORE);
	expect_reason(&diag, keys, 0, "chmod go-w");
	cr_assert_eq(rename(keys, moved), 0);
	cr_expect_eq(fo_store_find(f.store, FIXTURE_JKT, &diag, id),
	    FO_ERR_STORE);
	expect_reason(&diag, keys, 0, "does not exist");
	free(keys);
	free(moved);
}

/* ---- groups and policies --------------------------------------------- */

static void
in_two_groups(struct fo_principal *principal)
{
	fo_texts_free(&principal->groups);
	fo_texts_free(&principal->policies);
	principal->groups = calloc(3, sizeof(char *));
	principal->policies = calloc(3, sizeof(char *));
	principal->groups[0] = strdup("one");
	principal->groups[1] = strdup("two");
	principal->policies[0] = strdup("own");
	principal->policies[1] = strdup("own");
}

#define RULES "rules: [{rule: r, effect: allow, channel: login}]\n...\n"

/* A principal with an own policy, in two groups that share one. */
static struct fo_principal *
grouped(void)
{
	struct fo_principal *principal = NULL;

	store_fixture_put(&f, "policies.d/own.yaml",
	    "---\nversion: 1\npolicy: own\n" RULES);
	store_fixture_put(&f, "policies.d/shared.yaml",
	    "---\nversion: 1\npolicy: shared\n" RULES);
	store_fixture_put(&f, "groups.d/one.yaml",
	    "---\nversion: 1\ngroup: one\npolicies: [shared, logins]\n...\n");
	store_fixture_put(&f, "groups.d/two.yaml",
	    "---\nversion: 1\ngroup: two\npolicies: [own, shared]\n...\n");
	store_fixture_edit(&f, FIXTURE_ID, in_two_groups);
	cr_assert_eq(fo_store_principal(f.store, FIXTURE_ID, NULL,
	    &principal), FO_OK);
	return principal;
}

Test(store, policies_are_its_own_its_groups_and_defaults_each_once)
{
	static const char *const want[] = { "own", "shared", "logins" };
	struct fo_principal *principal = grouped();
	struct fo_policies policies;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(fo_store_policies(f.store, principal, &diag, &policies),
	    FO_OK, "%s", diag.text);
	cr_assert_eq(policies.count, 3);
	for (size_t i = 0; i < 3; i++)
		cr_expect_str_eq(policies.list[i]->name, want[i]);
	fo_policies_clear(&policies);
	fo_principal_free(&principal);
}

/* Without, or with a broken, file of this name the principal is refused. */
static void
needs(const char *name, const char *missing, const char *broken)
{
	struct fo_principal *principal = grouped();
	struct fo_policies policies = { .count = 42 };
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, name);

	cr_assert_eq(unlink(path), 0);
	cr_expect_eq(fo_store_policies(f.store, principal, &diag, &policies),
	    FO_ERR_STORE, "%s", name);
	cr_expect_not_null(strstr(diag.text, missing), "%s", diag.text);
	store_fixture_put(&f, name, "---\nversion: 1\n");
	cr_expect_eq(fo_store_policies(f.store, principal, &diag, &policies),
	    FO_ERR_STORE, "%s", name);
	expect_reason(&diag, path, 3, broken);
	cr_expect_eq(policies.count, 42);
	free(path);
	fo_principal_free(&principal);
}

Test(store, a_missing_or_broken_group_or_policy_never_becomes_no_rules)
{
	needs("policies.d/own.yaml", FIXTURE_ID " names policy 'own', whose "
	    "file does not exist; write it or take the name out", "torn");
	needs("policies.d/shared.yaml", "group 'one' names policy 'shared'",
	    "torn");
	needs("groups.d/two.yaml", FIXTURE_ID " names group 'two'", "torn");
	needs("groups.d/default.yaml",
	    "every principal names group 'default'", "torn");
}

/* ---- walking --------------------------------------------------------- */

static fo_err
count_one(const char *name, void *arg)
{
	(void)name;
	++*(size_t *)arg;
	return FO_OK;
}

static size_t
count(fo_store_part part)
{
	struct fo_diag diag = { .text = "" };
	size_t n = 0;

	cr_assert_eq(fo_store_each(f.store, part, &diag, count_one, &n),
	    FO_OK, "%s", diag.text);
	return n;
}

Test(store, names_that_do_not_fit_the_grammar_are_ignored)
{
	static const char *const droppings[] = { "groups.d/.x.yaml.swp",
		"groups.d/x.yaml~", "groups.d/#x.yaml#", "groups.d/X.yaml",
		"groups.d/x.yml", "groups.d/.yaml", "groups.d/.tmp-abc",
		"groups.d/x.yaml.rpmsave", "groups.d/README",
		"principals.d/x.yaml", "principals.d/.tmp-abc",
		"principals.d/" OTHER_ID, "keys.d/x", "keys.d/.tmp-abc",
		"policies.d/x.yaml.dpkg-old", ".tmp-abc" };

	for (size_t i = 0; i < sizeof(droppings) / sizeof(droppings[0]); i++)
		store_fixture_put(&f, droppings[i], "not yaml: [");
	cr_expect_eq(count(FO_STORE_PRINCIPALS), 1);
	cr_expect_eq(count(FO_STORE_KEYS), 1);
	cr_expect_eq(count(FO_STORE_GROUPS), 1);
	cr_expect_eq(count(FO_STORE_POLICIES), 1);
}

Test(store, a_folder_that_is_not_there_is_a_store_error)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, "groups.d");
	char *away = store_fixture_path(&f, "groups.away");
	size_t n = 0;

	cr_assert_eq(rename(path, away), 0);
	cr_expect_eq(fo_store_each(f.store, FO_STORE_GROUPS, &diag, count_one,
	    &n), FO_ERR_STORE);
	cr_expect_eq(n, 0);
	cr_expect_not_null(strstr(diag.text, path), "%s", diag.text);
	cr_assert_eq(rename(away, path), 0);
	free(path);
	free(away);
}

/*
 * Puts something else in the place of the folder that is being read, whatever
 * the number of its descriptor.
 */
static fo_err
take_away(const char *name, void *arg)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct stat st, folder;

	(void)name;
	cr_assert_geq(fd, 0);
	cr_assert_eq(stat(arg, &folder), 0);
	for (int i = 3; i < 64; i++)
		if (fstat(i, &st) == 0 && st.st_ino == folder.st_ino &&
		    st.st_dev == folder.st_dev)
			cr_assert_eq(dup2(fd, i), i);
	close(fd);
	return FO_OK;
}

Test(store, a_folder_that_cannot_be_read_to_its_end_is_a_store_error)
{
	struct fo_diag diag = { .text = "" };
	char *path = store_fixture_path(&f, "principals.d");

	cr_expect_eq(fo_store_each(f.store, FO_STORE_PRINCIPALS, &diag,
	    take_away, path), FO_ERR_STORE);
	cr_expect_not_null(strstr(diag.text, path), "%s", diag.text);
	free(path);
}

static fo_err
stop(const char *name, void *arg)
{
	(void)name;
	++*(size_t *)arg;
	return FO_ERR_EXISTS;
}

Test(store, a_walk_without_memory_is_no_trouble_of_the_folders)
{
	struct fo_diag diag = { .text = "" };
	size_t n = 0;

	failing("fdopendir", 0, ENOMEM);
	cr_expect_eq(fo_store_each(f.store, FO_STORE_GROUPS, &diag, count_one,
	    &n), FO_ERR_NOMEM);
	failing("fdopendir", 0, EIO);
	cr_expect_eq(fo_store_each(f.store, FO_STORE_GROUPS, &diag, count_one,
	    &n), FO_ERR_STORE);
	failing_none();
	cr_expect_not_null(strstr(diag.text, strerror(EIO)), "%s", diag.text);
	cr_expect_eq(n, 0);
}

Test(store, walking_stops_at_the_first_failure_and_returns_it)
{
	size_t n = 0;

	store_fixture_agent(&f, OTHER_ID, OTHER_JKT, "deploy");
	cr_expect_eq(count(FO_STORE_PRINCIPALS), 2);
	cr_expect_eq(fo_store_each(f.store, FO_STORE_PRINCIPALS, NULL, stop,
	    &n), FO_ERR_EXISTS);
	cr_expect_eq(n, 1);
}

Test(store, no_descriptor_is_left_open)
{
	const int before = dup(0);

	close(before);
	for (int i = 0; i < 3; i++) {
		struct fo_principal *principal = NULL;
		struct fo_diag diag;
		char id[FO_ID_SIZE];

		cr_expect_eq(fo_store_find(f.store, FIXTURE_JKT, &diag, id),
		    FO_OK);
		cr_expect_eq(fo_store_principal(f.store, FIXTURE_ID, &diag,
		    &principal), FO_OK);
		cr_expect_eq(fo_store_find(f.store, OTHER_JKT, &diag, id),
		    FO_ERR_UNKNOWN_KEY);
		(void)count(FO_STORE_KEYS);
		fo_principal_free(&principal);
	}
	const int after = dup(0);

	cr_expect_eq(before, after);
	close(after);
}
