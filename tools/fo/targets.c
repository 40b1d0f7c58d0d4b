/*
 * ~/.config/firstops/targets.yaml: which FirstOps host stands behind what a
 * person types after ssh.
 */
#include "targets.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"
#include "host/node.h"

#define PATH_MAX_BYTES 4000
#define DEST_MAX_BYTES 255

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

/* XDG_CONFIG_HOME, else ~/.config; absolute, or nothing. */
static fo_err
config_home(char **ret_path)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	const struct passwd *pw;
	struct fo_buf buf;

	fo_buf_init(&buf, PATH_MAX_BYTES);
	if (xdg != NULL && xdg[0] == '/') {
		fo_buf_adds(&buf, xdg);
		return fo_buf_take(&buf, ret_path);
	}
	if ((home == NULL || home[0] != '/') &&
	    (pw = getpwuid(getuid())) != NULL)
		home = pw->pw_dir;
	if (home == NULL || home[0] != '/')
		return FO_ERR_NOT_FOUND;
	fo_buf_addf(&buf, "%s/.config", home);

	return fo_buf_take(&buf, ret_path);
}

/*
 * The path with links resolved: a home folder may be reached through one.
 * What it resolves to is then opened without following any.
 */
static fo_err
locate(struct targets *targets, struct fo_diag *diag)
{
	char *home = NULL, *real;
	struct fo_buf folder, path;
	fo_err r;

	if ((r = config_home(&home)) != FO_OK) {
		fo_diag_set(diag, "no home folder: set HOME or"
		    " XDG_CONFIG_HOME");
		return r;
	}
	real = realpath(home, NULL);
	fo_buf_init(&folder, PATH_MAX_BYTES);
	fo_buf_init(&path, PATH_MAX_BYTES);
	fo_buf_addf(&folder, "%s/firstops", real != NULL ? real : home);
	fo_buf_addf(&path, "%s/firstops/targets.yaml",
	    real != NULL ? real : home);
	free(home);
	free(real);
	if ((r = fo_buf_take(&folder, &targets->folder)) == FO_OK)
		r = fo_buf_take(&path, &targets->path);
	fo_buf_clear(&path);

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
read_file(struct targets *targets, struct fo_diag *diag)
{
	struct fo_node *root = NULL;
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
	close(fd);
	if (r != FO_OK)
		fo_diag_set(diag, "%s: cannot be read", targets->path);
	else if ((r = fo_node_parse(targets->path, text, len, diag, &root)) ==
	    FO_OK)
		r = read_entries(targets->path, root, diag, targets);
	fo_node_free(&root);
	free(text);

	return r;
}

fo_err
targets_load(struct fo_diag *diag, struct targets *ret_targets)
{
	struct targets targets = { 0 };
	fo_err r;

	if ((r = locate(&targets, diag)) == FO_OK)
		r = read_file(&targets, diag);
	if (r != FO_OK) {
		targets_clear(&targets);
		return r;
	}
	*ret_targets = targets;

	return FO_OK;
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
	memset(targets, 0, sizeof(*targets));
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

/* The folder and its parent, for the owner alone. */
static fo_err
make_folder(const struct targets *targets, struct fo_diag *diag)
{
	char *parent = strndup(targets->folder,
	    strlen(targets->folder) - strlen("/firstops"));
	int bad;

	if (parent == NULL)
		return FO_ERR_NOMEM;
	bad = (mkdir(parent, S_IRWXU) != 0 && errno != EEXIST) ||
	    (mkdir(targets->folder, S_IRWXU) != 0 && errno != EEXIST);
	free(parent);
	if (bad) {
		fo_diag_set(diag, "%s: cannot be made: %s", targets->folder,
		    strerror(errno));
		return FO_ERR_IO;
	}

	return FO_OK;
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

/* A whole new file beside it, then its name: never half of one. */
static fo_err
replace(const struct targets *targets, const char *text, struct fo_diag *diag)
{
	const size_t len = strlen(text);
	char temporary[PATH_MAX_BYTES + 16];
	int fd, folder, bad;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", targets->path);
	if ((fd = mkostemp(temporary, O_CLOEXEC)) == -1) {
		fo_diag_set(diag, "%s: cannot be written: %s",
		    targets->folder, strerror(errno));
		return FO_ERR_IO;
	}
	bad = fchmod(fd, S_IRUSR | S_IWUSR) != 0 ||
	    write(fd, text, len) != (ssize_t)len || fsync(fd) != 0;
	bad = close(fd) != 0 || bad;
	if (bad || rename(temporary, targets->path) != 0) {
		fo_diag_set(diag, "%s: cannot be written: %s", targets->path,
		    strerror(errno));
		unlink(temporary);
		return FO_ERR_IO;
	}
	folder = open(targets->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder != -1) {
		(void)fsync(folder);
		close(folder);
	}

	return FO_OK;
}

fo_err
targets_save(const struct targets *targets, struct fo_diag *diag)
{
	char *text = NULL;
	fo_err r;

	if ((r = make_folder(targets, diag)) != FO_OK ||
	    (r = format(targets, &text)) != FO_OK)
		return r;
	r = replace(targets, text, diag);
	free(text);

	return r;
}
