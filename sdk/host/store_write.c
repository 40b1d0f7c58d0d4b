/*
 * The store, written without loss: a crash at any instant leaves the old
 * file or the new one, whole.
 */
#include "store.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/b64url.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"

#include "folder.h"
#include "lock.h"
#include "names.h"
#include "node.h"

#define FOLDER_MODE 0755
/* Begins with '.', which no name of the store does. */
#define TMP_PREFIX ".tmp-"
#define TMP_RANDOM_BYTES 12
#define TMP_SIZE (sizeof(TMP_PREFIX) + FO_B64URL_LEN(TMP_RANDOM_BYTES))

/* The text of a link in keys.d. */
#define LINK_SIZE (sizeof("../principals.d/.yaml") + FO_ID_SIZE)

/* ---- folders --------------------------------------------------------- */

/* Open a folder to write in: whatever is wrong with it is in the way. */
static fo_err
open_folder(const struct fo_store *store, const char *path,
    struct fo_diag *diag, int *ret_fd)
{
	return fo_safe_open_folder(path, store->owner, diag, ret_fd) ==
	    FO_OK ? FO_OK : FO_ERR_IO;
}

/*
 * Make FOLDER/name, 0755 whatever the umask, unless it is there; one that is
 * there is judged when it is opened. path is the open folder's.
 */
static fo_err
make_folder(int folder, const char *path, const char *name,
    struct fo_diag *diag)
{
	return fo_folder_make(folder, path, name, FOLDER_MODE, geteuid(),
	    getegid(), diag) == FO_OK ? FO_OK : FO_ERR_IO;
}

/* ---- the lock -------------------------------------------------------- */

struct fo_store_lock {
	int fd;
};

fo_err
fo_store_lock(const struct fo_store *store, int deadline_ms,
    struct fo_diag *diag, struct fo_store_lock **ret_lock)
{
	struct fo_store_lock *lock;
	fo_err r;

	if ((lock = malloc(sizeof(*lock))) == NULL)
		return FO_ERR_NOMEM;
	r = fo_lock_folder(store->folder, store->owner, deadline_ms, diag,
	    &lock->fd);
	if (r != FO_OK) {
		free(lock);
		return r;
	}
	*ret_lock = lock;
	return FO_OK;
}

void
fo_store_unlock(struct fo_store_lock **lock)
{
	if (lock == NULL || *lock == NULL)
		return;
	close((*lock)->fd);
	free(*lock);
	*lock = NULL;
}

/* ---- validating ------------------------------------------------------ */

/* The stem of "PART/stem.yaml" if that is what name is; part is "PART/". */
static bool
stem_of(const char *name, const char *part, char ret_stem[NAME_MAX + 1])
{
	const size_t p = strlen(part);
	const char *dot = strrchr(name, '.');

	/* a name in a part has the dot of that at least */
	if (strncmp(name, part, p) != 0 || strcmp(dot, ".yaml") != 0)
		return false;

	/* what does not fit is cut, and still too long for any name */
	(void)snprintf(ret_stem, NAME_MAX + 1, "%.*s",
	    (int)(dot - name - (ptrdiff_t)p), name + p);
	return true;
}

/*
 * Read a new text as the file of that name will be read. path is the whole
 * path; FO_ERR_ARG: the store has no file of such a name.
 */
static fo_err
validate(const struct fo_store *store, const char *name, const char *path,
    const char *text, struct fo_diag *diag)
{
	struct fo_principal *principal = NULL;
	struct fo_group *group = NULL;
	struct fo_policy *policy = NULL;
	struct fo_config *config = NULL;
	const size_t len = strlen(text);
	char stem[NAME_MAX + 1];
	fo_err r = FO_ERR_ARG;

	if (stem_of(name, "principals.d/", stem) && fo_id_ok(stem))
		r = fo_principal_parse(path, stem, text, len, diag,
		    &principal);
	else if (stem_of(name, "groups.d/", stem) && fo_name_ok(stem))
		r = fo_group_parse(path, stem, text, len, diag, &group);
	else if (stem_of(name, "policies.d/", stem) && fo_name_ok(stem))
		r = fo_policy_parse(path, stem, text, len, diag, &policy);
	else if (strcmp(path, store->config_path) == 0)
		r = fo_config_parse(path, text, len, diag, &config);
	else
		fo_diag_set(diag, "%s is no name of a file in a store", path);

	fo_principal_free(&principal);
	fo_group_free(&group);
	fo_policy_free(&policy);
	fo_config_free(&config);
	return r;
}

/* ---- one file -------------------------------------------------------- */

static int
write_all(int fd, const char *text)
{
	ssize_t n;

	for (; *text != '\0'; text += n) {
		do {
			n = write(fd, text, strlen(text));
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			return -1;
	}
	return 0;
}

/*
 * A whole, durable file under a name that every reader ignores. On failure
 * there is none, and errno says why.
 */
static int
write_tmp(int folder, const char *text, char ret_tmp[TMP_SIZE])
{
	unsigned char random[TMP_RANDOM_BYTES];
	char tmp[TMP_SIZE] = TMP_PREFIX;
	int fd, e;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -1;
	fo_b64url_encode(random, sizeof(random), tmp + strlen(TMP_PREFIX));
	fd = openat(folder, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (write_all(fd, text) != 0 || fchmod(fd, 0644) != 0 ||
	    fsync(fd) != 0) {
		e = errno;
		close(fd);
		(void)unlinkat(folder, tmp, 0);
		errno = e;
		return -1;
	}
	close(fd);
	memcpy(ret_tmp, tmp, sizeof(tmp));
	return 0;
}

/*
 * Give a temporary file its name; *ret_there says whether it has it, also
 * after a failure. Where a file system cannot rename without replacing, a
 * link does it; a crash between link and unlink leaves a file of two links,
 * which readers refuse and say so.
 */
static int
settle(int folder, const char *tmp, const char *file, bool must_be_new,
    bool *ret_there)
{
	const unsigned int flags = must_be_new ? RENAME_NOREPLACE : 0;
	int r;

	r = renameat2(folder, tmp, folder, file, flags);
	if (r == 0 || !must_be_new || (errno != EINVAL && errno != ENOSYS)) {
		*ret_there = r == 0;
		return r;
	}
	r = linkat(folder, tmp, folder, file, 0);
	*ret_there = r == 0;

	return r == 0 ? unlinkat(folder, tmp, 0) : r;
}

/* Why a file did not get its name, and take the temporary one away. */
static fo_err
not_settled(int folder, const char *tmp, const char *path, int e,
    struct fo_diag *diag)
{
	(void)unlinkat(folder, tmp, 0);
	if (e == EEXIST) {
		fo_diag_set(diag, "%s exists already, and stays as it is",
		    path);
		return FO_ERR_EXISTS;
	}
	fo_diag_set(diag, "%s was not written: %s; %s", path, strerror(e),
	    fo_diag_remedy(e));
	return FO_ERR_IO;
}

/*
 * Write file in the open folder. *ret_there becomes true, also before a
 * failure, when it has its name. path is for reasons.
 */
static fo_err
put(int folder, const char *file, const char *path, const char *text,
    bool must_be_new, struct fo_diag *diag, bool *ret_there)
{
	char tmp[TMP_SIZE];

	if (write_tmp(folder, text, tmp) != 0) {
		fo_diag_set(diag, "%s was not written: %s; %s", path,
		    strerror(errno), fo_diag_remedy(errno));
		return FO_ERR_IO;
	}
	if (settle(folder, tmp, file, must_be_new, ret_there) != 0) {
		if (!*ret_there)
			return not_settled(folder, tmp, path, errno, diag);
		fo_diag_set(diag, "%s was written, but has a second name, %s, "
		    "and is refused until that is removed: %s", path, tmp,
		    strerror(errno));
		return FO_ERR_IO;
	}
	if (fsync(folder) != 0) {
		fo_diag_set(diag, "%s was written, but may be lost in a crash "
		    "now: %s; %s", path, strerror(errno),
		    fo_diag_remedy(errno));
		return FO_ERR_IO;
	}
	return FO_OK;
}

/* Open the folder of a path below the store's. */
static fo_err
open_parent(const struct fo_store *store, const char *path,
    struct fo_diag *diag, int *ret_fd)
{
	char *parent;
	fo_err r;

	parent = strndup(path, (size_t)(strrchr(path, '/') - path));
	if (parent == NULL)
		return FO_ERR_NOMEM;
	r = open_folder(store, parent, diag, ret_fd);
	free(parent);
	return r;
}

/* fo_store_write, with put's *ret_there. */
static fo_err
write_file(const struct fo_store *store, const char *name, const char *text,
    bool must_be_new, struct fo_diag *diag, bool *ret_there)
{
	struct fo_buf path;
	int folder;
	fo_err r;

	fo_buf_init(&path, (size_t)PATH_MAX + NAME_MAX);
	fo_buf_addf(&path, "%s/%s", store->folder, name);
	if ((r = path.err) != FO_OK)
		goto out;
	if ((r = validate(store, name, path.data, text, diag)) != FO_OK)
		goto out;
	if ((r = open_parent(store, path.data, diag, &folder)) != FO_OK)
		goto out;
	r = put(folder, strrchr(path.data, '/') + 1, path.data, text,
	    must_be_new, diag, ret_there);
	close(folder);
out:
	fo_buf_clear(&path);
	return r;
}

fo_err
fo_store_write(const struct fo_store *store, const char *name,
    const char *text, bool must_be_new, struct fo_diag *diag)
{
	bool there; /* nobody asks */

	return write_file(store, name, text, must_be_new, diag, &there);
}

/* ---- reserving thumbprints ------------------------------------------- */

/* Links that were made and may have to go again. */
struct reserved {
	int folder;		/* keys.d, or -1 */
	const char *made[FO_PRINCIPAL_MAX_KEYS];
	size_t count;
};

/* Open one of the store's parts to write in it. */
static fo_err
open_part(const struct fo_store *store, const char *part,
    struct fo_diag *diag, int *ret_fd)
{
	struct fo_buf path;
	fo_err r;

	fo_buf_init(&path, (size_t)PATH_MAX + NAME_MAX);
	fo_buf_addf(&path, "%s/%s", store->folder, part);
	if ((r = path.err) == FO_OK)
		r = open_folder(store, path.data, diag, ret_fd);
	fo_buf_clear(&path);
	return r;
}

static int
make_link(int folder, const char *jkt, const char *id)
{
	char text[LINK_SIZE];

	(void)snprintf(text, sizeof(text), "../principals.d/%s.yaml", id);
	return symlinkat(text, folder, jkt);
}

/* A link is there already: whose? Our own is as good as a new one. */
static fo_err
check_holder(const struct fo_store *store, const char *jkt, const char *id,
    struct fo_diag *diag)
{
	struct fo_principal *holder = NULL;
	char holder_id[FO_ID_SIZE];
	fo_err r;

	if ((r = fo_store_find(store, jkt, diag, holder_id)) != FO_OK)
		return r;
	if (strcmp(holder_id, id) == 0)
		return FO_OK;
	r = fo_store_principal(store, holder_id, NULL, &holder);
	if (r == FO_ERR_NOT_FOUND)
		fo_diag_set(diag, "thumbprint %s is reserved for %s, which "
		    "has no file: its making was interrupted, or it was "
		    "deleted; make a new key", jkt, holder_id);
	else
		fo_diag_set(diag, "thumbprint %s is registered to %s (%s) "
		    "already, and a key never moves; make a new key", jkt,
		    holder_id, r == FO_OK ? holder->name : "unreadable");
	fo_principal_free(&holder);
	return FO_ERR_EXISTS;
}

/* Take back what reserve made; what others hold stays. */
static void
release(struct reserved *reserved)
{
	while (reserved->count > 0)
		(void)unlinkat(reserved->folder,
		    reserved->made[--reserved->count], 0);
	(void)fsync(reserved->folder);
}

/*
 * Reserve the thumbprints of all keys of a principal that its reader takes,
 * so that they are not too many. On failure no link is left that was not
 * there before. The caller closes reserved->folder.
 */
static fo_err
reserve(const struct fo_store *store, const struct fo_principal *principal,
    struct fo_diag *diag, struct reserved *reserved)
{
	const char *jkt;
	size_t i;
	fo_err r;

	r = open_part(store, "keys.d", diag, &reserved->folder);
	for (i = 0; r == FO_OK && i < principal->keys_count; i++) {
		jkt = principal->keys[i].jkt;
		if (make_link(reserved->folder, jkt, principal->id) == 0) {
			reserved->made[reserved->count++] = jkt;
		} else if (errno == EEXIST) {
			r = check_holder(store, jkt, principal->id, diag);
		} else {
			fo_diag_set(diag, "%s/keys.d/%s: %s; nothing was "
			    "changed; %s", store->folder, jkt,
			    strerror(errno), fo_diag_remedy(errno));
			r = FO_ERR_IO;
		}
	}
	if (r == FO_OK && fsync(reserved->folder) != 0) {
		fo_diag_set(diag, "%s/keys.d: %s; nothing was changed; %s",
		    store->folder, strerror(errno), fo_diag_remedy(errno));
		r = FO_ERR_IO;
	}
	if (r != FO_OK)
		release(reserved);
	return r;
}

/* Check the text, reserve the thumbprints, write the file. */
static fo_err
register_principal(const struct fo_store *store,
    const struct fo_principal *principal, bool must_be_new,
    struct fo_diag *diag, bool *ret_there)
{
	struct reserved reserved = { .folder = -1 };
	char name[sizeof("principals.d/.yaml") + FO_ID_SIZE];
	char *text = NULL;
	fo_err r;

	(void)snprintf(name, sizeof(name), "principals.d/%s.yaml",
	    principal->id);
	if ((r = fo_principal_format(principal, &text)) != FO_OK) {
		fo_diag_set(diag, "principal %s cannot be written: %s",
		    principal->id, fo_err_text(r));
		return r;
	}
	/* before any link is made, and once more where it is written */
	if ((r = validate(store, name, name, text, diag)) != FO_OK)
		goto out;
	if ((r = reserve(store, principal, diag, &reserved)) != FO_OK)
		goto out;
	r = write_file(store, name, text, must_be_new, diag, ret_there);
	if (r != FO_OK && !*ret_there)
		release(&reserved);
out:
	if (reserved.folder >= 0)
		close(reserved.folder);
	free(text);
	return r;
}

fo_err
fo_store_create(const struct fo_store *store,
    const struct fo_store_lock *lock, const struct fo_principal *principal,
    struct fo_diag *diag, bool *ret_there)
{
	*ret_there = false;
	if (lock == NULL)
		return FO_ERR_ARG;

	return register_principal(store, principal, true, diag, ret_there);
}

/* Does the file of a principal still say what was read from it? */
static fo_err
check_unchanged(const struct fo_store *store,
    const struct fo_principal *before, struct fo_diag *diag)
{
	struct fo_principal *now = NULL;
	char *before_text = NULL, *now_text = NULL;
	fo_err r;

	if ((r = fo_store_principal(store, before->id, diag, &now)) != FO_OK)
		goto out;
	if ((r = fo_principal_format(before, &before_text)) != FO_OK ||
	    (r = fo_principal_format(now, &now_text)) != FO_OK)
		goto out;
	if (strcmp(before_text, now_text) != 0) {
		fo_diag_set(diag, "%s/principals.d/%s.yaml has changed since "
		    "it was read; look at it and try again", store->folder,
		    before->id);
		r = FO_ERR_STORE;
	}
out:
	fo_principal_free(&now);
	free(before_text);
	free(now_text);
	return r;
}

fo_err
fo_store_replace(const struct fo_store *store,
    const struct fo_store_lock *lock, const struct fo_principal *before,
    const struct fo_principal *after, struct fo_diag *diag, bool *ret_there)
{
	fo_err r;

	*ret_there = false;
	if (lock == NULL || strcmp(before->id, after->id) != 0)
		return FO_ERR_ARG;
	if ((r = check_unchanged(store, before, diag)) != FO_OK)
		return r;

	return register_principal(store, after, false, diag, ret_there);
}

fo_err
fo_store_remove(const struct fo_store *store,
    const struct fo_store_lock *lock, const struct fo_principal *principal,
    struct fo_diag *diag, bool *ret_gone)
{
	char name[sizeof(".yaml") + FO_ID_SIZE];
	int folder;
	fo_err r;

	*ret_gone = false;
	if (lock == NULL || principal->status == FO_STATUS_ACTIVE)
		return FO_ERR_ARG;
	if ((r = check_unchanged(store, principal, diag)) != FO_OK ||
	    (r = open_part(store, "principals.d", diag, &folder)) != FO_OK)
		return r;
	(void)snprintf(name, sizeof(name), "%s.yaml", principal->id);
	if (unlinkat(folder, name, 0) == 0)
		*ret_gone = true;
	if (!*ret_gone || fsync(folder) != 0) {
		fo_diag_set(diag, "%s/principals.d/%s: %s; %s; %s",
		    store->folder, name, strerror(errno), *ret_gone ?
		    "it is gone, but may be back after a crash now" :
		    "nothing was changed", fo_diag_remedy(errno));
		r = FO_ERR_IO;
	}
	close(folder);
	return r;
}

/* ---- a new store ----------------------------------------------------- */

static const char default_group[] =
    "# The group that applies to every principal, whatever groups it is in.\n"
    "# Its policies are weighed together with a principal's own: a deny here\n"
    "# holds for everybody. This file must stay: without it nobody gets in.\n"
    "---\n"
    "version: 1\n"
    "group: default\n"
    "description: Applies to every principal\n"
    "policies: [logins]\n"
    "...\n";

static const char logins_policy[] =
    "# Nothing is allowed unless a rule allows it. This rule lets a\n"
    "# principal log in to these services; besides, the account must be\n"
    "# in the principal's own list of accounts, so a new principal without\n"
    "# accounts gets in nowhere. Conditions are account, host, service,\n"
    "# source and time; any deny wins over ask, and ask over allow.\n"
    "---\n"
    "version: 1\n"
    "policy: logins\n"
    "rules:\n"
    "  - rule: to-own-accounts\n"
    "    effect: allow                # allow | deny | ask\n"
    "    channel: login\n"
    "    when:\n"
    "      service: [sshd, sudo, sudo-i, su, su-l, postgresql]\n"
    "...\n";

/* The one %s is the host's name, of fo_host_ok. */
#define CONFIG_TEMPLATE \
    "# FirstOps on this host. \"fo store check\" reads it as a login does.\n" \
    "---\n" \
    "version: 1\n" \
    "\n" \
    "# The name of this host in what agents sign, pam://HOST/SERVICE/USER.\n" \
    "# Two machines must not share it.\n" \
    "host: \"%s\"\n" \
    "# Other names that agents may call it by.\n" \
    "aliases: []\n" \
    "\n" \
    "# A proof is good from max_age_s after it was made (at most 300) to\n" \
    "# clock_skew_s before it (at most 60).\n" \
    "proof: {max_age_s: 60, clock_skew_s: 15}\n" \
    "\n" \
    "# Accounts that only principals may enter, with '*' and '?' as\n" \
    "# wildcards: [deploy, \"agent-*\"]. Never put root or a person here.\n" \
    "reserved_accounts: []\n" \
    "\n" \
    "# nonce: always - a proof must carry the challenge of this login;\n" \
    "#        auto   - for services that cannot show a challenge\n" \
    "# ask:   reserved - only reserved accounts are asked for a proof;\n" \
    "#        all      - everybody is\n" \
    "# user:  whom the service's PAM stack runs as, root if not given\n" \
    "services:\n" \
    "  sshd: {nonce: always, ask: reserved}\n" \
    "  sudo: {nonce: always, ask: reserved}\n" \
    "  su: {nonce: always, ask: reserved}\n" \
    "  postgresql: {nonce: auto, ask: all, user: postgres}\n" \
    "\n" \
    "# Where used proofs are remembered; on a tmpfs.\n" \
    "replay: {folder: /run/firstops/replay}\n" \
    "\n" \
    "# Who must take the record of a login before it is let in, and who is\n" \
    "# given it besides: syslog, or \"file:/absolute/path\".\n" \
    "audit: {required: [syslog], best_effort: []}\n" \
    "...\n"

static fo_err
make_part(const struct fo_store *store, const char *part,
    struct fo_diag *diag)
{
	int folder = -1;
	fo_err r;

	r = open_folder(store, store->folder, diag, &folder);
	if (r == FO_OK) {
		r = make_folder(folder, store->folder, part, diag);
		close(folder);
	}
	return r;
}

/* Open the folder that the store's is in; "" is "/". */
static fo_err
open_above(const struct fo_store *store, const char *above,
    struct fo_diag *diag, int *ret_fd)
{
	int fd;

	/* fo_safe_open_folder names no components of "/" */
	if (above[0] != '\0')
		return open_folder(store, above, diag, ret_fd);
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		fo_diag_set(diag, "/: %s; %s", strerror(errno),
		    fo_diag_remedy(errno));
		return FO_ERR_IO;
	}
	*ret_fd = fd;
	return FO_OK;
}

/* Make the store's own folder, and the folders in it. */
static fo_err
make_folders(const struct fo_store *store, struct fo_diag *diag)
{
	static const char *const parts[] = { "principals.d", "keys.d",
		"groups.d", "policies.d" };
	const char *name = strrchr(store->folder, '/') + 1;
	char above[PATH_MAX]; /* the store's is shorter */
	size_t i;
	fo_err r;
	int parent;

	(void)snprintf(above, sizeof(above), "%.*s",
	    (int)(name - 1 - store->folder), store->folder);
	if ((r = open_above(store, above, diag, &parent)) == FO_OK) {
		r = make_folder(parent, above, name, diag);
		close(parent);
	}
	for (i = 0; r == FO_OK && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = make_part(store, parts[i], diag);
	return r;
}

/* Write a file that an earlier, interrupted call may have written. */
static fo_err
write_once(const struct fo_store *store, const char *name, const char *text,
    struct fo_diag *diag)
{
	struct fo_diag why = { .text = "" };
	const fo_err r = fo_store_write(store, name, text, true, &why);

	if (r == FO_ERR_EXISTS)
		return FO_OK;
	if (r != FO_OK)
		fo_diag_set(diag, "%s", why.text);
	return r;
}

fo_err
fo_store_init(const struct fo_store *store, const char *host,
    struct fo_diag *diag)
{
	const char *config_name = strrchr(store->config_path, '/') + 1;
	struct fo_buf text;
	struct stat st;
	fo_err r;

	if (!fo_host_ok(host)) {
		fo_diag_set(diag, "'%.64s' cannot be the name of this host; "
		    "give one in [A-Za-z0-9._-] that is not localhost and not "
		    "an address", host);
		return FO_ERR_ARG;
	}
	if (lstat(store->config_path, &st) == 0) {
		fo_diag_set(diag, "%s exists already; nothing was changed",
		    store->config_path);
		return FO_ERR_EXISTS;
	}
	if ((r = make_folders(store, diag)) != FO_OK)
		return r;
	r = write_once(store, "policies.d/logins.yaml", logins_policy, diag);
	if (r == FO_OK)
		r = write_once(store, "groups.d/default.yaml", default_group,
		    diag);
	if (r != FO_OK)
		return r;
	/* last: until it is there, the call can be made again */
	fo_buf_init(&text, FO_FILE_MAX_BYTES);
	fo_buf_addf(&text, CONFIG_TEMPLATE, host);
	if ((r = text.err) == FO_OK)
		r = fo_store_write(store, config_name, text.data, true, diag);
	fo_buf_clear(&text);
	return r;
}

/* ---- the index ------------------------------------------------------- */

/* A thumbprint, and who lists it. */
struct entry {
	char jkt[FO_JKT_SIZE];
	char id[FO_ID_SIZE];
	bool linked;
};

struct index {
	const struct fo_store *store;
	struct fo_diag *diag;
	struct entry *entries;
	size_t count;
	size_t size;
};

static fo_err
add_entry(struct index *index, const char *jkt, const char *id)
{
	struct entry *entries;
	size_t size;

	if (index->count == index->size) {
		size = index->size == 0 ? 64 : index->size * 2;
		entries = reallocarray(index->entries, size,
		    sizeof(*entries));
		if (entries == NULL)
			return FO_ERR_NOMEM;
		index->entries = entries;
		index->size = size;
	}
	entries = &index->entries[index->count++];
	memcpy(entries->jkt, jkt, strlen(jkt) + 1);
	memcpy(entries->id, id, strlen(id) + 1);
	return FO_OK;
}

/* Called for each principal: collect its thumbprints. */
static fo_err
collect(const char *id, void *arg)
{
	struct index *index = arg;
	struct fo_principal *principal = NULL;
	size_t i;
	fo_err r;

	r = fo_store_principal(index->store, id, index->diag, &principal);
	for (i = 0; r == FO_OK && i < principal->keys_count; i++)
		r = add_entry(index, principal->keys[i].jkt, id);
	fo_principal_free(&principal);
	return r == FO_OK || r == FO_ERR_NOMEM ? r : FO_ERR_STORE;
}

static int
by_jkt(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const int c = strcmp(x->jkt, y->jkt);

	return c != 0 ? c : strcmp(x->id, y->id);
}

/* Is each thumbprint one principal's, and its link, if any, the same's? */
static fo_err
check_entries(struct index *index)
{
	const struct entry *before = NULL;
	struct entry *e;
	struct fo_diag why = { .text = "" };
	char id[FO_ID_SIZE];
	size_t i;
	fo_err r;

	for (i = 0; i < index->count; i++, before = e) {
		e = &index->entries[i];
		if (before != NULL && strcmp(before->jkt, e->jkt) == 0) {
			fo_diag_set(index->diag, "thumbprint %s is listed by "
			    "%s and by %s; take it out of one of the two "
			    "files", e->jkt, before->id, e->id);
			return FO_ERR_STORE;
		}
		r = fo_store_find(index->store, e->jkt, &why, id);
		e->linked = r != FO_ERR_UNKNOWN_KEY;
		if (!e->linked)
			continue;
		if (r != FO_OK) {
			fo_diag_set(index->diag, "%s", why.text);
			return r;
		}
		if (strcmp(id, e->id) != 0) {
			fo_diag_set(index->diag, "thumbprint %s is reserved "
			    "for %s, but listed by %s; take it out of the "
			    "latter's file", e->jkt, id, e->id);
			return FO_ERR_STORE;
		}
	}
	return FO_OK;
}

/* Make the links that are missing in the open keys.d. */
static fo_err
make_links(const struct index *index, int folder, size_t *ret_made)
{
	const struct entry *e;
	size_t i, made = 0;
	fo_err r = FO_OK;

	for (i = 0; i < index->count && r == FO_OK; i++) {
		e = &index->entries[i];
		if (e->linked)
			continue;
		if (make_link(folder, e->jkt, e->id) != 0) {
			fo_diag_set(index->diag, "%s/keys.d/%s: %s; %zu links "
			    "were made before; %s", index->store->folder,
			    e->jkt, strerror(errno), made,
			    fo_diag_remedy(errno));
			r = FO_ERR_IO;
		}
		made += r == FO_OK;
	}
	if (fsync(folder) != 0 && r == FO_OK) {
		fo_diag_set(index->diag, "%s/keys.d: %s; %zu links were made, "
		    "but may be lost in a crash now; %s",
		    index->store->folder, strerror(errno), made,
		    fo_diag_remedy(errno));
		r = FO_ERR_IO;
	}
	if (r == FO_OK)
		*ret_made = made;
	return r;
}

static fo_err
link_entries(const struct index *index, size_t *ret_made)
{
	int folder = -1;
	fo_err r;

	r = open_part(index->store, "keys.d", index->diag, &folder);
	if (r == FO_OK) {
		r = make_links(index, folder, ret_made);
		close(folder);
	}
	return r;
}

fo_err
fo_store_index(const struct fo_store *store, const struct fo_store_lock *lock,
    struct fo_diag *diag, size_t *ret_made)
{
	struct index index = { .store = store, .diag = diag };
	fo_err r;

	if (lock == NULL)
		return FO_ERR_ARG;
	r = fo_store_each(store, FO_STORE_PRINCIPALS, diag, collect, &index);
	if (r != FO_OK)
		goto out;
	if (index.entries != NULL)
		qsort(index.entries, index.count, sizeof(*index.entries),
		    by_jkt);
	if ((r = make_part(store, "keys.d", diag)) != FO_OK)
		goto out;
	if ((r = check_entries(&index)) != FO_OK)
		goto out;
	r = link_entries(&index, ret_made);
out:
	free(index.entries);
	return r;
}
