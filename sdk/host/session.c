/*
 * Login records: what auth knew, kept for setcred and session, which may run
 * in another process.
 *
 * A record is written under a temporary name and renamed, so that whoever
 * finds it finds it whole. Its texts come from a client: each is percent-
 * encoded, so that none of them can be anything but the value of its key.
 */
#include "session.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/b64url.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"
#include "base/write.h"
#include "folder.h"
#include "names.h"
#include "node.h"
#include "process.h"
#include "rfc3339.h"

#define PENDING "pending"
#define SESSIONS "sessions"
#define TEMPORARY ".new-"

#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define NAME_BYTES 16
#define NAME_CHARS FO_B64URL_LEN(NAME_BYTES)
#define PID_CHARS 10	/* of the largest */
#define NAME_SIZE FO_PENDING_NAME_SIZE
/* Pending records that each login looks at, beside one in 64. */
#define SWEPT_OTHERS 4
#define RECORD_MAX_BYTES 16384

_Static_assert(NAME_SIZE == NAME_CHARS + 1 + PID_CHARS + 1, "a name's size");
_Static_assert(FO_SID_SIZE == NAME_CHARS + 1, "a sid begins one");

/* ---- records and names --------------------------------------------------- */

void
fo_login_record_clear(struct fo_login_record *record)
{
	free(record->service);
	free(record->user);
	free(record->ruser);
	free(record->src);
	free(record->tty);
	memset(record, 0, sizeof(*record));
}

static bool
copy_text(const char *from, char **to)
{
	return from == NULL || (*to = strdup(from)) != NULL;
}

fo_err
fo_login_record_copy(const struct fo_login_record *record,
    struct fo_login_record *ret_copy)
{
	struct fo_login_record copy = *record;

	copy.service = copy.user = copy.ruser = copy.src = copy.tty = NULL;
	if (!copy_text(record->service, &copy.service) ||
	    !copy_text(record->user, &copy.user) ||
	    !copy_text(record->ruser, &copy.ruser) ||
	    !copy_text(record->src, &copy.src) ||
	    !copy_text(record->tty, &copy.tty)) {
		fo_login_record_clear(&copy);
		return FO_ERR_NOMEM;
	}

	*ret_copy = copy;
	return FO_OK;
}

/* 22 base64url characters: what names a session, and begins a name. */
static bool
is_sid(const char *text, size_t len)
{
	unsigned char bytes[NAME_BYTES];
	size_t n;

	return len == NAME_CHARS && fo_b64url_decode(text, len, bytes,
	    sizeof(bytes), &n) == FO_OK;
}

static bool
is_sid_text(const char *text)
{
	return is_sid(text, strlen(text));
}

static void
make_name(const char *sid, pid_t pid, char ret_name[NAME_SIZE])
{
	(void)snprintf(ret_name, NAME_SIZE, "%.*s.%u", NAME_CHARS, sid,
	    (unsigned int)pid);
}

/* What a name says of its maker, whether it is the name of a record or not. */
static pid_t
said_maker(const char *name)
{
	const char *dot = strchrnul(name, '.');

	return (pid_t)strtol(dot + (*dot != '\0'), NULL, 10);
}

/* Who made the record of this name; 0: it is the name of none. */
static pid_t
maker_of(const char *name)
{
	const pid_t pid = said_maker(name);
	char again[NAME_SIZE];

	if (!is_sid(name, strcspn(name, ".")))
		return 0;
	make_name(name, pid, again);
	return pid > 0 && strcmp(name, again) == 0 ? pid : 0;
}

static fo_err
refuse_errno(struct fo_diag *diag, const char *run_folder, const char *part,
    int e)
{
	fo_diag_set(diag, "%s/%s: %s; check this folder", run_folder, part,
	    strerror(e));
	return FO_ERR_SESSION;
}

/*
 * Open pending or sessions below the run folder, both root's alone. make:
 * what is missing is made.
 */
static fo_err
open_part(const char *run_folder, const char *part, bool make,
    struct fo_diag *diag, int *ret_fd)
{
	int parent;
	fo_err r;

	if (geteuid() != 0) {
		fo_diag_set(diag, "only root keeps login records in %s",
		    run_folder);
		return FO_ERR_SESSION;
	}
	r = make ? fo_folder_open(run_folder, 0, diag, &parent) :
	    fo_safe_open_folder(run_folder, 0, diag, &parent);
	if (r == FO_OK) {
		r = fo_folder_open_at(parent, run_folder, part, 0,
		    make ? FOLDER_MODE : 0, diag, ret_fd);
		close(parent);
	}
	if (r == FO_OK || r == FO_ERR_NOT_FOUND)
		return r;
	return FO_ERR_SESSION;
}

/* ---- folders ------------------------------------------------------------ */

fo_err
fo_run_folder(const char *replay_folder, char **ret_folder)
{
	const char *slash = strrchr(replay_folder, '/');
	char *folder;

	if (replay_folder[0] != '/' || slash == replay_folder ||
	    slash[1] == '\0')
		return FO_ERR_ARG;
	if ((folder = strndup(replay_folder,
	    (size_t)(slash - replay_folder))) == NULL)
		return FO_ERR_NOMEM;

	*ret_folder = folder;
	return FO_OK;
}

/* ---- writing ------------------------------------------------------------- */

/* RFC 3986 2.3's unreserved characters stay, every other byte is %XX. */
static void
add_text(struct fo_buf *buf, const char *key, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	if (text == NULL)
		return;
	fo_buf_addf(buf, "%s: \"", key);
	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL)
			fo_buf_add(buf, text, 1);
		else
			fo_buf_addf(buf, "%%%02X",
			    (unsigned int)(unsigned char)*text);
	}
	fo_buf_adds(buf, "\"\n");
}

fo_err
fo_login_record_format(const struct fo_login_record *record,
    int64_t made_boot_ms, char **ret_text)
{
	char since[FO_TIME_SIZE];
	struct fo_buf buf;
	fo_err r;

	if ((r = fo_time_format(record->since, since)) != FO_OK)
		return r;
	fo_buf_init(&buf, RECORD_MAX_BYTES);
	fo_buf_adds(&buf, "---\nversion: 1\n");
	add_text(&buf, "sid", record->sid);
	add_text(&buf, "id", record->id);
	add_text(&buf, "kind", record->kind);
	add_text(&buf, "name", record->name);
	add_text(&buf, "owner", record->owner);
	add_text(&buf, "thumbprint", record->jkt);
	add_text(&buf, "service", record->service);
	add_text(&buf, "user", record->user);
	add_text(&buf, "ruser", record->ruser);
	add_text(&buf, "source", record->src);
	add_text(&buf, "tty", record->tty);
	fo_buf_addf(&buf, "since: %s\n", since);
	fo_buf_addf(&buf, "made_boot_ms: %" PRId64 "\n", made_boot_ms);
	fo_buf_addf(&buf, "pid: %ld\n", (long)record->pid);
	fo_buf_addf(&buf, "pid_start: %" PRIu64 "\n", record->pid_start);
	fo_buf_adds(&buf, "...\n");
	return fo_buf_take(&buf, ret_text);
}

/* Write a file whole and with its mode, or leave none: 0, or errno. */
static int
write_file(int dirfd, const char *name, const char *text)
{
	const size_t len = strlen(text);
	ssize_t n;
	int fd, e = 0;

	if ((fd = fo_open_above_2(dirfd, name, O_WRONLY | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, FILE_MODE)) < 0)
		return errno;
	n = fo_write_quietly(fd, text, len);
	if (n != (ssize_t)len)
		e = n < 0 ? errno : ENOSPC;
	else if (fchmod(fd, FILE_MODE) != 0)
		e = errno;
	close(fd);
	if (e != 0)
		(void)unlinkat(dirfd, name, 0);
	return e;
}

/* Is there a record of this sid, whoever made it? 0, EEXIST, or an errno. */
static int
look_for_sid(int dirfd, const char *sid)
{
	const struct dirent *entry;
	int e = 0;
	DIR *dir;

	if ((dir = fo_folder_list(dirfd, ".")) == NULL)
		return errno;
	while (e == 0 && (errno = 0, entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, sid, NAME_CHARS) == 0)
			e = EEXIST;
	if (e == 0)
		e = errno;
	closedir(dir);
	return e;
}

/*
 * Write a record under its name, where there must be none of its sid yet. The
 * temporary name is that of the sid, too, so one writer looks at a time.
 */
static fo_err
put_record(int dirfd, const char *run_folder, const char *part,
    const char *name, const struct fo_login_record *record,
    int64_t made_boot_ms, struct fo_diag *diag)
{
	char temporary[sizeof(TEMPORARY) + NAME_CHARS];
	char *text;
	fo_err r;
	int e;

	if ((r = fo_login_record_format(record, made_boot_ms, &text)) !=
	    FO_OK) {
		fo_diag_set(diag, "a login record cannot be written: %s",
		    fo_err_text(r));
		return FO_ERR_SESSION;
	}
	(void)snprintf(temporary, sizeof(temporary), TEMPORARY "%.*s",
	    NAME_CHARS, name);
	e = write_file(dirfd, temporary, text);
	free(text);
	if (e != 0)
		return refuse_errno(diag, run_folder, part, e);
	e = look_for_sid(dirfd, name);
	if (e == 0 && renameat2(dirfd, temporary, dirfd, name,
	    RENAME_NOREPLACE) != 0)
		e = errno;
	if (e != 0)
		(void)unlinkat(dirfd, temporary, 0);
	return e == 0 ? FO_OK : refuse_errno(diag, run_folder, part, e);
}

/* ---- reading ------------------------------------------------------------- */

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = memchr(digits, c, sizeof(digits) - 1);

	return at == NULL ? -1 : (int)(at - digits);
}

/* The text of a key, decoded; NULL when it is missing or reading failed. */
static char *
read_text(struct fo_reader *rd, const struct fo_node *map, const char *key,
    bool required)
{
	const char *p = fo_reader_text(rd, map, key, required);
	char *text, *out;
	int high, low;

	if (p == NULL)
		return NULL;
	if ((text = out = malloc(strlen(p) + 1)) == NULL) {
		rd->err = FO_ERR_NOMEM;
		return NULL;
	}
	while (*p != '\0') {
		if (*p != '%') {
			*out++ = *p++;
			continue;
		}
		if ((high = hex_digit(p[1])) < 0 ||
		    (low = hex_digit(p[2])) < 0 || high + low == 0) {
			fo_reader_fail(rd, map->line, "%s has a damaged "
			    "escape", key);
			free(text);
			return NULL;
		}
		*out++ = (char)(high * 16 + low);
		p += 3;
	}
	*out = '\0';
	return text;
}

/* The same into an array of size bytes, if it is what is kept there. */
static void
read_array(struct fo_reader *rd, const struct fo_node *map, const char *key,
    bool (*ok)(const char *), char *ret, size_t size)
{
	char *text;

	if ((text = read_text(rd, map, key, true)) == NULL)
		return;
	if (ok(text) && strlen(text) < size)
		memcpy(ret, text, strlen(text) + 1);
	else
		fo_reader_fail(rd, map->line, "this cannot be a %s", key);
	free(text);
}

static bool
is_kind(const char *text)
{
	return strcmp(text, fo_kind_word(FO_KIND_AGENT)) == 0 ||
	    strcmp(text, fo_kind_word(FO_KIND_HUMAN)) == 0;
}

/* Whoever was let in, was let in as somebody who can be in a store. */
static void
read_identity(struct fo_reader *rd, const struct fo_node *map,
    struct fo_login_record *ret)
{
	read_array(rd, map, "sid", is_sid_text, ret->sid, sizeof(ret->sid));
	read_array(rd, map, "id", fo_id_ok, ret->id, sizeof(ret->id));
	read_array(rd, map, "kind", is_kind, ret->kind, sizeof(ret->kind));
	read_array(rd, map, "name", fo_name_ok, ret->name,
	    sizeof(ret->name));
	read_array(rd, map, "owner", fo_name_ok, ret->owner,
	    sizeof(ret->owner));
	read_array(rd, map, "thumbprint", fo_jkt_ok, ret->jkt,
	    sizeof(ret->jkt));
	if (rd->err == FO_OK && fo_id_is_agent(ret->id) !=
	    (strcmp(ret->kind, fo_kind_word(FO_KIND_AGENT)) == 0))
		fo_reader_fail(rd, map->line, "kind does not go with id");
}

/* A number that has to be there. */
static int64_t
read_number(struct fo_reader *rd, const struct fo_node *map, const char *key,
    int64_t min, int64_t max)
{
	if (rd->err == FO_OK && fo_node_get(map, key) == NULL)
		fo_reader_fail(rd, map->line, "%s is missing", key);
	return fo_reader_int(rd, map, key, min, max, min);
}

fo_err
fo_login_record_parse(const char *name, const char *text, size_t len,
    struct fo_diag *diag, struct fo_login_record *ret_record,
    int64_t *ret_made_boot_ms)
{
	static const char *const known[] = { "version", "sid", "id", "kind",
		"name", "owner", "thumbprint", "service", "user", "ruser",
		"source", "tty", "since", "made_boot_ms", "pid", "pid_start",
		NULL };
	struct fo_reader rd = { .name = name, .diag = diag, .err = FO_OK };
	struct fo_login_record rec;
	struct fo_node *root;
	int64_t made;
	fo_err r;

	if ((r = fo_node_parse(name, text, len, diag, &root)) != FO_OK)
		return r;
	memset(&rec, 0, sizeof(rec));
	fo_reader_map(&rd, root, known);
	fo_reader_version(&rd, root);
	read_identity(&rd, root, &rec);
	rec.service = read_text(&rd, root, "service", true);
	rec.user = read_text(&rd, root, "user", true);
	rec.ruser = read_text(&rd, root, "ruser", false);
	rec.src = read_text(&rd, root, "source", false);
	rec.tty = read_text(&rd, root, "tty", false);
	rec.since = fo_reader_time(&rd, root, "since", true);
	made = read_number(&rd, root, "made_boot_ms", 0, INT64_MAX);
	rec.pid = (pid_t)read_number(&rd, root, "pid", 1, INT32_MAX);
	rec.pid_start = (uint64_t)read_number(&rd, root, "pid_start", 0,
	    INT64_MAX);
	fo_node_free(&root);
	if (rd.err == FO_OK) {
		*ret_record = rec;
		*ret_made_boot_ms = made;
	} else {
		fo_login_record_clear(&rec);
	}
	return rd.err;
}

/* Only root can have made it, nobody else can have seen or changed it. */
static fo_err
judge_file(int fd, const char *name, struct fo_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fo_diag_set(diag, "login record %s: %s", name,
		    strerror(errno));
		return FO_ERR_IO;
	}
	if (S_ISREG(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & ALLPERMS) == FILE_MODE && st.st_nlink == 1)
		return FO_OK;
	fo_diag_set(diag, "login record %s is not root's own file of mode "
	    "0600", name);
	return FO_ERR_SESSION;
}

/* Why a record cannot be opened, or taken away. */
static fo_err
explain(const char *name, int e, struct fo_diag *diag)
{
	fo_diag_set(diag, "login record %s: %s", name, strerror(e));
	if (e == ENOENT)
		return FO_ERR_NOT_FOUND;

	return e == ELOOP || e == ENXIO ? FO_ERR_SESSION : FO_ERR_IO;
}

/*
 * Read a record. FO_ERR_NOT_FOUND: none. FO_ERR_SESSION: not to be trusted.
 * FO_ERR_IO, FO_ERR_NOMEM: nobody knows, since it could not be read. take:
 * whoever unlinks the record has it, so this comes before it is read.
 */
static fo_err
read_record(int dirfd, const char *name, bool take, struct fo_diag *diag,
    struct fo_login_record *ret_record, int64_t *ret_made_boot_ms)
{
	char *text = NULL;
	size_t len;
	fo_err r;
	int fd;

	if ((fd = fo_open_above_2(dirfd, name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)) < 0)
		return explain(name, errno, diag);
	r = judge_file(fd, name, diag);
	if (take && unlinkat(dirfd, name, 0) != 0)
		r = explain(name, errno, diag);
	if (r != FO_OK)
		goto out;
	if ((r = fo_read_all(fd, RECORD_MAX_BYTES, &text, &len)) != FO_OK)
		fo_diag_set(diag, "%s: %s", name, fo_err_text(r));
	else
		r = fo_login_record_parse(name, text, len, diag, ret_record,
		    ret_made_boot_ms);
	if (r == FO_OK)
		goto out;
	fo_diag_prefix(diag, "login record");
	if (r != FO_ERR_IO && r != FO_ERR_NOMEM)
		r = FO_ERR_SESSION;
out:
	free(text);
	close(fd);
	return r;
}

/* ---- sweeping ------------------------------------------------------------ */

static bool
is_expired(int64_t made_boot_ms, int64_t boot_ms, int64_t valid_s)
{
	return made_boot_ms < 0 || made_boot_ms > boot_ms ||
	    boot_ms - made_boot_ms > valid_s * 1000;
}

/* Is the process that keeps a session open gone, or is only its name left? */
static bool
is_dead(const struct fo_login_record *record)
{
	struct fo_process process;
	const fo_err r = fo_process_read(record->pid, &process);

	return r == FO_ERR_NOT_FOUND || (r == FO_OK &&
	    (process.start != record->pid_start || process.state == 'Z'));
}

/*
 * Is a session over (boot_ms -1), or a pending record nobody's any more? As
 * long as its maker runs, it says who that is: a process that was stopped is
 * not nobody.
 */
static bool
is_over(const struct fo_login_record *record, int64_t made_boot_ms,
    int64_t boot_ms)
{
	const bool dead = is_dead(record);

	return boot_ms < 0 ? dead : is_expired(made_boot_ms, boot_ms,
	    dead ? FO_PENDING_VALID_S : FO_PENDING_HELD_S);
}

/*
 * Remove what nobody will take any more: with boot_ms pending records that
 * have expired, with -1 sessions whose process is gone. A record that is not
 * to be trusted is nobody's: it is under its name only when it is whole. One
 * that could not be read now may well be somebody's, and stays.
 *
 * Looked at are those whose names begin with first, one in 64 by chance, so
 * that the work of a login stays small however many records there are; and so
 * many others, for where there are few.
 */
static void
sweep(int dirfd, char first, size_t others, int64_t boot_ms)
{
	struct fo_login_record record;
	const struct dirent *entry;
	int64_t made;
	DIR *dir;
	fo_err r;
	bool old;

	if ((dir = fo_folder_list(dirfd, ".")) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		if (maker_of(entry->d_name) == 0 ||
		    (entry->d_name[0] != first && others == 0))
			continue;
		if (entry->d_name[0] != first)
			others--;
		r = read_record(dirfd, entry->d_name, false, NULL, &record,
		    &made);
		old = r == FO_ERR_SESSION;
		if (r == FO_OK) {
			old = is_over(&record, made, boot_ms);
			fo_login_record_clear(&record);
		}
		if (old)
			(void)unlinkat(dirfd, entry->d_name, 0);
	}
	closedir(dir);
}

/* ---- pending ------------------------------------------------------------- */

/* false: the kernel has no randomness. */
static bool
new_name(pid_t pid, char ret_name[NAME_SIZE])
{
	unsigned char bytes[NAME_BYTES];
	char text[NAME_CHARS + 1];

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(bytes))
		return false;

	fo_b64url_encode(bytes, sizeof(bytes), text);
	make_name(text, pid, ret_name);
	return true;
}

fo_err
fo_pending_put(const char *run_folder, const struct fo_login_record *record,
    const struct fo_clock *clock, struct fo_diag *diag,
    char ret_name[FO_PENDING_NAME_SIZE])
{
	char name[NAME_SIZE];
	struct fo_now now;
	fo_err r;
	int fd;

	if (clock->now(clock->arg, &now) != FO_OK ||
	    !new_name(record->pid, name)) {
		fo_diag_set(diag, "no time or no randomness for a login "
		    "record");
		return FO_ERR_SESSION;
	}
	if (open_part(run_folder, PENDING, true, diag, &fd) != FO_OK)
		return FO_ERR_SESSION;
	sweep(fd, name[0], SWEPT_OTHERS, now.boot_ms);
	if ((r = put_record(fd, run_folder, PENDING, name, record,
	    now.boot_ms, diag)) == FO_OK)
		memcpy(ret_name, name, sizeof(name));
	close(fd);
	return r;
}

fo_err
fo_pending_take(const char *run_folder, const char *name,
    const char *service, const struct fo_clock *clock, struct fo_diag *diag,
    struct fo_login_record *ret_record)
{
	struct fo_login_record record;
	struct fo_now now;
	int64_t made;
	fo_err r;
	int fd;

	if (name == NULL || maker_of(name) == 0 || service == NULL) {
		fo_diag_set(diag, "this is not the name of a login record");
		return FO_ERR_SESSION;
	}
	if ((r = open_part(run_folder, PENDING, false, diag, &fd)) != FO_OK)
		return r;
	r = read_record(fd, name, true, diag, &record, &made);
	close(fd);
	if (r == FO_ERR_IO)
		return FO_ERR_SESSION;
	if (r != FO_OK)
		return r;
	if (clock->now(clock->arg, &now) != FO_OK) {
		fo_diag_set(diag, "the clock cannot be read");
		r = FO_ERR_SESSION;
	} else if (is_expired(made, now.boot_ms, FO_PENDING_VALID_S)) {
		fo_diag_set(diag, "the login record is older than %d s",
		    FO_PENDING_VALID_S);
		r = FO_ERR_SESSION;
	} else if (strcmp(record.service, service) != 0) {
		fo_diag_set(diag, "the login record is for service %s, not "
		    "for %s", record.service, service);
		r = FO_ERR_SESSION;
	}
	if (r != FO_OK) {
		fo_login_record_clear(&record);
		return r;
	}
	*ret_record = record;
	return FO_OK;
}

static void
drop(const char *run_folder, const char *part, const char *name)
{
	int fd;

	if (maker_of(name) == 0 ||
	    open_part(run_folder, part, false, NULL, &fd) != FO_OK)
		return;
	(void)unlinkat(fd, name, 0);
	close(fd);
}

void
fo_pending_drop(const char *run_folder, const char *name)
{
	drop(run_folder, PENDING, name);
}

void
fo_session_drop(const char *run_folder, const char *sid, pid_t pid)
{
	char name[NAME_SIZE];

	make_name(sid, pid, name);
	drop(run_folder, SESSIONS, name);
}

/* ---- sessions ------------------------------------------------------------ */

static bool
name_session(const char *sid, pid_t pid, struct fo_diag *diag,
    char ret_name[NAME_SIZE])
{
	make_name(sid, pid, ret_name);
	if (maker_of(ret_name) != 0)
		return true;
	fo_diag_set(diag, "this is not a session's id");
	return false;
}

/* A session that ended without saying so leaves its record. */
fo_err
fo_session_put(const char *run_folder, const struct fo_login_record *record,
    struct fo_diag *diag)
{
	char name[NAME_SIZE];
	fo_err r;
	int fd = -1;

	if (!name_session(record->sid, record->pid, diag, name))
		return FO_ERR_SESSION;
	if (open_part(run_folder, SESSIONS, true, diag, &fd) != FO_OK)
		return FO_ERR_SESSION;
	sweep(fd, record->sid[0], 0, -1);
	r = put_record(fd, run_folder, SESSIONS, name, record, 0, diag);
	close(fd);
	return r;
}

/* A walk over records: whose are wanted, and what is done with each. */
struct walk {
	bool (*by)(pid_t pid, void *arg);	/* NULL: anybody's */
	fo_err (*each)(const struct fo_login_record *record, void *arg);
	void *arg;
	size_t unread;
	struct fo_diag *diag;
};

/* One record, if the process that made it runs. */
static fo_err
visit(int dirfd, const char *name, struct walk *walk)
{
	struct fo_login_record record;
	int64_t made;
	fo_err r;

	r = read_record(dirfd, name, false, walk->diag, &record, &made);
	if (r == FO_ERR_NOT_FOUND)
		return FO_OK; /* it ended meanwhile */
	if (r == FO_OK && record.pid == maker_of(name)) {
		r = is_dead(&record) ? FO_OK :
		    walk->each(&record, walk->arg);
		fo_login_record_clear(&record);
		return r;
	}
	if (r == FO_OK) {
		fo_diag_set(walk->diag, "login record %s is of process %ld",
		    name, (long)record.pid);
		fo_login_record_clear(&record);
	}
	walk->unread++;
	return r == FO_ERR_NOMEM ? r : FO_OK;
}

/* Most files are another's, and are not opened: so that is asked first. */
static bool
is_wanted(const struct walk *walk, const char *name)
{
	return (walk->by == NULL || walk->by(said_maker(name), walk->arg)) &&
	    maker_of(name) != 0;
}

/* No folder means no record. */
static fo_err
visit_all(const char *run_folder, const char *part, struct walk *walk,
    size_t *ret_unread)
{
	const struct dirent *entry;
	DIR *dir;
	fo_err r;
	int fd;

	r = open_part(run_folder, part, false, walk->diag, &fd);
	if (r == FO_ERR_NOT_FOUND) {
		*ret_unread = 0;
		return FO_OK;
	}
	if (r != FO_OK)
		return r;
	if ((dir = fo_folder_list(fd, ".")) == NULL)
		r = refuse_errno(walk->diag, run_folder, part, errno);
	while (r == FO_OK && (errno = 0, entry = readdir(dir)) != NULL)
		if (is_wanted(walk, entry->d_name))
			r = visit(fd, entry->d_name, walk);
	if (r == FO_OK && errno != 0)
		r = refuse_errno(walk->diag, run_folder, part, errno);
	if (dir != NULL)
		closedir(dir);
	close(fd);
	if (r == FO_OK)
		*ret_unread = walk->unread;
	return r;
}

fo_err
fo_session_each_by(const char *run_folder, struct fo_diag *diag,
    bool (*by)(pid_t pid, void *arg),
    fo_err (*each)(const struct fo_login_record *record, void *arg),
    void *arg, size_t *ret_unread)
{
	struct walk walk = { by, each, arg, 0, diag };

	return visit_all(run_folder, SESSIONS, &walk, ret_unread);
}

fo_err
fo_pending_each_by(const char *run_folder, struct fo_diag *diag,
    bool (*by)(pid_t pid, void *arg),
    fo_err (*each)(const struct fo_login_record *record, void *arg),
    void *arg, size_t *ret_unread)
{
	struct walk walk = { by, each, arg, 0, diag };

	return visit_all(run_folder, PENDING, &walk, ret_unread);
}

fo_err
fo_session_each(const char *run_folder, struct fo_diag *diag,
    fo_err (*each)(const struct fo_login_record *record, void *arg),
    void *arg, size_t *ret_unread)
{
	return fo_session_each_by(run_folder, diag, NULL, each, arg,
	    ret_unread);
}

fo_err
fo_session_remove(const char *run_folder, const char *sid, pid_t pid,
    struct fo_diag *diag)
{
	char name[NAME_SIZE];
	fo_err r;
	int fd;

	if (!name_session(sid, pid, diag, name))
		return FO_ERR_SESSION;
	if ((r = open_part(run_folder, SESSIONS, false, diag, &fd)) != FO_OK)
		return r;
	if (unlinkat(fd, name, 0) != 0) {
		r = errno == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_SESSION;
		fo_diag_set(diag, "%s/%s/%s: %s", run_folder, SESSIONS, name,
		    strerror(errno));
	}
	close(fd);
	return r;
}
