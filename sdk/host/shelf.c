/*
 * What is kept of a store: a tree of files by part and name, and the index.
 */
#include "shelf.h"

#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <linux/magic.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/stamp.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
/* With more files than this all are forgotten; they are soon there again. */
#define FILES_MAX 20000

struct fo_shelf {
	void *files;		/* a tree of struct fo_file (tsearch) */
	size_t count;
	char *keys_path;	/* NULL: not judged */
	struct stat keys_stamp;
	bool has_config;
	struct stat config_stamp;
};

static int
compare(const void *a, const void *b)
{
	const struct fo_file *one = a, *other = b;

	return one->part != other->part ? (int)one->part - (int)other->part :
	    strcmp(one->name, other->name);
}

static void
let_go(void *file)
{
	struct fo_file *f = file;

	fo_file_let_go(&f);
}

static void
forget_all(struct fo_shelf *shelf)
{
	tdestroy(shelf->files, let_go);
	shelf->files = NULL;
	shelf->count = 0;
}

/* Does a path lead to what was read, unchanged since? */
static bool
is_current(const char *path, const struct stat *stamp)
{
	struct stat now;

	return lstat(path, &now) == 0 && fo_stamp_same(&now, stamp);
}

struct fo_file *
fo_shelf_find(struct fo_shelf *shelf, fo_store_part part, const char *name)
{
	struct fo_file want = { .part = part }, *file, **found;

	memcpy(want.name, name, strlen(name) + 1);
	if ((found = tfind(&want, &shelf->files, compare)) == NULL)
		return NULL;
	file = *found;
	if (!is_current(file->path, &file->stamp)) {
		(void)tdelete(file, &shelf->files, compare);
		shelf->count--;
		fo_file_let_go(&file);
		return NULL;
	}

	file->holders++;
	return file;
}

/*
 * Local, and with times of the kernel's own making. The kernel's numbers have
 * 32 bits without a sign, whatever the C library has them in.
 */
static bool
is_stamped(const char *path)
{
	static const uint32_t types[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,
		BTRFS_SUPER_MAGIC, TMPFS_MAGIC, OVERLAYFS_SUPER_MAGIC };
	struct statfs fs;

	if (statfs(path, &fs) != 0 || (fs.f_flags & ST_RDONLY) != 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((uint32_t)fs.f_type == types[i])
			return true;

	return false;
}

void
fo_shelf_put(struct fo_shelf *shelf, struct fo_file *file)
{
	struct fo_file **kept;

	if (!file->ripe || !is_stamped(file->path))
		return;
	if (shelf->count == FILES_MAX)
		forget_all(shelf);
	kept = tsearch(file, &shelf->files, compare);
	if (kept == NULL || *kept != file)
		return; /* no memory, or there is one of that name */
	file->holders++;
	shelf->count++;
}

/* ---- the configuration ---------------------------------------------------- */

void
fo_shelf_keep_config(struct fo_shelf *shelf, const char *path,
    const struct stat *stamp, bool safe)
{
	shelf->has_config = safe && is_stamped(path);
	shelf->config_stamp = *stamp;
}

bool
fo_shelf_config_holds(const struct fo_shelf *shelf, const char *path)
{
	return shelf->has_config && is_current(path, &shelf->config_stamp);
}

/* ---- the index ------------------------------------------------------------ */

const char *
fo_shelf_keys(struct fo_shelf *shelf)
{
	struct stat now;

	return shelf->keys_path != NULL &&
	    lstat(shelf->keys_path, &now) == 0 &&
	    fo_stamp_same_folder(&now, &shelf->keys_stamp) ?
	    shelf->keys_path : NULL;
}

/* Judged a moment ago; who may have changed it since is seen here, too. */
void
fo_shelf_keep_keys(struct fo_shelf *shelf, const char *path, int fd)
{
	free(shelf->keys_path);
	shelf->keys_path = NULL;
	if (fstat(fd, &shelf->keys_stamp) == 0 &&
	    (shelf->keys_stamp.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		shelf->keys_path = strdup(path);
}

/* ---- the whole ------------------------------------------------------------ */

fo_err
fo_shelf_new(struct fo_shelf **ret_shelf)
{
	struct fo_shelf *shelf;

	if ((shelf = calloc(1, sizeof(*shelf))) == NULL)
		return FO_ERR_NOMEM;

	*ret_shelf = shelf;
	return FO_OK;
}

void
fo_shelf_free(struct fo_shelf **shelf)
{
	if (*shelf == NULL)
		return;
	forget_all(*shelf);
	free((*shelf)->keys_path);
	free(*shelf);
	*shelf = NULL;
}
