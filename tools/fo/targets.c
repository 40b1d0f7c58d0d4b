/*
 * ~/.config/firstops/targets.yaml: which FirstOps host stands behind what a
 * person types after ssh.
 */
#include "targets.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"
#include "host/lock.h"
#include "host/node.h"

#include "file.h"

#define PATH_MAX_BYTES 4000
#define DEST_MAX_BYTES 255
/* How long somebody who changes the list waits for another. */
#define LOCK_MS 5000

/* ---- grammar --------------------------------------------------------- */

bool
target_dest_ok(const char *dest)
{
	const size_t len = strlen(dest);
	size_t i;

	if (len == 0 || len > DEST_MAX_BYTES || dest[0] == '-')
		return false;
	for (i = 0; i < len; i++)
		if (dest[i] <= ' ' || dest[i] > '~' || dest[i] == '"' ||
		    dest[i] == '\\' || dest[i] == '@' || dest[i] == '/')
			return false;

	return true;
}

bool
target_host_ok(const char *host)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const size_t len = strlen(host);

	return len > 0 && len <= DEST_MAX_BYTES && host[0] != '-' &&
	    host[0] != '.' && strspn(host, letters) == len;
}

/* ---- where it is ----------------------------------------------------- */

static fo_err
set_path(char **path, const char *home, const char *name)
{
	struct fo_buf buf;

	fo_buf_init(&buf, PATH_MAX_BYTES);
	fo_buf_addf(&buf, "%s/firstops%s", home, name);

	return fo_buf_take(&buf, path);
}

/*
 * The paths with links resolved: a home folder may be reached through one.
 * What they resolve to is then opened without following any.
 * FO_ERR_NOT_FOUND: there is no such home.
 */
static fo_err
locate(const char *home, struct targets *targets, struct fo_diag *diag)
{
	char *real = realpath(home, NULL);
	fo_err r;

	if (real == NULL) {
		fo_diag_set(diag, "%s: %s; %s", home, strerror(errno),
		    fo_diag_remedy(errno));
		return errno == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_IO;
	}
	if ((r = set_path(&targets->folder, real, "")) == FO_OK &&
	    (r = set_path(&targets->path, real, "/targets.yaml")) == FO_OK)
		r = set_path(&targets->temporary, real, "/.tmp-targets.yaml");
	free(real);

	return r;
}

/* ---- reading --------------------------------------------------------- */

static fo_err
read_entries(const char *path, const struct fo_node *root,
    struct fo_diag *diag, struct targets *targets)
{
	static const char *const known[] = { "version", "targets", NULL };
	struct fo_reader rd = { path, diag, FO_OK };
	const struct fo_node *map;
	size_t i;
	fo_err r;

	fo_reader_map(&rd, root, known);
	fo_reader_version(&rd, root);
	if (rd.err != FO_OK)
		return rd.err;
	map = fo_node_get(root, "targets");
	if (map == NULL || (map->type == FO_NODE_SCALAR && map->plain &&
	    *map->text == '\0'))
		return FO_OK;
	if (map->type != FO_NODE_MAP) {
		fo_reader_fail(&rd, map->line, "targets must be a map of"
		    " \"HOST:PORT\": NAME");
		return rd.err;
	}
	for (i = 0; i < map->count; i++) {
		const char *host = map->items[i]->type == FO_NODE_SCALAR ?
		    map->items[i]->text : "";

		if (!target_dest_ok(map->keys[i]) || !target_host_ok(host)) {
			fo_reader_fail(&rd, map->key_lines[i], "must be"
			    " \"HOST:PORT\": NAME, or an alias and NAME");
			return rd.err;
		}
		if ((r = targets_set(targets, map->keys[i], host)) != FO_OK)
			return r;
	}

	return FO_OK;
}

static fo_err
read_text(const char *path, const char *text, size_t len,
    struct fo_diag *diag, struct targets *targets)
{
	struct fo_node *root = NULL;
	fo_err r;

	r = fo_node_parse(path, text, len, diag, &root);
	if (r == FO_OK)
		r = read_entries(path, root, diag, targets);
	fo_node_free(&root);

	return r;
}

static fo_err
explain_long(const struct targets *targets, struct fo_diag *diag)
{
	fo_diag_set(diag, "%s: longer than %d bytes; take some out",
	    targets->path, FO_FILE_MAX_BYTES);

	return FO_ERR_TOO_LONG;
}

static fo_err
read_file(struct targets *targets, struct fo_diag *diag)
{
	char *text = NULL;
	size_t len = 0;
	fo_err r;
	int fd;

	r = fo_safe_open_file(targets->path, geteuid(), diag, &fd);
	if (r == FO_ERR_NOT_FOUND)
		return FO_OK;
	if (r != FO_OK)
		return r;
	r = fo_read_all(fd, FO_FILE_MAX_BYTES, &text, &len);
	if (r == FO_ERR_IO)
		fo_diag_set(diag, "%s: cannot be read: %s; %s",
		    targets->path, strerror(errno), fo_diag_remedy(errno));
	else if (r == FO_ERR_TOO_LONG)
		r = explain_long(targets, diag);
	close(fd);
	if (r == FO_OK)
		r = read_text(targets->path, text, len, diag, targets);
	free(text);

	return r;
}

/* What was read, or nothing. */
static fo_err
give(fo_err r, struct targets *targets, struct targets *ret_targets)
{
	if (r == FO_OK)
		*ret_targets = *targets;
	else
		targets_clear(targets);

	return r;
}

fo_err
targets_load(struct fo_diag *diag, struct targets *ret_targets)
{
	struct targets targets = { .lock = -1 };
	char *home = NULL;
	fo_err r;

	if ((r = file_config_home(diag, &home)) != FO_OK)
		return r;
	if ((r = locate(home, &targets, diag)) == FO_OK)
		r = read_file(&targets, diag);
	else if (r == FO_ERR_NOT_FOUND)
		r = FO_OK; /* nothing was ever added */
	free(home);

	return give(r, &targets, ret_targets);
}

void
targets_clear(struct targets *targets)
{
	size_t i;

	for (i = 0; i < targets->count; i++) {
		free(targets->list[i].dest);
		free(targets->list[i].host);
	}
	free(targets->list);
	free(targets->folder);
	free(targets->path);
	free(targets->temporary);
	if (targets->lock != -1)
		close(targets->lock);
	*targets = (struct targets){ .lock = -1 };
}

/* ---- entries --------------------------------------------------------- */

static struct target_entry *
find(const struct targets *targets, const char *dest)
{
	size_t i;

	for (i = 0; i < targets->count; i++)
		if (strcmp(targets->list[i].dest, dest) == 0)
			return &targets->list[i];

	return NULL;
}

const char *
targets_find(const struct targets *targets, const char *dest)
{
	const struct target_entry *entry = find(targets, dest);

	return entry != NULL ? entry->host : NULL;
}

fo_err
targets_set(struct targets *targets, const char *dest, const char *host)
{
	struct target_entry *entry = find(targets, dest), *grown;
	struct target_entry made = { .host = strdup(host) };

	if (made.host == NULL)
		return FO_ERR_NOMEM;
	if (entry != NULL) {
		free(entry->host);
		entry->host = made.host;
		return FO_OK;
	}
	grown = reallocarray(targets->list, targets->count + 1,
	    sizeof(*grown));
	if (grown != NULL)
		targets->list = grown;
	if (grown == NULL || (made.dest = strdup(dest)) == NULL) {
		free(made.host);
		return FO_ERR_NOMEM;
	}
	grown[targets->count++] = made;

	return FO_OK;
}

bool
targets_remove(struct targets *targets, const char *dest)
{
	struct target_entry *entry = find(targets, dest);

	if (entry == NULL)
		return false;
	free(entry->dest);
	free(entry->host);
	*entry = targets->list[--targets->count];

	return true;
}

/* ---- writing --------------------------------------------------------- */

/* A folder for its owner alone, on disk, unless it is there. */
static fo_err
make_folder(const char *path, struct fo_diag *diag)
{
	if (mkdirat(AT_FDCWD, path, S_IRWXU) == 0 ?
	    file_sync_folder_of(path) == 0 : errno == EEXIST)
		return FO_OK;
	fo_diag_set(diag, "%s: cannot be made: %s; %s", path, strerror(errno),
	    fo_diag_remedy(errno));

	return FO_ERR_IO;
}

fo_err
targets_open(struct fo_diag *diag, struct targets *ret_targets)
{
	struct targets targets = { .lock = -1 };
	char *home = NULL;
	fo_err r;

	if ((r = file_config_home(diag, &home)) != FO_OK)
		return r;
	if ((r = make_folder(home, diag)) == FO_OK &&
	    (r = locate(home, &targets, diag)) == FO_OK &&
	    (r = make_folder(targets.folder, diag)) == FO_OK &&
	    (r = fo_lock_folder(targets.folder, geteuid(), LOCK_MS, diag,
	    &targets.lock)) == FO_OK)
		r = read_file(&targets, diag);
	free(home);

	return give(r, &targets, ret_targets);
}

static fo_err
format(const struct targets *targets, char **ret_text)
{
	struct fo_buf buf;
	size_t i;

	fo_buf_init(&buf, FO_FILE_MAX_BYTES);
	fo_buf_adds(&buf, "---\nversion: 1\ntargets:");
	fo_buf_adds(&buf, targets->count == 0 ? " {}\n" : "\n");
	for (i = 0; i < targets->count; i++)
		fo_buf_addf(&buf, "  \"%s\": \"%s\"\n", targets->list[i].dest,
		    targets->list[i].host);
	fo_buf_adds(&buf, "...\n");

	return fo_buf_take(&buf, ret_text);
}

/* Is the new text one that will be read again? */
static fo_err
check(const struct targets *targets, const char *text, struct fo_diag *diag)
{
	struct targets copy = { .lock = -1 };
	fo_err r;

	r = read_text(targets->path, text, strlen(text), diag, &copy);
	targets_clear(&copy);

	return r;
}

fo_err
targets_save(const struct targets *targets, struct fo_diag *diag)
{
	char *text = NULL;
	fo_err r;

	if (targets->lock == -1)
		return FO_ERR_ARG;
	if ((r = format(targets, &text)) == FO_ERR_TOO_LONG)
		r = explain_long(targets, diag);
	else if (r == FO_OK)
		r = check(targets, text, diag);
	if (r == FO_ERR_TOO_LONG || r == FO_ERR_FORMAT) {
		fo_diag_prefix(diag, "nothing was changed, since the new list"
		    " could not be read again");
		r = FO_ERR_TOO_LONG;
	}
	if (r == FO_OK)
		r = file_replace(targets->path, targets->temporary, text,
		    S_IRUSR | S_IWUSR, diag);
	free(text);

	return r;
}
