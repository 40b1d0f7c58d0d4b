/*
 * One file of the store.
 */
#include "store_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"
#include "base/stamp.h"
#include "names.h"
#include "node.h"

_Static_assert(FO_ID_SIZE <= FO_FILE_NAME_SIZE &&
    FO_NAME_MAX < FO_FILE_NAME_SIZE && FO_JKT_SIZE <= FO_FILE_NAME_SIZE,
    "every name fits");

static const struct fo_part parts[] = {
	[FO_STORE_PRINCIPALS] = { "principals.d", fo_id_ok, true,
	    "the id of a principal" },
	[FO_STORE_KEYS] = { "keys.d", fo_jkt_ok, false, "a thumbprint" },
	[FO_STORE_GROUPS] = { "groups.d", fo_name_ok, true,
	    "the name of a group" },
	[FO_STORE_POLICIES] = { "policies.d", fo_name_ok, true,
	    "the name of a policy" },
};

const struct fo_part *
fo_part(fo_store_part part)
{
	return &parts[part];
}

/* ---- text -------------------------------------------------------------- */

/* The stamp first: what changes from then on has another. */
static fo_err
read_text(int fd, const char *path, struct fo_diag *diag,
    struct stat *ret_stamp, bool *ret_ripe, char **ret_text, size_t *ret_len)
{
	const time_t before = fo_stamp_time();
	fo_err r = FO_ERR_IO;

	if (fstat(fd, ret_stamp) == 0) {
		*ret_ripe = fo_stamp_ripe(ret_stamp, before);
		r = fo_read_all(fd, FO_FILE_MAX_BYTES, ret_text, ret_len);
	}
	if (r == FO_ERR_TOO_LONG)
		fo_diag_set(diag, "%s: the file is larger than %d bytes; take "
		    "something out", path, FO_FILE_MAX_BYTES);
	else if (r == FO_ERR_IO)
		fo_diag_set(diag, "%s: cannot be read: %s; %s", path,
		    strerror(errno), fo_diag_remedy(errno));
	return r;
}

fo_err
fo_file_text(const struct fo_store *store, const char *path,
    struct fo_diag *diag, struct stat *ret_stamp, bool *ret_ripe,
    char **ret_text, size_t *ret_len)
{
	fo_err r;
	int fd;

	if ((r = fo_safe_open_file(path, store->owner, diag, &fd)) != FO_OK)
		return r;
	r = read_text(fd, path, diag, ret_stamp, ret_ripe, ret_text, ret_len);
	close(fd);
	return r;
}

/* ---- what it says ------------------------------------------------------- */

static fo_err
parse(const char *path, const char *text, size_t len, struct fo_diag *diag,
    struct fo_file *file)
{
	switch (file->part) {
	case FO_STORE_PRINCIPALS:
		return fo_principal_parse(path, file->name, text, len, diag,
		    &file->principal);
	case FO_STORE_GROUPS:
		return fo_group_parse(path, file->name, text, len, diag,
		    &file->group);
	case FO_STORE_POLICIES:
		return fo_policy_parse(path, file->name, text, len, diag,
		    &file->policy);
	case FO_STORE_KEYS:
		break; /* a link says nothing but where it leads */
	}
	return FO_ERR_INTERNAL;
}

/*
 * FO_ERR_NOT_FOUND only when the file or its folder is missing; anything
 * else that is not want of memory is FO_ERR_STORE.
 */
static fo_err
fill(const struct fo_store *store, struct fo_diag *diag, struct fo_file *file)
{
	char *text = NULL;
	struct fo_buf buf;
	size_t len = 0;
	fo_err r;

	fo_buf_init(&buf, (size_t)PATH_MAX + NAME_MAX);
	fo_buf_addf(&buf, "%s/%s/%s" FO_YAML_SUFFIX, store->folder,
	    parts[file->part].folder, file->name);
	if ((r = fo_buf_take(&buf, &file->path)) != FO_OK)
		return r;
	r = fo_file_text(store, file->path, diag, &file->stamp, &file->ripe,
	    &text, &len);
	if (r == FO_OK)
		r = parse(file->path, text, len, diag, file);
	free(text);
	return r == FO_OK || r == FO_ERR_NOT_FOUND || r == FO_ERR_NOMEM ? r :
	    FO_ERR_STORE;
}

fo_err
fo_file_read(const struct fo_store *store, fo_store_part part,
    const char *name, struct fo_diag *diag, struct fo_file **ret_file)
{
	struct fo_file *file;
	fo_err r;

	if (!parts[part].ok(name)) {
		fo_diag_set(diag, "%s is not %s", name, parts[part].what);
		return FO_ERR_NOT_FOUND;
	}
	if ((file = calloc(1, sizeof(*file))) == NULL)
		return FO_ERR_NOMEM;
	file->holders = 1;
	file->part = part;
	memcpy(file->name, name, strlen(name) + 1);
	if ((r = fill(store, diag, file)) != FO_OK) {
		fo_file_let_go(&file);
		return r;
	}

	*ret_file = file;
	return FO_OK;
}

void
fo_file_let_go(struct fo_file **file)
{
	struct fo_file *f = *file;

	*file = NULL;
	if (f == NULL || --f->holders > 0)
		return;
	fo_principal_free(&f->principal);
	fo_group_free(&f->group);
	fo_policy_free(&f->policy);
	free(f->path);
	free(f);
}
