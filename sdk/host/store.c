/*
 * The store, /etc/firstops: read without trust.
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"

#include "names.h"
#include "shelf.h"
#include "store_file.h"

/* "../principals.d/" before the id in a link, ".yaml" after it. */
#define LINK_PREFIX "../principals.d/"

fo_err
fo_store_new(const char *config_path, struct fo_diag *diag,
    struct fo_store **ret_store)
{
	struct fo_store *made = NULL;
	const char *slash;
	fo_err r = FO_ERR_NOMEM;

	if (config_path == NULL || config_path[0] != '/' ||
	    strlen(config_path) >= PATH_MAX ||
	    (slash = strrchr(config_path, '/')) == config_path ||
	    slash[1] == '\0') {
		fo_diag_set(diag, "%s cannot be a configuration; write an "
		    "absolute path as " FO_CONFIG_PATH,
		    config_path == NULL ? "nothing" : config_path);
		return FO_ERR_ARG;
	}
	if ((made = calloc(1, sizeof(*made))) == NULL ||
	    (made->config_path = strdup(config_path)) == NULL ||
	    (made->folder = strndup(config_path,
	    (size_t)(slash - config_path))) == NULL)
		goto out;
	made->owner = geteuid();

	*ret_store = made;
	made = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	fo_store_free(&made);
	return r;
}

void
fo_store_free(struct fo_store **store)
{
	if (store == NULL || *store == NULL)
		return;
	fo_shelf_free(&(*store)->shelf);
	free((*store)->folder);
	free((*store)->config_path);
	free(*store);
	*store = NULL;
}

/* ---- one file -------------------------------------------------------- */

fo_err
fo_store_config(const struct fo_store *store, struct fo_diag *diag,
    struct fo_config **ret_config)
{
	char *text = NULL;
	struct stat stamp = { .st_ino = 0 };
	bool ripe = false;
	size_t len = 0;
	fo_err r;

	r = fo_file_text(store, store->config_path, diag, &stamp, &ripe,
	    &text, &len);
	if (r == FO_ERR_NOT_FOUND)
		fo_diag_set(diag, "%s does not exist; \"fo init\" makes one",
		    store->config_path);
	if (r == FO_OK)
		r = fo_config_parse(store->config_path, text, len, diag,
		    ret_config);
	free(text);
	if (store->shelf != NULL)
		fo_shelf_keep_config(store->shelf, store->config_path,
		    &stamp, r == FO_OK && ripe);
	return r == FO_OK || r == FO_ERR_NOMEM ? r : FO_ERR_CONFIG;
}

bool
fo_store_config_holds(const struct fo_store *store)
{
	return store->shelf != NULL &&
	    fo_shelf_config_holds(store->shelf, store->config_path);
}

fo_err
fo_store_file(const struct fo_store *store, fo_store_part part,
    const char *name, struct fo_diag *diag, struct fo_file **ret_file)
{
	struct fo_shelf *shelf = store->shelf;
	struct fo_file *file;
	fo_err r;

	file = shelf != NULL && fo_part(part)->ok(name) ?
	    fo_shelf_find(shelf, part, name) : NULL;
	if (file == NULL) {
		if ((r = fo_file_read(store, part, name, diag, &file)) !=
		    FO_OK)
			return r;
		if (shelf != NULL)
			fo_shelf_put(shelf, file);
	}

	*ret_file = file;
	return FO_OK;
}

fo_err
fo_store_principal(const struct fo_store *store, const char *id,
    struct fo_diag *diag, struct fo_principal **ret_principal)
{
	struct fo_file *file;
	fo_err r;

	if ((r = fo_file_read(store, FO_STORE_PRINCIPALS, id, diag, &file)) !=
	    FO_OK)
		return r;
	*ret_principal = file->principal;
	file->principal = NULL; /* now owned by the caller */
	fo_file_let_go(&file);
	return FO_OK;
}

fo_err
fo_store_group(const struct fo_store *store, const char *name,
    struct fo_diag *diag, struct fo_group **ret_group)
{
	struct fo_file *file;
	fo_err r;

	if ((r = fo_file_read(store, FO_STORE_GROUPS, name, diag, &file)) !=
	    FO_OK)
		return r;
	*ret_group = file->group;
	file->group = NULL; /* now owned by the caller */
	fo_file_let_go(&file);
	return FO_OK;
}

fo_err
fo_store_policy(const struct fo_store *store, const char *name,
    struct fo_diag *diag, struct fo_policy **ret_policy)
{
	struct fo_file *file;
	fo_err r;

	if ((r = fo_file_read(store, FO_STORE_POLICIES, name, diag, &file)) !=
	    FO_OK)
		return r;
	*ret_policy = file->policy;
	file->policy = NULL; /* now owned by the caller */
	fo_file_let_go(&file);
	return FO_OK;
}

/* ---- keeping ----------------------------------------------------------- */

fo_err
fo_store_keep(struct fo_store *store)
{
	return store->shelf != NULL ? FO_OK :
	    fo_shelf_new(&store->shelf);
}

/* ---- the index ------------------------------------------------------- */

/* Open FOLDER/part. The caller frees *ret_path. */
static fo_err
open_part(const struct fo_store *store, const char *part,
    struct fo_diag *diag, char **ret_path, int *ret_fd)
{
	struct fo_buf buf;
	char *path = NULL;
	fo_err r;

	fo_buf_init(&buf, (size_t)PATH_MAX + NAME_MAX);
	fo_buf_addf(&buf, "%s/%s", store->folder, part);
	if ((r = fo_buf_take(&buf, &path)) != FO_OK)
		return r;
	r = fo_safe_open_folder(path, store->owner, diag, ret_fd);
	if (r != FO_OK) {
		free(path);
		return r == FO_ERR_NOMEM ? r : FO_ERR_STORE;
	}
	*ret_path = path;
	return FO_OK;
}

/* The id in a link's text "../principals.d/<id>.yaml". */
static bool
id_of_link(const char *text, char ret_id[FO_ID_SIZE])
{
	char right[sizeof(LINK_PREFIX FO_YAML_SUFFIX) + FO_ID_SIZE];
	const char *name = strrchr(text, '/');
	char id[FO_ID_SIZE];

	if (name == NULL)
		return false;
	name++;
	/* what does not fit is cut, and then no id or not the same */
	(void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(name, "."), name);
	(void)snprintf(right, sizeof(right), LINK_PREFIX "%s" FO_YAML_SUFFIX,
	    id);
	if (!fo_id_ok(id) || strcmp(text, right) != 0)
		return false;

	memcpy(ret_id, id, sizeof(id));
	return true;
}

/* A longer text than any right one fills this, and is wrong. */
#define LINK_SIZE (sizeof(LINK_PREFIX FO_YAML_SUFFIX) + FO_ID_SIZE)

/* What readlink, which returned n, read of keys.d/<jkt> in that path. */
static fo_err
judge_link(ssize_t n, const char text[LINK_SIZE], const char *path,
    const char *jkt, struct fo_diag *diag, char ret_id[FO_ID_SIZE])
{
	if (n < 0 && errno == ENOENT) {
		fo_diag_set(diag, "no principal has registered thumbprint %s",
		    jkt);
		return FO_ERR_UNKNOWN_KEY;
	}
	if (n < 0 && errno != EINVAL) {
		fo_diag_set(diag, "%s/%s: %s; %s", path, jkt,
		    strerror(errno), fo_diag_remedy(errno));
		return FO_ERR_STORE;
	}
	if (!id_of_link(text, ret_id)) {
		fo_diag_set(diag, "%s/%s is not a symbolic link to "
		    LINK_PREFIX "ID" FO_YAML_SUFFIX "; remove it and run \"fo "
		    "store index\"", path, jkt);
		return FO_ERR_STORE;
	}
	return FO_OK;
}

/* In the open folder of that path. */
static fo_err
read_link(int fd, const char *path, const char *jkt, struct fo_diag *diag,
    char ret_id[FO_ID_SIZE])
{
	char text[LINK_SIZE] = "";
	const ssize_t n = readlinkat(fd, jkt, text, sizeof(text) - 1);

	return judge_link(n, text, path, jkt, diag, ret_id);
}

/* In the folder of that path, which was judged before. */
static fo_err
read_link_in(const char *path, const char *jkt, struct fo_diag *diag,
    char ret_id[FO_ID_SIZE])
{
	char name[PATH_MAX + NAME_MAX], text[LINK_SIZE] = "";
	ssize_t n;

	/* it fits: the store's folder is shorter than PATH_MAX */
	(void)snprintf(name, sizeof(name), "%s/%s", path, jkt);
	n = readlink(name, text, sizeof(text) - 1);

	return judge_link(n, text, path, jkt, diag, ret_id);
}

fo_err
fo_store_find(const struct fo_store *store, const char *jkt,
    struct fo_diag *diag, char ret_id[FO_ID_SIZE])
{
	char *path = NULL;
	const char *kept;
	fo_err r;
	int fd;

	if (!fo_jkt_ok(jkt)) {
		fo_diag_set(diag, "this is not a thumbprint");
		return FO_ERR_UNKNOWN_KEY;
	}
	if (store->shelf != NULL &&
	    (kept = fo_shelf_keys(store->shelf)) != NULL)
		return read_link_in(kept, jkt, diag, ret_id);
	if ((r = open_part(store, fo_part(FO_STORE_KEYS)->folder, diag, &path,
	    &fd)) != FO_OK)
		return r;
	r = read_link(fd, path, jkt, diag, ret_id);
	if (store->shelf != NULL)
		fo_shelf_keep_keys(store->shelf, path, fd);
	close(fd);
	free(path);
	return r;
}

/* ---- policies of a principal ----------------------------------------- */

static bool
has_policy(const struct fo_policies *policies, const char *name)
{
	size_t i;

	for (i = 0; i < policies->count; i++) {
		if (strcmp(policies->files[i]->name, name) == 0)
			return true;
	}
	return false;
}

/*
 * What is named must be there: a missing file is a refusal, and the reason
 * says who names it.
 */
static fo_err
named(fo_err r, const char *what, const char *name, const char *by,
    struct fo_diag *diag)
{
	if (r == FO_ERR_NOT_FOUND) {
		fo_diag_set(diag, "%s names %s '%s', whose file does not "
		    "exist; write it or take the name out", by, what, name);
		return FO_ERR_STORE;
	}
	return r;
}

/* Load the policies of a list that are not there yet. */
static fo_err
add_policies(const struct fo_store *store, char *const *names,
    const char *by, struct fo_diag *diag, struct fo_policies *policies)
{
	struct fo_file **files;
	fo_err r;

	for (; names != NULL && *names != NULL; names++) {
		if (has_policy(policies, *names))
			continue;
		files = reallocarray(policies->files, policies->count + 1,
		    /* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
		    sizeof(*files));
		if (files == NULL)
			return FO_ERR_NOMEM;
		policies->files = files;
		r = fo_store_file(store, FO_STORE_POLICIES, *names, diag,
		    &files[policies->count]);
		if (r != FO_OK)
			return named(r, "policy", *names, by, diag);
		policies->count++;
	}
	return FO_OK;
}

static fo_err
add_group(const struct fo_store *store, const char *name, const char *by,
    struct fo_diag *diag, struct fo_policies *policies)
{
	struct fo_file *group = NULL;
	struct fo_buf who;
	fo_err r;

	if ((r = fo_store_file(store, FO_STORE_GROUPS, name, diag, &group)) !=
	    FO_OK)
		return named(r, "group", name, by, diag);
	fo_buf_init(&who, FO_DIAG_SIZE);
	fo_buf_addf(&who, "group '%s'", name);
	if ((r = who.err) == FO_OK)
		r = add_policies(store, group->group->policies, who.data,
		    diag, policies);
	fo_buf_clear(&who);
	fo_file_let_go(&group);
	return r;
}

static fo_err
make_list(struct fo_policies *policies)
{
	policies->list = calloc(policies->count + 1, sizeof(*policies->list));
	if (policies->list == NULL)
		return FO_ERR_NOMEM;
	for (size_t i = 0; i < policies->count; i++)
		policies->list[i] = policies->files[i]->policy;

	return FO_OK;
}

fo_err
fo_store_policies(const struct fo_store *store,
    const struct fo_principal *principal, struct fo_diag *diag,
    struct fo_policies *ret_policies)
{
	struct fo_policies made = { .list = NULL };
	size_t i;
	fo_err r;

	r = add_policies(store, principal->policies, principal->id, diag,
	    &made);
	for (i = 0; r == FO_OK && principal->groups != NULL &&
	    principal->groups[i] != NULL; i++)
		r = add_group(store, principal->groups[i], principal->id,
		    diag, &made);
	if (r == FO_OK)
		r = add_group(store, FO_GROUP_DEFAULT, "every principal",
		    diag, &made);
	if (r == FO_OK)
		r = make_list(&made);
	if (r != FO_OK) {
		fo_policies_clear(&made);
		return r;
	}
	*ret_policies = made;
	return FO_OK;
}

void
fo_policies_clear(struct fo_policies *policies)
{
	for (size_t i = 0; i < policies->count; i++)
		fo_file_let_go(&policies->files[i]);
	free(policies->files);
	free(policies->list);
	*policies = (struct fo_policies){ .list = NULL };
}

/* ---- walking --------------------------------------------------------- */

/* Give a name without its suffix to each, if it fits the grammar. */
static fo_err
give(const struct fo_part *part, const char *file,
    fo_err (*each)(const char *name, void *arg), void *arg)
{
	const char *end = part->yaml ? strrchr(file, '.') : strchr(file, '\0');
	char name[NAME_MAX + 1];

	if (end == NULL || (part->yaml && strcmp(end, FO_YAML_SUFFIX) != 0))
		return FO_OK;
	/* what does not fit is cut, and still too long for any name */
	(void)snprintf(name, sizeof(name), "%.*s", (int)(end - file), file);

	return part->ok(name) ? each(name, arg) : FO_OK;
}

fo_err
fo_store_each(const struct fo_store *store, fo_store_part part,
    struct fo_diag *diag, fo_err (*each)(const char *name, void *arg),
    void *arg)
{
	const struct dirent *entry;
	char *path = NULL;
	fo_err r;
	DIR *dir;
	int fd;

	r = open_part(store, fo_part(part)->folder, diag, &path, &fd);
	if (r != FO_OK)
		return r;
	if ((dir = fdopendir(fd)) == NULL) {
		r = errno == ENOMEM ? FO_ERR_NOMEM : FO_ERR_STORE;
		fo_diag_set(diag, "%s: %s; %s", path, strerror(errno),
		    fo_diag_remedy(errno));
		close(fd);
		free(path);
		return r;
	}
	do {
		errno = 0;
		if ((entry = readdir(dir)) != NULL)
			r = give(fo_part(part), entry->d_name, each, arg);
	} while (entry != NULL && r == FO_OK);
	if (entry == NULL && errno != 0) {
		fo_diag_set(diag, "%s: %s; %s", path, strerror(errno),
		    fo_diag_remedy(errno));
		r = FO_ERR_STORE;
	}
	closedir(dir);
	free(path);
	return r;
}
