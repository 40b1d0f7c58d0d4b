/*
 * Each proof once: empty files, made exclusively.
 *
 *   FOLDER/<euid>/birth              "<boot id> <CLOCK_BOOTTIME in ms>\n"
 *   FOLDER/<euid>/floor              "<seconds since 1970>\n"
 *   FOLDER/<euid>/<iat / 60>/<hash>  empty: this proof is spent
 *
 * Why no proof is accepted twice
 *
 * Say that X spent a proof, and later A offers the same one. Both computed
 * the same file name from the proof alone. If X's file is still there, and
 * both work in the same folder, A's mknodat fails: the kernel decides. So A
 * could win only if the file went away, or if the folder is another one.
 *
 * 1 A sweep removed it. A sweep raises floor to the end of the file's minute,
 *   and only then removes. floor is never lowered: whoever writes it holds
 *   the lock. A made its file after the removal, and reads floor after that:
 *   the proof's iat is below it, and A is refused. However long A was stopped
 *   between two of its steps, and whatever its clock said, makes no
 *   difference. The second look at the clock is for the window itself, which
 *   may have closed while A was stopped.
 *
 * 2 Somebody emptied the folder. Then birth went too. A reads birth after
 *   making its file: it is missing, or made after the emptying, at time B.
 *   X was let in before B, so the proof's iat was at most B plus clock_skew,
 *   and A requires more than that. Birth is honest about B: the temporary
 *   file that becomes birth is made first, in this folder, and only then the
 *   clock is read. An emptying after that reading takes the temporary file
 *   along, and the link or rename of it fails. (Between the removal of X's
 *   file and that of birth nobody can tell: whoever must empty a folder by
 *   hand moves it away as a whole, which is case 3.)
 *
 * 3 Somebody removed, moved or covered the folder and another was made. In a
 *   removed one nothing can be made. As for the rest, the last step of X was
 *   to see that the path still led to its folder, after it had read the
 *   clock: so X's iat is at most clock_skew after the making of A's folder,
 *   and case 2 refuses A.
 *
 * 4 The machine was started anew: birth has another boot id, or there is
 *   none, and the folder counts as born now.
 *
 * What this cannot see: a clock that is set back after the files were lost
 * with their folder, or that is behind after a restart (B, counted back from
 * such a clock, lies before X); and an old folder of this boot that comes
 * back after another took its place (a mount taken away again, a folder moved
 * back). Services with nonce: always depend on neither.
 *
 * A folder that a process keeps open is like one that was opened by a caller
 * who then was stopped for long: none of the above depends on when it was
 * opened. (A lock belongs to who opened, so what forks off opens its own.) Its
 * birth, kept as well, is compared by inode and ctime where it would be read:
 * whoever makes another one makes another file. The boot id is that of the
 * process, which does not outlive its boot.
 *
 * Nobody waits for anybody: a lock that is held is not waited for, and only
 * sweeping and the replacement of a birth of another boot want it.
 */
#include "replay.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <firstops/proof.h>

#include "base/diag.h"
#include "base/safeopen.h"
#include "base/stamp.h"
#include "base/write.h"
#include "event.h"
#include "folder.h"
#include "names.h"
#include "rfc3339.h"

#define BIRTH "birth"
#define FLOOR "floor"
/* The next floor: it has its inode and its page before the folder is full. */
#define SPARE ".floor"
#define TEMPORARY "new-"

#define MINUTE_S 60
#define FOLDER_MODE 0700
#define FILE_MODE 0600

/* Longest decimal of an int64_t with sign and NUL. */
#define DECIMAL_SIZE 21
/* "<minute>/<hash>" */
#define NAME_SIZE (DECIMAL_SIZE + FO_HASH_SIZE)
/* A boot id, a space, a decimal and a newline, with room to see too much. */
#define RECORD_SIZE 80

/* One look at one user's folder. */
struct replay {
	const struct fo_spend *spend;
	char *path;		/* FOLDER/<euid> */
	int fd;
	char boot_id[FO_BOOT_ID_SIZE];
};

/* ---- small records ------------------------------------------------------ */

/* "123": digits only, nothing after them, no more than an int64_t. */
static bool
parse_decimal(const char *text, int64_t *ret)
{
	int64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (value > (INT64_MAX - 9) / 10)
			return false;
		value = value * 10 + (*text - '0');
	}
	*ret = value;
	return true;
}

/*
 * Read a whole small file, without its closing newline. FO_ERR_NOT_FOUND:
 * none. FO_ERR_FORMAT: empty, torn (no newline at its end) or too long.
 */
static fo_err
read_record(int dirfd, const char *name, char ret[RECORD_SIZE])
{
	char text[RECORD_SIZE];
	ssize_t n;
	int fd;

	ret[0] = '\0';
	if ((fd = fo_open_above_2(dirfd, name, O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC, 0)) < 0)
		return errno == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_IO;
	n = fo_read_once(fd, text, sizeof(text));
	close(fd);
	if (n < 0)
		return FO_ERR_IO;
	if (n == 0 || n == (ssize_t)sizeof(text) || text[n - 1] != '\n' ||
	    memchr(text, '\0', (size_t)n) != NULL)
		return FO_ERR_FORMAT;

	text[n - 1] = '\0';
	memcpy(ret, text, (size_t)n);
	return FO_OK;
}

/*
 * Open a small record for writing, making it where it is missing; -1 and
 * errno. Its mode is set by hand: the umask is somebody else's, and whoever
 * wrote a record has to read it at the next login.
 */
static int
open_record(const struct replay *rp, const char *name, int flags)
{
	int fd, e;

	fd = fo_open_above_2(rp->fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC | flags, FILE_MODE);
	if (fd < 0 || fchmod(fd, FILE_MODE) == 0)
		return fd;
	e = errno;
	close(fd);
	(void)unlinkat(rp->fd, name, 0);
	errno = e;
	return -1;
}

/* Write a small record whole: 0, or errno. */
static int
write_record(int fd, const char *text)
{
	const size_t len = strlen(text);
	ssize_t n;

	n = fo_write_quietly(fd, text, len);
	if (n != (ssize_t)len)
		return n < 0 ? errno : ENOSPC;

	return ftruncate(fd, (off_t)len) == 0 ? 0 : errno;
}

/* ---- reasons ------------------------------------------------------------ */

/* The folder failed us; errno says how. */
static fo_err
refuse_errno(const struct replay *rp, int e)
{
	const char *remedy = "check the folder";

	if (e == ENOSPC || e == EDQUOT)
		remedy = "it is full: enlarge its file system";
	else if (e == EROFS)
		remedy = "mount it writable";
	else if (e == EACCES || e == EPERM)
		remedy = "let the user of the service write there";
	else if (e == ENOENT)
		remedy = "it was removed meanwhile; try again";
	fo_diag_set(rp->spend->diag, "replay folder %s: %s; %s", rp->path,
	    strerror(e), remedy);
	return FO_ERR_REPLAY_STORE;
}

/* Words for a clock or a record that cannot be read. */
static fo_err
refuse_text(const struct replay *rp, const char *text)
{
	fo_diag_set(rp->spend->diag, "replay folder %s: %s", rp->path, text);
	return FO_ERR_REPLAY_STORE;
}

static fo_err
refuse_newborn(const struct replay *rp, int64_t wait_s)
{
	fo_diag_set(rp->spend->diag, "the replay folder is too young to know "
	    "this proof; try again in %" PRId64 " s",
	    wait_s > 0 ? wait_s : 1);
	return FO_ERR_REPLAY_NEWBORN;
}

/* ---- the folder --------------------------------------------------------- */

/* Take the folder that is kept, if it is open yet and our path leads to it. */
static bool
take_kept(struct replay *rp)
{
	struct fo_replay_keep *keep = rp->spend->keep;
	struct stat st;

	if (keep == NULL || keep->fd < 0)
		return false;
	if (!fo_stamp_is(keep->fd, &keep->folder) ||
	    lstat(rp->path, &st) != 0 ||
	    !fo_stamp_same_folder(&st, &keep->folder)) {
		fo_replay_keep_clear(keep);
		return false;
	}
	memcpy(rp->boot_id, keep->boot_id, sizeof(rp->boot_id));
	rp->fd = keep->fd;
	return true;
}

/* Is what is open the folder that is kept? */
static bool
is_kept(const struct replay *rp)
{
	const struct fo_replay_keep *keep = rp->spend->keep;

	return keep != NULL && keep->fd >= 0 && keep->fd == rp->fd;
}

/* Judged a moment ago; who may have changed it since is seen here, too. */
static void
keep_folder(struct replay *rp, uid_t user)
{
	struct fo_replay_keep *keep = rp->spend->keep;

	if (keep == NULL || fstat(rp->fd, &keep->folder) != 0 ||
	    keep->folder.st_uid != user ||
	    (keep->folder.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return;
	keep->fd = rp->fd;
	memcpy(keep->boot_id, rp->boot_id, sizeof(keep->boot_id));
}

void
fo_replay_keep_clear(struct fo_replay_keep *keep)
{
	if (keep->fd >= 0 && fo_stamp_is(keep->fd, &keep->folder))
		close(keep->fd);
	*keep = (struct fo_replay_keep)FO_REPLAY_KEEP_NONE;
}

/* Open and judge it; root makes what is missing, if make. */
static fo_err
open_judged(struct replay *rp, const char *name, uid_t user, bool make)
{
	const struct fo_spend *sp = rp->spend;
	int parent;
	fo_err r;

	r = make ? fo_folder_open(sp->folder, user, sp->diag, &parent) :
	    fo_safe_open_folder(sp->folder, user, sp->diag, &parent);
	if (r != FO_OK)
		return r;
	r = fo_folder_open_at(parent, sp->folder, name, user,
	    make ? FOLDER_MODE : 0, sp->diag, &rp->fd);
	close(parent);
	return r;
}

/*
 * Open FOLDER/<euid>. Root makes what is missing; anybody else's was made by
 * the system, since FOLDER is root's. Whatever is returned, rp is ready for
 * close_folder.
 */
static fo_err
open_folder(struct replay *rp, const struct fo_spend *sp, uid_t user,
    bool make)
{
	char name[DECIMAL_SIZE];
	bool is_root;
	fo_err r;

	*rp = (struct replay){ .spend = sp, .fd = -1 };
	(void)snprintf(name, sizeof(name), "%lu", (unsigned long)user);
	if (asprintf(&rp->path, "%s/%s", sp->folder, name) < 0) {
		rp->path = NULL;
		return FO_ERR_NOMEM;
	}
	if (take_kept(rp))
		return FO_OK;
	if (sp->clock->boot_id(sp->clock->arg, rp->boot_id) != FO_OK)
		return refuse_text(rp, "the machine's boot id cannot be read");
	is_root = user == 0 && geteuid() == 0;
	r = open_judged(rp, name, user, make && is_root);
	if (r == FO_OK)
		keep_folder(rp, user);
	if (r == FO_OK || r == FO_ERR_NOMEM)
		return r;
	if (r != FO_ERR_NOT_FOUND) {
		fo_diag_prefix(sp->diag, "replay folder");
		return FO_ERR_REPLAY_STORE;
	}
	if (is_root) /* root's is made by the first login, and young then */
		return refuse_newborn(rp, sp->clock_skew_s + 1);
	return refuse_text(rp, "it does not exist; name the service's user at "
	    "\"services\" in firstops.yaml and run \"fo store replay\"");
}

static void
close_folder(struct replay *rp)
{
	if (rp->fd >= 0 && !is_kept(rp))
		close(rp->fd);
	free(rp->path);
}

/*
 * Does the path still lead to the folder that is open? Not after somebody
 * moved it away or mounted over it.
 */
static fo_err
check_same_folder(const struct replay *rp)
{
	struct stat open_one, named_one;

	if (fstat(rp->fd, &open_one) != 0 ||
	    fstatat(AT_FDCWD, rp->path, &named_one, AT_SYMLINK_NOFOLLOW) != 0)
		return refuse_errno(rp, errno);
	if (open_one.st_dev != named_one.st_dev ||
	    open_one.st_ino != named_one.st_ino)
		return refuse_text(rp, "it was replaced meanwhile; try again");
	return FO_OK;
}

/* ---- birth -------------------------------------------------------------- */

static fo_err
parse_birth(const struct replay *rp, int64_t *ret_boot_ms)
{
	const size_t id_len = FO_BOOT_ID_SIZE - 1;
	char text[RECORD_SIZE];
	fo_err r;

	if ((r = read_record(rp->fd, BIRTH, text)) != FO_OK)
		return r;
	if (strncmp(text, rp->boot_id, id_len) != 0 || text[id_len] != ' ' ||
	    !parse_decimal(text + id_len + 1, ret_boot_ms))
		return FO_ERR_FORMAT;

	return FO_OK;
}

/* The birth that is kept, or that is kept from now on. */
static fo_err
look_at_birth(const struct replay *rp, int64_t *ret_boot_ms)
{
	struct fo_replay_keep *keep = rp->spend->keep;
	const time_t before = fo_stamp_time();
	struct stat st;
	fo_err r;

	if (!is_kept(rp) ||
	    fstatat(rp->fd, BIRTH, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return parse_birth(rp, ret_boot_ms);
	if (keep->has_birth && fo_stamp_same(&st, &keep->birth)) {
		*ret_boot_ms = keep->birth_boot_ms;
		return FO_OK;
	}
	if ((r = parse_birth(rp, ret_boot_ms)) != FO_OK)
		return r;
	keep->has_birth = fo_stamp_ripe(&st, before);
	keep->birth = st;
	keep->birth_boot_ms = *ret_boot_ms;
	return FO_OK;
}

/*
 * Read birth. FO_ERR_NOT_FOUND: none. FO_ERR_FORMAT: torn, of another boot,
 * or of the future: worth nothing.
 */
static fo_err
read_birth(const struct replay *rp, const struct fo_now *now,
    int64_t *ret_boot_ms)
{
	int64_t boot_ms;
	fo_err r;

	if ((r = look_at_birth(rp, &boot_ms)) != FO_OK)
		return r;
	if (boot_ms > now->boot_ms)
		return FO_ERR_FORMAT;

	*ret_boot_ms = boot_ms;
	return FO_OK;
}

/* Where root prepares the folder of a service's user, it is the user's. */
static int
give_to_owner(const struct replay *rp, int fd)
{
	struct stat st;

	if (fstat(rp->fd, &st) != 0)
		return -1;

	return st.st_uid == geteuid() ? 0 : fchown(fd, st.st_uid, st.st_gid);
}

/* Put a temporary file in the place of birth: 0, or errno. */
static int
publish_birth(const struct replay *rp, const char *name, bool replace)
{
	if (replace)
		return renameat(rp->fd, name, rp->fd, BIRTH) == 0 ? 0 : errno;
	if (linkat(rp->fd, name, rp->fd, BIRTH, 0) == 0 || errno == EEXIST)
		return 0;
	return errno;
}

/*
 * Write a birth of now: the first of many callers does where there is none,
 * and with replace the caller does over one that is worth nothing. The clock
 * is read after the temporary file was made (case 2 at the top). 0, or errno.
 */
static int
write_birth(const struct replay *rp, bool replace)
{
	const struct fo_clock *clock = rp->spend->clock;
	char name[sizeof(TEMPORARY) + FO_SID_SIZE], text[RECORD_SIZE];
	char sid[FO_SID_SIZE];
	struct fo_now now;
	int fd, e = EIO;

	if (fo_sid_new(sid) != FO_OK)
		return EIO;
	(void)snprintf(name, sizeof(name), TEMPORARY "%s", sid);
	if ((fd = open_record(rp, name, O_EXCL)) < 0)
		return errno;
	if (give_to_owner(rp, fd) != 0) {
		e = errno;
	} else if (clock->now(clock->arg, &now) == FO_OK) {
		(void)snprintf(text, sizeof(text), "%s %" PRId64 "\n",
		    rp->boot_id, now.boot_ms);
		if ((e = write_record(fd, text)) == 0)
			e = publish_birth(rp, name, replace);
	}
	close(fd);
	(void)unlinkat(rp->fd, name, 0);
	return e;
}

/*
 * See to it that there is a birth of this boot: 0, or errno. Its maker is
 * refused with everybody else for the moment, so a lock that another holds,
 * and a birth that another made first, are both fine.
 */
static int
renew_birth(const struct replay *rp, const struct fo_now *now, fo_err found)
{
	int64_t boot_ms;
	int e = 0;

	if (found == FO_ERR_NOT_FOUND)
		return write_birth(rp, false);
	if (flock(rp->fd, LOCK_EX | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? 0 : errno;
	if (read_birth(rp, now, &boot_ms) == FO_ERR_FORMAT)
		e = write_birth(rp, true);
	(void)flock(rp->fd, LOCK_UN);
	return e;
}

/*
 * A proof that may have been spent before the folder was born is refused:
 * one whose iat is not after the birth plus clock_skew. Both sides are in
 * milliseconds, the birth rounded up: it was at most 1 ms later than two
 * truncated times say.
 */
static fo_err
check_birth(const struct replay *rp, const struct fo_now *now, bool make)
{
	const struct fo_spend *sp = rp->spend;
	int64_t birth_boot_ms, now_ms, known_ms;
	fo_err found;
	int e;

	found = read_birth(rp, now, &birth_boot_ms);
	if (found == FO_ERR_NOT_FOUND || found == FO_ERR_FORMAT) {
		if (make && (e = renew_birth(rp, now, found)) != 0)
			return refuse_errno(rp, e);
		return refuse_newborn(rp, sp->clock_skew_s + 1);
	}
	if (found != FO_OK)
		return refuse_text(rp, "its birth cannot be read; check "
		    "the folder");
	now_ms = now->s * 1000 + now->us / 1000 + 1;
	known_ms = now_ms - (now->boot_ms - birth_boot_ms) +
	    sp->clock_skew_s * 1000;
	if (sp->iat * 1000 < known_ms)
		return refuse_newborn(rp, (known_ms - now_ms) / 1000 + 1);
	return FO_OK;
}

/* ---- floor -------------------------------------------------------------- */

/* The end of the youngest minute that was ever removed; 0: none was. */
static bool
read_floor(const struct replay *rp, int64_t *ret_floor)
{
	char text[RECORD_SIZE];
	const fo_err r = read_record(rp->fd, FLOOR, text);

	*ret_floor = 0;
	return r == FO_ERR_NOT_FOUND ||
	    (r == FO_OK && parse_decimal(text, ret_floor));
}

static fo_err
check_floor(const struct replay *rp)
{
	int64_t floor;

	if (!read_floor(rp, &floor))
		return refuse_text(rp, "its floor cannot be read; remove the "
		    "folder, it is made anew");
	if (rp->spend->iat < floor) {
		fo_diag_set(rp->spend->diag, "its minute has been swept "
		    "already: the clock was ahead, or the caller was stopped");
		return FO_ERR_STALE;
	}
	return FO_OK;
}

/*
 * Keep a spare for the next floor, with something in it: a folder that is
 * full could not be swept otherwise. The caller holds the lock.
 */
static void
keep_spare(const struct replay *rp)
{
	const int fd = open_record(rp, SPARE, 0);

	if (fd >= 0) {
		(void)write_record(fd, "0\n");
		close(fd);
	}
}

/*
 * Raise floor: write the spare and put it in its place, so that a reader
 * finds the old floor or the new one. The caller holds the lock.
 */
static bool
raise_floor(const struct replay *rp, int64_t to)
{
	char text[RECORD_SIZE];
	bool raised = false;
	int64_t floor;
	int fd;

	if (!read_floor(rp, &floor))
		return false;
	if (floor >= to)
		return true;
	(void)snprintf(text, sizeof(text), "%" PRId64 "\n", to);
	if ((fd = open_record(rp, SPARE, 0)) >= 0) {
		raised = write_record(fd, text) == 0 &&
		    renameat(rp->fd, SPARE, rp->fd, FLOOR) == 0;
		close(fd);
	}
	return raised;
}

/* ---- window ------------------------------------------------------------- */

static fo_err
check_window(const struct replay *rp, const struct fo_now *now)
{
	const struct fo_spend *sp = rp->spend;

	if (sp->iat < now->s - sp->max_age_s) {
		fo_diag_set(sp->diag, "it is %" PRId64 " s too old now",
		    now->s - sp->max_age_s - sp->iat);
		return FO_ERR_STALE;
	}
	if (sp->iat > now->s + sp->clock_skew_s) {
		fo_diag_set(sp->diag, "it is %" PRId64 " s too far ahead of "
		    "the clock now", sp->iat - now->s - sp->clock_skew_s);
		return FO_ERR_FUTURE;
	}
	return FO_OK;
}

/*
 * May this proof be taken at all, by what clock, birth and floor say at this
 * moment? Asked before its file is made, and again after.
 */
static fo_err
check_known(const struct replay *rp, bool make)
{
	const struct fo_clock *clock = rp->spend->clock;
	struct fo_now now;
	fo_err r;

	if (clock->now(clock->arg, &now) != FO_OK)
		return refuse_text(rp, "the clock cannot be read");
	if ((r = check_window(rp, &now)) != FO_OK)
		return r;
	if ((r = check_birth(rp, &now, make)) != FO_OK)
		return r;
	return check_floor(rp);
}

/* ---- sweeping ----------------------------------------------------------- */

/* The end of a minute's folder by its name; 0: it is no such name. */
static int64_t
minute_end(const char *name)
{
	int64_t minute;

	if (!parse_decimal(name, &minute) ||
	    minute > INT64_MAX / MINUTE_S - 1)
		return 0;

	return (minute + 1) * MINUTE_S;
}

/* Remove a minute, or what can be of it: the rest is for the next sweep. */
static void
remove_minute(const struct replay *rp, const char *name)
{
	const struct dirent *entry;
	DIR *dir;

	if ((dir = fo_folder_list(rp->fd, name)) == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		if (fo_jkt_ok(entry->d_name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	(void)unlinkat(rp->fd, name, AT_REMOVEDIR);
}

/* The end of the youngest minute that ended long enough ago; 0: none did. */
static int64_t
youngest_old(DIR *dir, int64_t now_s)
{
	const struct dirent *entry;
	int64_t end, youngest = 0;

	while ((entry = readdir(dir)) != NULL) {
		end = minute_end(entry->d_name);
		if (end > youngest && end <= now_s - FO_REPLAY_KEEP_S)
			youngest = end;
	}
	return youngest;
}

/* With the lock held: raise floor first, and only then remove. */
static void
sweep_locked(const struct replay *rp, DIR *dir, int64_t now_s)
{
	const struct dirent *entry;
	int64_t end, youngest;

	if ((youngest = youngest_old(dir, now_s)) != 0 &&
	    raise_floor(rp, youngest)) {
		rewinddir(dir);
		while ((entry = readdir(dir)) != NULL) {
			end = minute_end(entry->d_name);
			if (end != 0 && end <= youngest)
				remove_minute(rp, entry->d_name);
		}
	}
	keep_spare(rp);
}

/*
 * Remove minutes that nobody needs any more. Failing has no consequence but
 * that the folder stays as large as it is.
 */
static void
sweep(const struct replay *rp)
{
	const struct fo_clock *clock = rp->spend->clock;
	struct fo_now now;
	DIR *dir;

	if (flock(rp->fd, LOCK_EX | LOCK_NB) != 0)
		return;
	if (clock->now(clock->arg, &now) == FO_OK &&
	    (dir = fo_folder_list(rp->fd, ".")) != NULL) {
		sweep_locked(rp, dir, now.s);
		closedir(dir);
	}
	(void)flock(rp->fd, LOCK_UN);
}

/* ---- spending ----------------------------------------------------------- */

/*
 * Make the proof's file: 0, or errno. Its minute's folder is made on the way
 * (*ret_new says so); if a sweep takes it away in between, that sweep has
 * raised floor first, and the proof is too old.
 */
static int
make_file(const struct replay *rp, const char *minute, bool *ret_new)
{
	char name[NAME_SIZE];

	(void)snprintf(name, sizeof(name), "%s/%s", minute, rp->spend->hash);
	if (mknodat(rp->fd, name, S_IFREG | FILE_MODE, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return errno;
	if (mkdirat(rp->fd, minute, FOLDER_MODE) == 0) {
		if (fchmodat(rp->fd, minute, FOLDER_MODE, 0) != 0)
			return errno;
		*ret_new = true;
	} else if (errno != EEXIST) {
		return errno;
	}
	if (mknodat(rp->fd, name, S_IFREG | FILE_MODE, 0) == 0)
		return 0;
	return errno;
}

/* A minute's name: floor(iat / 60); iat is not negative here. */
static void
minute_name(int64_t iat, char ret[DECIMAL_SIZE])
{
	(void)snprintf(ret, DECIMAL_SIZE, "%" PRId64, iat / MINUTE_S);
}

/* Spend the proof: the one step that only one caller can take. */
static fo_err
claim(const struct replay *rp)
{
	char minute[DECIMAL_SIZE];
	bool new_minute = false;
	fo_err r;
	int e;

	minute_name(rp->spend->iat, minute);
	e = make_file(rp, minute, &new_minute);
	if (e == ENOSPC || e == EDQUOT) {
		sweep(rp); /* what is full may be full of old minutes */
		e = make_file(rp, minute, &new_minute);
	}
	if (e == EEXIST) {
		fo_diag_set(rp->spend->diag, "this proof was used before; "
		    "sign a new one for each login");
		return FO_ERR_REPLAY;
	}
	if (e != 0)
		return (r = check_known(rp, false)) != FO_OK ? r :
		    refuse_errno(rp, e);
	if ((r = check_known(rp, false)) != FO_OK)
		return r;
	if ((r = check_same_folder(rp)) != FO_OK)
		return r;
	if (new_minute)
		sweep(rp); /* once a minute is often enough */
	return FO_OK;
}

/* Is it in the form that the file names here are made of? */
static fo_err
check_spend(const struct fo_spend *sp)
{
	if (sp == NULL || sp->folder == NULL || sp->clock == NULL ||
	    sp->hash == NULL || !fo_jkt_ok(sp->hash) || sp->max_age_s < 0 ||
	    sp->clock_skew_s < 0 || sp->max_age_s > FO_MAX_AGE_LIMIT_S ||
	    sp->clock_skew_s > FO_CLOCK_SKEW_LIMIT_S)
		return FO_ERR_ARG;
	if (sp->iat < 0 || sp->iat > INT64_MAX / 2000) {
		fo_diag_set(sp->diag, "its iat is no time of this clock");
		return sp->iat < 0 ? FO_ERR_STALE : FO_ERR_FUTURE;
	}
	return FO_OK;
}

fo_err
fo_replay_spend(const struct fo_spend *spend)
{
	struct replay rp;
	fo_err r;

	if ((r = check_spend(spend)) != FO_OK)
		return r;
	if ((r = open_folder(&rp, spend, geteuid(), true)) == FO_OK &&
	    (r = check_known(&rp, true)) == FO_OK)
		r = claim(&rp);
	close_folder(&rp);
	return r;
}

/* ---- looking ------------------------------------------------------------ */

/* Would mknodat find the name taken? */
static fo_err
check_unspent(const struct replay *rp)
{
	char minute[DECIMAL_SIZE], name[NAME_SIZE];
	struct stat st;

	minute_name(rp->spend->iat, minute);
	(void)snprintf(name, sizeof(name), "%s/%s", minute, rp->spend->hash);
	if (fstatat(rp->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		fo_diag_set(rp->spend->diag, "this proof was used before");
		return FO_ERR_REPLAY;
	}
	return errno == ENOENT ? FO_OK : refuse_errno(rp, errno);
}

fo_err
fo_replay_peek(const struct fo_spend *spend)
{
	struct replay rp;
	fo_err r;

	if ((r = check_spend(spend)) != FO_OK)
		return r;
	if ((r = open_folder(&rp, spend, geteuid(), false)) == FO_OK &&
	    (r = check_known(&rp, false)) == FO_OK)
		r = check_unspent(&rp);
	close_folder(&rp);
	return r;
}

/* What would be refused whatever the proof? The clock tells of since when. */
static fo_err
check_folder(const struct replay *rp, int64_t *ret_since)
{
	const struct fo_clock *clock = rp->spend->clock;
	char text[FO_TIME_SIZE];
	int64_t boot_ms, floor;
	struct fo_now now;
	fo_err r;

	if (clock->now(clock->arg, &now) != FO_OK)
		return refuse_text(rp, "the clock cannot be read");
	r = read_birth(rp, &now, &boot_ms);
	if (r == FO_ERR_NOT_FOUND || r == FO_ERR_FORMAT)
		return refuse_newborn(rp, 0);
	if (r != FO_OK)
		return refuse_text(rp, "its birth cannot be read; check the "
		    "folder");
	if (!read_floor(rp, &floor))
		return refuse_text(rp, "its floor cannot be read; remove the "
		    "folder, it is made anew");
	if (floor > now.s && fo_time_format(floor, text) == FO_OK) {
		fo_diag_set(rp->spend->diag, "replay folder %s takes no proof "
		    "made before %s, since the clock was ahead when it was "
		    "swept; wait, or move it away if nobody can have kept a "
		    "proof of that time", rp->path, text);
		return FO_ERR_REPLAY_STORE;
	}

	*ret_since = now.s - (now.boot_ms - boot_ms) / 1000;
	return FO_OK;
}

fo_err
fo_replay_check(const char *folder, uint32_t euid,
    const struct fo_clock *clock, struct fo_diag *diag, int64_t *ret_since)
{
	const struct fo_spend sp = { .folder = folder, .clock = clock,
	    .diag = diag };
	struct replay rp;
	fo_err r;

	if ((r = open_folder(&rp, &sp, euid, false)) == FO_OK)
		r = check_folder(&rp, ret_since);
	close_folder(&rp);
	return r;
}

/* ---- making ------------------------------------------------------------- */

/* Make FOLDER/<user>, if it is missing, and give it to the user. */
static fo_err
make_folder(const struct fo_spend *sp, uid_t user, gid_t group)
{
	char name[DECIMAL_SIZE];
	int parent;
	fo_err r;

	(void)snprintf(name, sizeof(name), "%lu", (unsigned long)user);
	r = fo_folder_open(sp->folder, geteuid(), sp->diag, &parent);
	if (r == FO_OK) {
		/* one that is there is judged when it is opened */
		r = fo_folder_make(parent, sp->folder, name, FOLDER_MODE,
		    user, group, sp->diag);
		close(parent);
	}
	return r == FO_OK || r == FO_ERR_NOMEM ? r : FO_ERR_REPLAY_STORE;
}

fo_err
fo_replay_make(const char *folder, uid_t user, gid_t group,
    const struct fo_clock *clock, struct fo_diag *diag)
{
	const struct fo_spend sp = { .folder = folder, .clock = clock,
	    .diag = diag };
	struct replay rp;
	struct fo_now now;
	int64_t boot_ms;
	fo_err r;
	int e;

	if ((r = make_folder(&sp, user, group)) != FO_OK)
		return r;
	if ((r = open_folder(&rp, &sp, user, false)) != FO_OK)
		goto out;
	if (clock->now(clock->arg, &now) != FO_OK) {
		r = refuse_text(&rp, "the clock cannot be read");
		goto out;
	}
	r = read_birth(&rp, &now, &boot_ms);
	if (r == FO_ERR_NOT_FOUND || r == FO_ERR_FORMAT)
		r = (e = renew_birth(&rp, &now, r)) == 0 ? FO_OK :
		    refuse_errno(&rp, e);
	else if (r != FO_OK)
		r = refuse_text(&rp, "its birth cannot be read; check the "
		    "folder");
out:
	close_folder(&rp);
	return r;
}
