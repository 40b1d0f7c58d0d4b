/*
 * Log files: plain or gzip, with those that were rotated away.
 */
#include "log.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/diag.h"

#define CHUNK 262144
/*
 * Of what precedes a damaged byte zlib loses as much as its buffer, twice,
 * holds, or as it is asked for at once if that is more.
 */
#define GZIP_BUFFER 1024
#define GZIP_CHUNK (2 * GZIP_BUFFER - 1)
#define POLL_MS 200
#define PATH_SIZE 4096

/* ---- lines --------------------------------------------------------------- */

/* The line that is being put together. */
struct lines {
	const struct log_sink *sink;
	const char *from;
	char text[LOG_LINE_MAX];
	size_t len;
	bool too_long;
	uint64_t number;
};

static fo_err
end_line(struct lines *lines)
{
	const struct log_line line = { .text = lines->text,
		.len = lines->len, .from = lines->from,
		.number = ++lines->number, .uid = LOG_NO_UID,
		.cut = lines->too_long };

	lines->len = 0;
	lines->too_long = false;

	return lines->sink->line(&line, lines->sink->arg);
}

static void
add_part(struct lines *lines, const char *part, size_t len)
{
	if (len > LOG_LINE_MAX - lines->len) {
		lines->too_long = true;
		len = LOG_LINE_MAX - lines->len;
	}
	memcpy(lines->text + lines->len, part, len);
	lines->len += len;
}

/* Bytes of a file, in order; each line that ends in them is told. */
static fo_err
add_bytes(struct lines *lines, const char *bytes, size_t len)
{
	const char *end;
	fo_err r = FO_OK;

	while (r == FO_OK && (end = memchr(bytes, '\n', len)) != NULL) {
		add_part(lines, bytes, (size_t)(end - bytes));
		r = end_line(lines);
		len -= (size_t)(end - bytes) + 1;
		bytes = end + 1;
	}
	if (r == FO_OK)
		add_part(lines, bytes, len);

	return r;
}

/* A last line without its end was cut, or is being written just now. */
static fo_err
finish(struct lines *lines)
{
	return lines->len > 0 || lines->too_long ? end_line(lines) : FO_OK;
}

/* ---- one file ------------------------------------------------------------ */

/* What zlib says is wrong, without the name that it makes up. */
static const char *
reason_of(const char *said)
{
	const char *at = strstr(said, ">: ");

	return at != NULL ? at + strlen(">: ") : said;
}

/* zlib reads what is not gzip as it is. */
static fo_err
read_stream(gzFile stream, struct lines *lines)
{
	char *chunk = malloc(CHUNK);
	const char *reason;
	fo_err r = FO_OK;
	int n = 0, e;

	if (chunk == NULL)
		return FO_ERR_NOMEM;
	while (r == FO_OK && (n = gzread(stream, chunk, gzdirect(stream) ?
	    CHUNK : GZIP_CHUNK)) > 0)
		r = add_bytes(lines, chunk, (size_t)n);
	if (r == FO_OK)
		r = finish(lines);
	reason = gzerror(stream, &e);
	if (r == FO_OK && (n < 0 || e == Z_BUF_ERROR))
		lines->sink->bad(lines->from, 0, e == Z_ERRNO ?
		    strerror(errno) : e == Z_BUF_ERROR ?
		    "gzip: it is cut short" : reason_of(reason),
		    lines->sink->arg);
	free(chunk);

	return r;
}

static fo_err
read_fd(int fd, const char *path, const struct log_sink *sink,
    struct fo_diag *diag)
{
	struct lines *lines = calloc(1, sizeof(*lines));
	gzFile stream = gzdopen(fd, "r");
	fo_err r = FO_ERR_NOMEM;

	if (stream == NULL)
		close(fd);
	else
		(void)gzbuffer(stream, GZIP_BUFFER);
	if (lines != NULL && stream != NULL) {
		lines->sink = sink;
		lines->from = path;
		r = read_stream(stream, lines);
	}
	if (stream != NULL)
		(void)gzclose_r(stream); /* what was wrong has been told */
	free(lines);
	if (r == FO_ERR_NOMEM)
		fo_diag_set(diag, "%s: no memory to read it", path);

	return r;
}

/* The reason is without the path. */
static fo_err
open_log(const char *path, struct fo_diag *diag, int *ret_fd)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	struct stat st;
	int e = errno;

	if (fd < 0) {
		fo_diag_set(diag, "%s%s", strerror(e), e == EACCES ?
		    "; use sudo, or join the group that may read it" : "");
		return e == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_IO;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		fo_diag_set(diag, "is not a file");
		close(fd);
		return FO_ERR_IO;
	}

	*ret_fd = fd;
	return FO_OK;
}

/* Is it the first time that this file is met? It is remembered then. */
static fo_err
meet(int fd, struct log_seen *seen, bool *ret_new)
{
	struct log_file_id *grown;
	struct stat st;
	size_t i;

	*ret_new = false;
	if (fstat(fd, &st) != 0)
		return FO_ERR_IO;
	for (i = 0; i < seen->count; i++)
		if (seen->list[i].device == st.st_dev &&
		    seen->list[i].inode == st.st_ino)
			return FO_OK;
	grown = reallocarray(seen->list, seen->count + 1, sizeof(*grown));
	if (grown == NULL)
		return FO_ERR_NOMEM;
	seen->list = grown;
	grown[seen->count++] = (struct log_file_id) { st.st_dev, st.st_ino };
	*ret_new = true;

	return FO_OK;
}

static fo_err
read_one(const char *path, const struct log_sink *sink,
    struct log_seen *seen, struct fo_diag *diag)
{
	bool is_new;
	fo_err r;
	int fd;

	if ((r = open_log(path, diag, &fd)) != FO_OK)
		return r;
	if ((r = meet(fd, seen, &is_new)) != FO_OK || !is_new) {
		close(fd);
		return r;
	}

	return read_fd(fd, path, sink, diag);
}

/* ---- with those that were rotated away ----------------------------------- */

struct old {
	const char *path;
	int64_t mtime;
};

static int
by_age(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	if (x->mtime != y->mtime)
		return x->mtime < y->mtime ? -1 : 1;

	return -strcmp(x->path, y->path); /* .2 before .1 */
}

/* Is FILE there of this FILE.gz? Then it is being packed just now. */
static bool
is_packed_twice(const char *path)
{
	const size_t len = strlen(path);
	char plain[PATH_SIZE];

	if (len < sizeof(".gz") || len >= sizeof(plain) ||
	    strcmp(path + len - 3, ".gz") != 0)
		return false;
	snprintf(plain, sizeof(plain), "%.*s", (int)(len - 3), path);

	return access(plain, F_OK) == 0;
}

/* Read what a pattern finds, the oldest first; too old is left out. */
static fo_err
read_old(const glob_t *found, const struct log_span *span,
    const struct log_sink *sink, struct log_seen *seen)
{
	struct old *list = calloc(found->gl_pathc + 1, sizeof(*list));
	struct fo_diag diag = { "" };
	struct stat st;
	fo_err r = FO_OK;
	size_t i, n = 0;

	if (list == NULL)
		return FO_ERR_NOMEM;
	for (i = 0; i < found->gl_pathc; i++) {
		if (stat(found->gl_pathv[i], &st) != 0 ||
		    is_packed_twice(found->gl_pathv[i]) ||
		    (int64_t)st.st_mtime + 1 < span->since_us / 1000000)
			continue;
		list[n].path = found->gl_pathv[i];
		list[n++].mtime = st.st_mtime;
	}
	qsort(list, n, sizeof(*list), by_age);
	for (i = 0; i < n && r == FO_OK; i++) {
		r = read_one(list[i].path, sink, seen, &diag);
		if (r == FO_ERR_IO || r == FO_ERR_NOT_FOUND) {
			sink->bad(list[i].path, 0, diag.text, sink->arg);
			r = FO_OK;
		}
	}
	free(list);

	return r;
}

static fo_err
read_rotated(const char *path, const struct log_span *span,
    const struct log_sink *sink, struct log_seen *seen)
{
	static const char *const endings[] = { ".[0-9]*", "-[0-9]*" };
	char pattern[PATH_SIZE];
	glob_t found = { 0 };
	fo_err r = FO_OK;
	size_t i;
	int n;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		n = snprintf(pattern, sizeof(pattern), "%s%s", path,
		    endings[i]);
		if (n < 0 || (size_t)n >= sizeof(pattern))
			continue;
		if (glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &found) ==
		    GLOB_NOSPACE)
			r = FO_ERR_NOMEM;
	}
	if (r == FO_OK)
		r = read_old(&found, span, sink, seen);
	globfree(&found);

	return r;
}

fo_err
log_file_read(const char *path, const struct log_span *span,
    const struct log_sink *sink, struct log_seen *seen, struct fo_diag *diag)
{
	bool is_new;
	fo_err r;
	int fd;

	/* opened first: what is rotated away meanwhile is read all the same */
	if ((r = open_log(path, diag, &fd)) != FO_OK) {
		fo_diag_prefix(diag, "%s", path);
		return r;
	}
	if ((r = meet(fd, seen, &is_new)) != FO_OK || !is_new ||
	    (r = read_rotated(path, span, sink, seen)) != FO_OK) {
		close(fd);
		return r;
	}

	return read_fd(fd, path, sink, diag);
}

/* ---- following ----------------------------------------------------------- */

static fo_err
read_added(int fd, struct lines *lines)
{
	char chunk[4096];
	fo_err r = FO_OK;
	ssize_t n;

	while (r == FO_OK && (n = read(fd, chunk, sizeof(chunk))) > 0)
		r = add_bytes(lines, chunk, (size_t)n);

	return r;
}

/* Has another file the name now, or was this one cut? */
static bool
is_replaced(int fd, const char *path)
{
	struct stat mine, named;

	if (fstat(fd, &mine) != 0 || stat(path, &named) != 0)
		return false; /* between two files */

	return named.st_ino != mine.st_ino || named.st_dev != mine.st_dev ||
	    mine.st_size < lseek(fd, 0, SEEK_CUR);
}

static fo_err
follow(int fd, const char *path, struct lines *lines, struct fo_diag *diag)
{
	fo_err r = FO_OK;
	int next;

	while (r == FO_OK && !lines->sink->over(lines->sink->arg)) {
		r = read_added(fd, lines);
		if (r == FO_OK && is_replaced(fd, path) &&
		    open_log(path, diag, &next) == FO_OK) {
			/* what came between the last look and the new name */
			if ((r = read_added(fd, lines)) == FO_OK)
				r = finish(lines);
			close(fd);
			fd = next;
			continue;
		}
		(void)poll(NULL, 0, POLL_MS);
	}
	close(fd);

	return r;
}

fo_err
log_file_follow(const char *path, const struct log_sink *sink,
    struct fo_diag *diag)
{
	struct lines *lines;
	fo_err r;
	int fd;

	if ((r = open_log(path, diag, &fd)) != FO_OK) {
		fo_diag_prefix(diag, "%s", path);
		return r;
	}
	if ((lines = calloc(1, sizeof(*lines))) == NULL) {
		close(fd);
		return FO_ERR_NOMEM;
	}
	lines->sink = sink;
	lines->from = path;
	(void)lseek(fd, 0, SEEK_END);
	r = follow(fd, path, lines, diag);
	free(lines);

	return r;
}

bool
log_is_journal(const char *path)
{
	const size_t len = strlen(path);
	struct stat st;

	if (len > sizeof(".journal") - 1 &&
	    strcmp(path + len - (sizeof(".journal") - 1), ".journal") == 0)
		return true;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
