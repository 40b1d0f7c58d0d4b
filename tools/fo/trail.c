/*
 * A log file read without a gap.
 */
#include "trail.h"

#include <sys/stat.h>

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/diag.h"
#include "base/safeopen.h"

#define CHUNK 65536
#define POLL_MS 200

/* ---- lines --------------------------------------------------------------- */

/* A file that is being read, and its line that is being put together. */
struct part {
	const struct log_sink *sink;
	const char *from;
	int fd;			/* -1: there is none */
	dev_t dev;
	ino_t ino;
	char text[LOG_LINE_MAX];
	size_t len;
	bool too_long;
	uint64_t number;
};

static fo_err
end_line(struct part *part)
{
	const struct log_line line = { .text = part->text, .len = part->len,
		.cut = part->too_long, .from = part->from,
		.number = ++part->number, .uid = LOG_NO_UID };

	part->len = 0;
	part->too_long = false;

	return part->sink->line(&line, part->sink->arg);
}

static void
add_part(struct part *part, const char *bytes, size_t len)
{
	if (len > LOG_LINE_MAX - part->len) {
		part->too_long = true;
		len = LOG_LINE_MAX - part->len;
	}
	memcpy(part->text + part->len, bytes, len);
	part->len += len;
}

static fo_err
add_bytes(struct part *part, const char *bytes, size_t len)
{
	const char *end;
	fo_err r = FO_OK;

	while (r == FO_OK && (end = memchr(bytes, '\n', len)) != NULL) {
		add_part(part, bytes, (size_t)(end - bytes));
		r = end_line(part);
		len -= (size_t)(end - bytes) + 1;
		bytes = end + 1;
	}
	if (r == FO_OK)
		add_part(part, bytes, len);

	return r;
}

/* ---- one file ------------------------------------------------------------ */

static void
part_close(struct part *part)
{
	if (part->fd >= 0)
		close(part->fd);
	part->fd = -1;
	part->len = 0;
	part->too_long = false;
	part->number = 0;
}

/* Open and judge a file; FO_ERR_NOT_FOUND: it is not there. */
static fo_err
part_open(struct part *part, const char *path, struct fo_diag *diag)
{
	struct stat st;
	fo_err r;
	int fd;

	if ((r = fo_safe_open_file(path, geteuid(), diag, &fd)) != FO_OK)
		return r;
	if (fstat(fd, &st) != 0) {
		fo_diag_set(diag, "%s: %s", path, strerror(errno));
		close(fd);
		return FO_ERR_IO;
	}
	part_close(part);
	part->fd = fd;
	part->from = path;
	part->dev = st.st_dev;
	part->ino = st.st_ino;

	return FO_OK;
}

/* Read what was added since the last time. */
static fo_err
part_read(struct part *part, struct fo_diag *diag)
{
	char chunk[CHUNK];
	fo_err r = FO_OK;
	ssize_t n = 0;

	if (part->fd < 0)
		return FO_OK;
	while (r == FO_OK &&
	    (n = fo_read_once(part->fd, chunk, sizeof(chunk))) > 0)
		r = add_bytes(part, chunk, (size_t)n);
	if (r == FO_OK && n < 0) {
		fo_diag_set(diag, "%s: cannot be read: %s", part->from,
		    strerror(errno));
		r = FO_ERR_IO;
	}

	return r;
}

/*
 * Read a file that nobody writes to any more, plain or gzip; takes its
 * descriptor. A last line without its end counts: nothing will be added.
 */
static fo_err
part_read_whole(struct part *part)
{
	const struct log_sink *sink = part->sink;
	gzFile stream = gzdopen(part->fd, "r");
	char chunk[CHUNK];
	const char *reason;
	fo_err r = FO_OK;
	int n = 0, e;

	if (stream == NULL)
		return FO_ERR_NOMEM;
	part->fd = -1;
	while (r == FO_OK && (n = gzread(stream, chunk, CHUNK)) > 0)
		r = add_bytes(part, chunk, (size_t)n);
	if (r == FO_OK && (part->len > 0 || part->too_long))
		r = end_line(part);
	reason = gzerror(stream, &e);
	if (r == FO_OK && (n < 0 || e == Z_BUF_ERROR))
		sink->bad(part->from, 0, e == Z_ERRNO ? strerror(errno) :
		    e == Z_BUF_ERROR ? "gzip: it is cut short" : reason,
		    sink->arg);
	(void)gzclose_r(stream); /* what was wrong has been told */
	part_close(part);

	return r;
}

/* ---- what was rotated away ----------------------------------------------- */

struct old {
	const char *path;
	struct stat st;
};

struct olds {
	glob_t found;
	struct old *list;	/* by age, the oldest first */
	size_t count;
};

static int
by_age(const void *a, const void *b)
{
	const struct old *x = a, *y = b;
	const struct timespec *s = &x->st.st_mtim, *t = &y->st.st_mtim;

	if (s->tv_sec != t->tv_sec)
		return s->tv_sec < t->tv_sec ? -1 : 1;
	if (s->tv_nsec != t->tv_nsec)
		return s->tv_nsec < t->tv_nsec ? -1 : 1;

	return -strcmp(x->path, y->path); /* .2 before .1 */
}

static bool
is_packed(const char *path)
{
	const size_t len = strlen(path);

	return len > 3 && strcmp(path + len - 3, ".gz") == 0;
}

/* While FILE.1 is being packed there is a FILE.1.gz too, not whole yet. */
static bool
is_being_packed(const glob_t *found, const char *path)
{
	const size_t len = strlen(path);
	size_t i;

	if (!is_packed(path))
		return false;
	for (i = 0; i < found->gl_pathc; i++)
		if (strlen(found->gl_pathv[i]) == len - 3 &&
		    memcmp(found->gl_pathv[i], path, len - 3) == 0)
			return true;

	return false;
}

static void
olds_clear(struct olds *olds)
{
	free(olds->list);
	globfree(&olds->found);
}

/* Cleared with olds_clear in every case. */
static fo_err
olds_find(const char *path, struct fo_diag *diag, struct olds *ret)
{
	static const char *const endings[] = { ".[0-9]*", "-[0-9]*" };
	char pattern[PATH_MAX + 16];
	size_t i;

	*ret = (struct olds) { .count = 0 };
	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		(void)snprintf(pattern, sizeof(pattern), "%s%s", path,
		    endings[i]);
		if (glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL,
		    &ret->found) == GLOB_NOSPACE)
			return FO_ERR_NOMEM;
	}
	ret->list = calloc(ret->found.gl_pathc + 1, sizeof(*ret->list));
	if (ret->list == NULL) {
		fo_diag_set(diag, "%s: no memory to read it", path);
		return FO_ERR_NOMEM;
	}
	for (i = 0; i < ret->found.gl_pathc; i++) {
		struct old *old = &ret->list[ret->count];

		old->path = ret->found.gl_pathv[i];
		if (!is_being_packed(&ret->found, old->path) &&
		    lstat(old->path, &old->st) == 0)
			ret->count++;
	}
	qsort(ret->list, ret->count, sizeof(*ret->list), by_age);

	return FO_OK;
}

static bool
is_part(const struct old *old, const struct part *part)
{
	return part->fd >= 0 && old->st.st_ino == part->ino &&
	    old->st.st_dev == part->dev;
}

/*
 * Read all of them but the one that is open already: it was rotated away
 * after it was opened. The last one stays open, to be looked at again: whoever
 * writes to the log may not know yet that it was rotated.
 *
 * *ret_whole: none has gone meanwhile.
 */
static fo_err
read_olds(const char *path, int64_t since_us, const struct part *open,
    struct part *part, struct fo_diag *diag, bool *ret_whole)
{
	struct fo_diag reason = { "" };
	struct olds olds;
	fo_err r;
	size_t i;

	*ret_whole = true;
	r = olds_find(path, diag, &olds);
	for (i = 0; i < olds.count && r == FO_OK && *ret_whole; i++) {
		const struct old *old = &olds.list[i];
		const bool last = i == olds.count - 1;

		if (is_part(old, open) || (!last &&
		    (int64_t)old->st.st_mtime + 1 < since_us / 1000000))
			continue;
		r = part_open(part, old->path, &reason);
		if (r == FO_OK) {
			r = last && !is_packed(old->path) ?
			    part_read(part, diag) : part_read_whole(part);
			part->from = path; /* olds does not stay */
		} else if (r == FO_ERR_NOT_FOUND) {
			*ret_whole = false;
			r = FO_OK;
		} else if (r != FO_ERR_NOMEM) {
			part->sink->bad(old->path, 0, reason.text,
			    part->sink->arg);
			r = FO_OK;
		}
	}
	olds_clear(&olds);

	return r;
}

/* ---- following ----------------------------------------------------------- */

/* The file that has the name, and the one that had it before. */
struct trail {
	const char *path;
	const struct log_sink *sink;
	struct part now;
	struct part before;
};

/* Has another file the name now? */
static bool
is_replaced(const struct trail *trail)
{
	struct stat st;

	return stat(trail->path, &st) == 0 && (trail->now.fd < 0 ||
	    st.st_ino != trail->now.ino || st.st_dev != trail->now.dev);
}

/* Cut to nothing and written anew, as with copytruncate. */
static void
look_for_cut(struct part *part)
{
	struct stat st;

	if (part->fd < 0 || fstat(part->fd, &st) != 0 ||
	    st.st_size >= lseek(part->fd, 0, SEEK_CUR))
		return;
	part->sink->bad(part->from, 0, "it was cut, and what was added before"
	    " that may be lost; rotate it by renaming it", part->sink->arg);
	(void)lseek(part->fd, 0, SEEK_SET);
	part->len = 0;
	part->too_long = false;
}

/*
 * Is ours the last that was rotated away? Then the file that has the name now
 * goes on where it ends.
 */
static fo_err
is_next(const struct trail *trail, struct fo_diag *diag, bool *ret)
{
	struct olds olds;
	fo_err r;

	if (trail->now.fd < 0) {
		*ret = true;
		return FO_OK;
	}
	if ((r = olds_find(trail->path, diag, &olds)) == FO_OK)
		*ret = olds.count > 0 &&
		    is_part(&olds.list[olds.count - 1], &trail->now);
	olds_clear(&olds);

	return r;
}

/*
 * The old one is kept: who has it open may still write to it. If the new one
 * is gone again by now, another one will come.
 */
static fo_err
take_next(struct trail *trail, struct fo_diag *diag)
{
	struct fo_diag reason = { "" };
	fo_err r;

	if (trail->now.fd >= 0) {
		part_close(&trail->before);
		memcpy(&trail->before, &trail->now, sizeof(trail->before));
		trail->now.fd = -1;
		part_close(&trail->now);
	}

	r = part_open(&trail->now, trail->path, &reason);
	if (r == FO_ERR_NOT_FOUND)
		return FO_OK;
	if (r != FO_OK)
		fo_diag_set(diag, "%s", reason.text);

	return r;
}

static fo_err
follow(struct trail *trail, struct fo_diag *diag)
{
	bool next = true;
	fo_err r;

	for (;;) {
		look_for_cut(&trail->now);
		if ((r = part_read(&trail->before, diag)) != FO_OK ||
		    (r = part_read(&trail->now, diag)) != FO_OK)
			return r;
		if (is_replaced(trail)) {
			if ((r = is_next(trail, diag, &next)) != FO_OK)
				return r;
			if (!next)
				return part_read(&trail->now, diag);
			if ((r = take_next(trail, diag)) != FO_OK)
				return r;
			continue;
		}
		if (trail->sink->over(trail->sink->arg))
			return FO_OK;
		(void)poll(NULL, 0, POLL_MS);
	}
}

fo_err
trail_read(const char *path, int64_t since_us, const struct log_sink *sink,
    struct fo_diag *diag)
{
	struct trail *trail = calloc(1, sizeof(*trail));
	bool whole = false;
	fo_err r;

	if (trail == NULL)
		return FO_ERR_NOMEM;
	trail->path = path;
	trail->sink = trail->now.sink = trail->before.sink = sink;
	trail->now.fd = trail->before.fd = -1;
	/* opened first: what is rotated away meanwhile is read all the same */
	if ((r = take_next(trail, diag)) == FO_OK)
		r = read_olds(path, since_us, &trail->now, &trail->before,
		    diag, &whole);
	if (r == FO_OK && whole)
		r = follow(trail, diag);
	part_close(&trail->now);
	part_close(&trail->before);
	free(trail);

	return r;
}

fo_err
path_absolute(const char *path, struct fo_diag *diag, char **ret_path)
{
	char *copy = strdup(path), *other = strdup(path), *folder = NULL;
	fo_err r = FO_ERR_NOMEM;

	if (copy == NULL || other == NULL)
		goto out;
	if ((folder = realpath(dirname(copy), NULL)) == NULL) {
		fo_diag_set(diag, "%s: its folder: %s", path,
		    strerror(errno));
		r = errno == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_IO;
		goto out;
	}
	r = asprintf(ret_path, "%s/%s", strcmp(folder, "/") == 0 ? "" :
	    folder, basename(other)) < 0 ? FO_ERR_NOMEM : FO_OK;
out:
	free(copy);
	free(other);
	free(folder);
	return r;
}
