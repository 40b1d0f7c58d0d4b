/*
 * The file that fo audit seal writes.
 */
#include "seal_file.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/safeopen.h"
#include "base/write.h"

#include "file.h"
#include "sealed.h"
#include "trail.h"

#define FILE_MODE (S_IRUSR | S_IWUSR)
/* O_APPEND: whatever else is wrong, nothing that is there is overwritten. */
#define FILE_FLAGS (O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | \
	O_CLOEXEC)

/* ---- opening ------------------------------------------------------------- */

/* Nobody but root and ourselves may have been able to change it. */
static fo_err
judge(int fd, const char *path, struct fo_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fo_diag_set(diag, "%s: %s", path, strerror(errno));
		return FO_ERR_IO;
	}
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		fo_diag_set(diag, "%s must be a regular file with one link,"
		    " owned by root, not writable by group or others", path);
		return FO_ERR_FORMAT;
	}

	return FO_OK;
}

/* One process alone: a second one is refused, not kept waiting. */
static fo_err
take_lock(int fd, const char *path, struct fo_diag *diag)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return FO_OK;
	if (errno == EWOULDBLOCK) {
		fo_diag_set(diag, "%s: another process is sealing it", path);
		return FO_ERR_EXISTS;
	}
	fo_diag_set(diag, "%s: it cannot be locked: %s", path,
	    strerror(errno));

	return FO_ERR_IO;
}

/* In a folder that nobody else can write to; made if it is not there. */
static int
open_or_make(int dirfd, const char *name)
{
	int fd;

	fd = fo_open_above_2(dirfd, name, FILE_FLAGS, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = fo_open_above_2(dirfd, name, FILE_FLAGS | O_CREAT | O_EXCL,
	    FILE_MODE);
	if (fd >= 0 && fchmod(fd, FILE_MODE) != 0) {
		close(fd);
		return -1;
	}

	return fd;
}

static fo_err
open_file(struct seal_file *file, struct fo_diag *diag)
{
	char *slash = strrchr(file->path, '/');
	fo_err r;
	int dirfd;

	*slash = '\0';
	r = fo_safe_open_folder(file->path[0] != '\0' ? file->path : "/",
	    geteuid(), diag, &dirfd);
	*slash = '/';
	if (r != FO_OK)
		return r;
	file->fd = open_or_make(dirfd, slash + 1);
	if (file->fd < 0)
		fo_diag_set(diag, "%s: %s; %s", file->path, strerror(errno),
		    fo_diag_remedy(errno));
	close(dirfd);
	if (file->fd < 0)
		return FO_ERR_IO;
	if ((r = judge(file->fd, file->path, diag)) != FO_OK)
		return r;

	return take_lock(file->fd, file->path, diag);
}

/* ---- reading what is there ----------------------------------------------- */

/* A trail being read, from this file or the one before it. */
struct past {
	struct sealed sealed;
	struct seal_file *file;
	struct heads heads;	/* FILE.head, if there is one */
	const struct head *other; /* that the trail does not have */
	char *point;		/* the last checkpoint */
	size_t point_len;
};

static fo_err
keep_point(struct past *past, const char *text, size_t len)
{
	char *copy = text_copy(text, len);

	if (copy == NULL)
		return FO_ERR_NOMEM;
	free(past->point);
	past->point = copy;
	past->point_len = len;

	return FO_OK;
}

static fo_err
take_line(const struct fo_seal_line *line, const char *text, size_t len,
    void *arg)
{
	struct past *past = arg;
	struct seal_file *file = past->file;

	switch (line->kind) {
	case 'S':
		file->start_s = line->time_s;
		return FO_OK;
	case 'R':
		file->last_us = line->event.t_us;
		return fo_seal_tail_add(&file->tail, line->event.text,
		    line->event.len);
	default:
		if (past->other == NULL)
			(void)heads_agree(&past->heads, line, text, len,
			    &past->other);
		return keep_point(past, text, len);
	}
}

/*
 * Refuse a trail that is not whole: it would be signed as if it were. Of the
 * checkpoints the last is looked at, which has signed all before it.
 */
static fo_err
check_whole(struct past *past, const char *path, struct fo_diag *diag)
{
	const struct sealed *sealed = &past->sealed;
	const fo_seal_wrong wrong = sealed->walk.fault.wrong;
	char fault[SEALED_FAULT_SIZE];
	struct fo_seal_line line;
	fo_err r;

	if (wrong == FO_SEAL_EMPTY || wrong == FO_SEAL_NO_POINT)
		return FO_OK;
	if (wrong != FO_SEAL_WHOLE) {
		sealed_fault(sealed, fault);
		fo_diag_set(diag, "%s: %s; put it away, and begin a new one",
		    path, fault);
		return FO_ERR_FORMAT;
	}
	r = fo_seal_line_read(past->point, past->point_len, diag, &line);
	if (r == FO_OK)
		r = fo_seal_point_check(&line, sealed->walk.seal.host,
		    sealed->walk.seal.jkt, NULL, diag);
	if (r == FO_OK || r == FO_ERR_NOMEM || r == FO_ERR_CRYPTO)
		return r;
	fo_diag_prefix(diag, "%s: its last checkpoint is not signed by its"
	    " key; put it away, and begin a new one", path);

	return FO_ERR_FORMAT;
}

/* Is it as far as it once was, and the same? FILE.head says so. */
static fo_err
check_head(const struct past *past, const char *path, struct fo_diag *diag)
{
	const struct fo_seal *seal = &past->sealed.walk.seal;

	if (past->other != NULL) {
		fo_diag_set(diag, "%s: its checkpoint %llu is not the one in"
		    " %s: it was made anew, or another one was put in its"
		    " place", path, (unsigned long long)past->other->point,
		    past->other->from);
		return FO_ERR_FORMAT;
	}
	if (heads_beyond(&past->heads, seal->point) == NULL)
		return FO_OK;
	fo_diag_set(diag, "%s ends at checkpoint %llu, but %s has a later"
	    " one: its end was cut off, or an old one was put in its place."
	    " Put the right one there; for a new trail take away %s too",
	    path, (unsigned long long)seal->point, past->file->head,
	    past->file->head);

	return FO_ERR_FORMAT;
}

static fo_err
check_host(const struct past *past, const char *path, const char *host,
    struct fo_diag *diag)
{
	const struct fo_seal_walk *walk = &past->sealed.walk;

	if (!walk->anything || strcmp(walk->seal.host, host) == 0)
		return FO_OK;
	fo_diag_set(diag, "%s is the trail of the host %s, and this is %s;"
	    " begin a new one", path, walk->seal.host, host);

	return FO_ERR_FORMAT;
}

/* Read a trail from its beginning, and see whether it can be gone on with. */
static fo_err
read_past(struct past *past, int fd, const char *path,
    const struct seal_wanted *wanted, struct fo_diag *diag)
{
	fo_err r;

	fo_seal_walk_init(&past->sealed.walk, wanted->jkt, NULL);
	past->sealed.walk.chain_only = true;
	past->sealed.on_line = take_line;
	past->sealed.arg = past;
	if ((r = sealed_read(fd, path, &past->sealed, diag)) != FO_OK ||
	    (r = check_whole(past, path, diag)) != FO_OK ||
	    (r = check_host(past, path, wanted->host, diag)) != FO_OK)
		return r;

	past->file->seal = past->sealed.walk.seal;
	return FO_OK;
}

/*
 * The file that a new one goes on with, if there is one. Where there is none
 * and yet FILE.head has a checkpoint, a trail was taken away.
 */
static fo_err
read_after(struct past *past, const struct seal_wanted *wanted,
    struct fo_diag *diag)
{
	struct past before = { .file = past->file, .heads = past->heads };
	char *path = NULL;
	int fd = -1;
	fo_err r;

	if (wanted->after == NULL)
		return check_head(past, past->file->path, diag);
	r = path_absolute(wanted->after, diag, &path);
	if (r == FO_OK)
		r = fo_safe_open_file(path, geteuid(), diag, &fd);
	if (r == FO_OK)
		r = read_past(&before, fd, path, wanted, diag);
	if (r == FO_OK)
		r = check_head(&before, path, diag);
	else if (r == FO_ERR_NOT_FOUND)
		r = check_head(past, past->file->path, diag);
	if (fd >= 0)
		close(fd);
	free(before.point);
	free(path);

	return r;
}

/* ---- writing ------------------------------------------------------------- */

/*
 * One write a line. What could be written only in part, as on a full disk, is
 * taken back: the file stays one of whole lines.
 */
static fo_err
append(struct seal_file *file, const struct fo_buf *line,
    struct fo_diag *diag)
{
	const ssize_t n = fo_write_quietly(file->fd, line->data, line->len);
	const int e = errno;

	if (n == (ssize_t)line->len) {
		file->end += n;
		return FO_OK;
	}
	fo_diag_set(diag, "%s: %s; make room there", file->path, n < 0 ?
	    strerror(e) : "only a part of a line could be written");
	if (n > 0 && ftruncate(file->fd, file->end) != 0)
		fo_diag_set(diag, "%s: only a part of a line could be"
		    " written, and it stays there: %s", file->path,
		    strerror(errno));

	return FO_ERR_IO;
}

/*
 * Whoever took the file away took what is added to it from now on, too; and
 * who cut it, or wrote to it, has broken the chain.
 */
static fo_err
check_same(const struct seal_file *file, struct fo_diag *diag)
{
	struct stat mine, named;

	if (fstat(file->fd, &mine) == 0 && lstat(file->path, &named) == 0 &&
	    mine.st_ino == named.st_ino && mine.st_dev == named.st_dev &&
	    mine.st_size == file->end)
		return FO_OK;
	fo_diag_set(diag, "%s: it was taken away, changed, or another file"
	    " was put in its place, while it was being sealed", file->path);

	return FO_ERR_IO;
}

static fo_err
sync_file(const struct seal_file *file, struct fo_diag *diag)
{
	if (fdatasync(file->fd) == 0)
		return FO_OK;
	fo_diag_set(diag, "%s: it may not be on disk: %s; %s", file->path,
	    strerror(errno), fo_diag_remedy(errno));

	return FO_ERR_IO;
}

fo_err
seal_file_add(struct seal_file *file, const struct fo_event_read *event,
    struct fo_diag *diag)
{
	struct fo_seal next;
	struct fo_buf line;
	fo_err r;

	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	r = fo_seal_record(&file->seal, event->text, event->len, &line,
	    &next);
	if (r != FO_OK)
		fo_diag_set(diag, "%s: %s", file->path, fo_err_text(r));
	if (r == FO_OK)
		r = append(file, &line, diag);
	fo_buf_clear(&line);
	if (r != FO_OK)
		return r;
	file->seal = next;
	file->last_us = event->t_us;

	return fo_seal_tail_add(&file->tail, event->text, event->len);
}

fo_err
seal_file_point(struct seal_file *file, char kind, const struct fo_key *key,
    int64_t now_s, struct fo_diag *diag)
{
	struct fo_seal next;
	struct fo_buf line;
	fo_err r;

	diag->text[0] = '\0';
	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	r = fo_seal_point(&file->seal, kind, key, now_s, diag, &line, &next);
	if (r != FO_OK && diag->text[0] == '\0')
		fo_diag_set(diag, "%s: %s", file->path, fo_err_text(r));
	if (r == FO_OK && (r = append(file, &line, diag)) == FO_OK)
		file->seal = next;
	if (r == FO_OK && (r = sync_file(file, diag)) == FO_OK &&
	    (r = check_same(file, diag)) == FO_OK)
		r = file_replace(file->head, file->temporary, line.data,
		    S_IRUSR | S_IWUSR, diag);
	fo_buf_clear(&line);

	return r;
}

/* ---- beginning and going on ---------------------------------------------- */

static fo_err
begin(struct seal_file *file, const struct seal_wanted *wanted,
    struct fo_diag *diag)
{
	struct fo_buf line;
	struct fo_seal next;
	fo_err r;

	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	r = fo_seal_start(&file->seal, wanted->host, wanted->jkt,
	    wanted->now_s, &line, &next);
	if (r != FO_OK)
		fo_diag_set(diag, "%s: %s", file->path, fo_err_text(r));
	if (r == FO_OK && (r = append(file, &line, diag)) == FO_OK)
		r = sync_file(file, diag);
	fo_buf_clear(&line);
	if (r == FO_OK && file_sync_folder_of(file->path) != 0) {
		fo_diag_set(diag, "%s: its folder: %s", file->path,
		    strerror(errno));
		r = FO_ERR_IO;
	}
	if (r != FO_OK)
		return r;

	file->seal = next;
	file->start_s = wanted->now_s;
	file->is_new = true;
	return FO_OK;
}

/*
 * A torn line is the last, so no checkpoint has signed it. It goes only after
 * everything else was found to be well.
 */
static fo_err
cut_torn(struct seal_file *file, const struct sealed *sealed,
    struct fo_diag *diag)
{
	file->end = sealed->whole;
	file->torn = sealed->torn;
	if (file->torn == 0)
		return FO_OK;
	if (ftruncate(file->fd, file->end) != 0) {
		fo_diag_set(diag, "%s: its last line is torn, and cannot be"
		    " cut off: %s", file->path, strerror(errno));
		return FO_ERR_IO;
	}

	return sync_file(file, diag);
}

static fo_err
open_past(struct seal_file *file, const struct seal_wanted *wanted,
    struct fo_diag *diag)
{
	struct past past = { .file = file };
	fo_err r = FO_OK;

	if (access(file->head, F_OK) == 0)
		r = heads_read(file->head, diag, &past.heads);
	if (r != FO_OK ||
	    (r = read_past(&past, file->fd, file->path, wanted, diag)) !=
	    FO_OK)
		goto out;
	if (past.sealed.walk.anything)
		r = check_head(&past, file->path, diag);
	else
		r = read_after(&past, wanted, diag);
	if (r != FO_OK || (r = cut_torn(file, &past.sealed, diag)) != FO_OK)
		goto out;
	if (!past.sealed.walk.anything)
		r = begin(file, wanted, diag);
out:
	heads_clear(&past.heads);
	free(past.point);
	return r;
}

fo_err
seal_file_open(const struct seal_wanted *wanted, struct fo_diag *diag,
    struct seal_file **ret_file)
{
	struct seal_file *file = calloc(1, sizeof(*file));
	fo_err r = FO_ERR_NOMEM;

	if (file == NULL)
		return r;
	file->fd = -1;
	file->last_us = -1;
	if ((r = path_absolute(wanted->path, diag, &file->path)) != FO_OK)
		goto out;
	r = FO_ERR_NOMEM;
	if (asprintf(&file->head, "%s" SEALED_HEAD, file->path) < 0) {
		file->head = NULL;
		goto out;
	}
	if (asprintf(&file->temporary, "%s.new", file->head) < 0) {
		file->temporary = NULL;
		goto out;
	}
	if ((r = open_file(file, diag)) != FO_OK ||
	    (r = open_past(file, wanted, diag)) != FO_OK)
		goto out;

	*ret_file = file;
	file = NULL;
	r = FO_OK;
out:
	seal_file_close(&file);
	return r;
}

void
seal_file_close(struct seal_file **file)
{
	if (*file == NULL)
		return;
	if ((*file)->fd >= 0)
		close((*file)->fd);
	free((*file)->path);
	free((*file)->head);
	free((*file)->temporary);
	free(*file);
	*file = NULL;
}
