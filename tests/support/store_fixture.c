/*
 * A store of a test's own, in a temporary folder.
 */
#include "store_fixture.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define LOCK_MS 5000

void
store_fixture_open_bare(struct store_fixture *f)
{
	struct fo_diag diag = { .text = "" };

	*f = (struct store_fixture){ .root = "/tmp/fo-store-XXXXXX" };
	cr_assert_not_null(mkdtemp(f->root));
	(void)snprintf(f->folder, sizeof(f->folder), "%s/firstops", f->root);
	(void)snprintf(f->config, sizeof(f->config), "%s/firstops.yaml",
	    f->folder);
	cr_assert_eq(fo_store_new(f->config, &diag, &f->store), FO_OK, "%s",
	    diag.text);
}

void
store_fixture_open(struct store_fixture *f)
{
	struct fo_diag diag = { .text = "" };

	store_fixture_open_bare(f);
	cr_assert_eq(fo_store_init(f->store, FIXTURE_HOST, &diag), FO_OK,
	    "%s", diag.text);
}

static int
remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
store_fixture_close(struct store_fixture *f)
{
	cr_expect_eq(nftw(f->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	fo_store_free(&f->store);
}

char *
store_fixture_path(const struct store_fixture *f, const char *name)
{
	char *path;

	cr_assert_geq(asprintf(&path, "%s/%s", f->folder, name), 0);
	return path;
}

void
store_fixture_put(const struct store_fixture *f, const char *name,
    const char *text)
{
	char *path = store_fixture_path(f, name);
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, 0644), 0);
	close(fd);
	free(path);
}

void
store_fixture_agent(const struct store_fixture *f, const char *id,
    const char *jkt, const char *account)
{
	char *account_copy = strdup(account);
	char *accounts[] = { account_copy, NULL };
	struct fo_pkey key = { .created = 1767225600 };
	struct fo_principal agent = {
		.status = FO_STATUS_ACTIVE,
		.kind = FO_KIND_AGENT,
		.name = "build-bot",
		.owner = "team-platform",
		.accounts = accounts,
		.keys = &key,
		.keys_count = 1,
	};
	struct fo_diag diag = { .text = "" };
	struct fo_store_lock *lock = NULL;
	bool there = false;

	cr_assert_not_null(account_copy);
	cr_assert_eq(strlen(id), sizeof(agent.id) - 1);
	memcpy(agent.id, id, sizeof(agent.id));
	cr_assert_eq(strlen(jkt), sizeof(key.jkt) - 1);
	memcpy(key.jkt, jkt, sizeof(key.jkt));
	cr_assert_eq(fo_store_lock(f->store, LOCK_MS, &diag, &lock), FO_OK,
	    "%s", diag.text);
	cr_assert_eq(fo_store_create(f->store, lock, &agent, &diag, &there),
	    FO_OK, "%s", diag.text);
	cr_assert(there);
	fo_store_unlock(&lock);
	free(account_copy);
}

void
store_fixture_edit(const struct store_fixture *f, const char *id,
    void (*edit)(struct fo_principal *principal))
{
	struct fo_diag diag = { .text = "" };
	struct fo_principal *before = NULL, *after = NULL;
	struct fo_store_lock *lock = NULL;
	bool there = false;

	cr_assert_eq(fo_store_lock(f->store, LOCK_MS, &diag, &lock), FO_OK,
	    "%s", diag.text);
	cr_assert_eq(fo_store_principal(f->store, id, &diag, &before), FO_OK,
	    "%s", diag.text);
	cr_assert_eq(fo_store_principal(f->store, id, &diag, &after), FO_OK,
	    "%s", diag.text);
	edit(after);
	cr_assert_eq(fo_store_replace(f->store, lock, before, after, &diag,
	    &there), FO_OK, "%s", diag.text);
	cr_assert(there);
	fo_store_unlock(&lock);
	fo_principal_free(&before);
	fo_principal_free(&after);
}
