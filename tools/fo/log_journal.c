/*
 * The journal, by libsystemd: the one log that says who wrote a line.
 *
 * The library is loaded when a journal is read: with all that it needs it
 * takes longer to load than an agent's fo proof sign to sign.
 */
#include "log.h"

#include "base/diag.h"

#ifdef FIRSTOPS_JOURNAL

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <systemd/sd-journal.h>

#define WAIT_US 200000
/* An event is this much older than its entry at most: a slow log. */
#define LATE_US INT64_C(10000000)

/* The tags of ours: an index of the journal leads to these lines alone. */
static const char *const tags[] = { "pam_firstops", "sudo_firstops", "fo" };

#define LIBRARY "libsystemd.so.0"

/* sd_journal_NAME of the library, once it is loaded. */
#define CALLS(X) X(add_match) X(close) X(get_data) \
	X(get_realtime_usec) X(has_persistent_files) X(has_runtime_files) \
	X(next) X(open) X(open_directory) X(open_files) X(previous) \
	X(seek_head) X(seek_realtime_usec) X(seek_tail) X(set_data_threshold) \
	X(wait)
/* NOLINTNEXTLINE(bugprone-macro-parentheses): it declares */
#define MEMBER(name) __typeof__(sd_journal_##name) *name;

struct library {
	void *handle;
	CALLS(MEMBER)
};

/* One function; its pointer is stored as what it is, a pointer to data. */
static bool
find(void *handle, const char *name, void *ret)
{
	void *const found = dlsym(handle, name);

	if (found != NULL)
		memcpy(ret, &found, sizeof(found));
	return found != NULL;
}

static void
unload(struct library *sd)
{
	if (sd->handle != NULL)
		(void)dlclose(sd->handle);
	sd->handle = NULL;
}

static fo_err
load(struct fo_diag *diag, struct library *sd)
{
#define FIND(name) && find(sd->handle, "sd_journal_" #name, &sd->name)
	sd->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (sd->handle != NULL CALLS(FIND))
		return FO_OK;
	fo_diag_set(diag, "journal: %s; install " LIBRARY ", or name a log "
	    "file", dlerror());
	unload(sd);
	return FO_ERR_IO;
}

struct source {
	const struct library *sd;
	sd_journal *journal;
	const struct log_span *span;
	const struct log_sink *sink;
	uint64_t number;
};

/* A field's value, which lives until the next call; NULL: not there. */
static const char *
get(const struct source *source, const char *name, size_t *ret_len)
{
	const size_t skip = strlen(name) + 1;
	const void *data;
	size_t len;

	if (source->sd->get_data(source->journal, name, &data, &len) < 0 ||
	    len < skip)
		return NULL;
	*ret_len = len - skip;

	return (const char *)data + skip;
}

/* A short field, copied, since the next look at another may end its life. */
static bool
copy(const struct source *source, const char *name, char *ret, size_t size)
{
	size_t len;
	const char *at = get(source, name, &len);

	if (at == NULL || len >= size || memchr(at, '\0', len) != NULL)
		return false;
	memcpy(ret, at, len);
	ret[len] = '\0';

	return true;
}

/* Who sent it: _UID is the kernel's word, which no sender can write. */
static int64_t
uid_of(const struct source *source)
{
	char text[16], *end;
	unsigned long uid;

	if (!copy(source, "_UID", text, sizeof(text)) || text[0] < '0' ||
	    text[0] > '9')
		return LOG_NO_UID;
	uid = strtoul(text, &end, 10);

	return *end == '\0' ? (int64_t)uid : LOG_NO_UID;
}

static fo_err
tell(struct source *source)
{
	struct log_line line = { .from = "journal",
		.number = ++source->number,
		.uid = uid_of(source) };
	char tag[32] = "";

	(void)copy(source, "SYSLOG_IDENTIFIER", tag, sizeof(tag));
	line.tag = tag;
	line.text = get(source, "MESSAGE", &line.len);
	if (line.text == NULL || line.len > LOG_LINE_MAX) {
		source->sink->bad(line.from, line.number, line.text == NULL ?
		    "it has no message" : "it is longer than any event",
		    source->sink->arg);
		return FO_OK;
	}

	return source->sink->line(&line, source->sink->arg);
}

/* Is an entry past the end of what is wanted? */
static bool
is_past(const struct source *source)
{
	uint64_t t;

	return source->span->until_us > 0 &&
	    source->sd->get_realtime_usec(source->journal, &t) >= 0 &&
	    t > (uint64_t)(source->span->until_us + LATE_US);
}

/* A file that is rotated or damaged while it is read ends no reading. */
static fo_err
read_entries(struct source *source, bool follow)
{
	const struct log_sink *sink = source->sink;
	fo_err r = FO_OK;
	int n;

	while (r == FO_OK) {
		n = source->sd->next(source->journal);
		if (n > 0 && is_past(source))
			break;
		if (n > 0) {
			r = tell(source);
		} else if (n < 0) {
			sink->bad("journal", 0, strerror(-n), sink->arg);
			break;
		} else if (!follow || sink->over(sink->arg)) {
			break;
		} else if (source->sd->wait(source->journal, WAIT_US) < 0) {
			r = FO_ERR_IO;
		}
	}

	return r;
}

static int
open_journal(const struct library *sd, const char *path, sd_journal **ret)
{
	const char *files[] = { path, NULL };
	struct stat st;

	if (path == NULL)
		return sd->open(ret, SD_JOURNAL_LOCAL_ONLY);
	if (stat(path, &st) != 0)
		return -errno;

	return S_ISDIR(st.st_mode) ? sd->open_directory(ret, path, 0) :
	    sd->open_files(ret, files, 0);
}

/*
 * libsystemd passes over a file that it cannot read without a word; here each
 * of a folder is told. A folder below may be another machine's.
 */
static void
check_files(const struct library *sd, const char *folder,
    const struct log_sink *sink)
{
	const struct dirent *entry;
	char path[PATH_MAX];
	const char *files[] = { path, NULL };
	sd_journal *journal;
	DIR *dir = opendir(folder);
	int n;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strstr(entry->d_name, ".journal") == NULL)
			continue;
		n = snprintf(path, sizeof(path), "%s/%s", folder,
		    entry->d_name);
		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		if ((n = sd->open_files(&journal, files, 0)) < 0)
			sink->bad(path, 0, strerror(-n), sink->arg);
		else
			sd->close(journal);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* Is there anything to read? Where not, nothing happened is no answer. */
static bool
has_files(const struct library *sd, sd_journal *journal)
{
	return sd->has_runtime_files(journal) > 0 ||
	    sd->has_persistent_files(journal) > 0;
}

/* Only our lines, from the beginning of the span on. */
static int
select_entries(const struct library *sd, sd_journal *journal,
    const struct log_span *span, bool follow)
{
	char match[64];
	size_t i;
	int n = 0;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]) && n >= 0; i++) {
		snprintf(match, sizeof(match), "SYSLOG_IDENTIFIER=%s",
		    tags[i]);
		n = sd->add_match(journal, match, 0);
	}
	if (n < 0)
		return n;
	if (span->since_us > 0)
		return sd->seek_realtime_usec(journal,
		    (uint64_t)span->since_us);
	if (!follow)
		return sd->seek_head(journal);
	/* the tail is behind the last entry: stand on that one */
	if ((n = sd->seek_tail(journal)) >= 0)
		n = sd->previous(journal);

	return n;
}

/* A journal that is open, from beginning to end. */
static fo_err
read_journal(struct source *source, const char *path, bool follow,
    struct fo_diag *diag)
{
	const struct library *sd = source->sd;
	int n;

	if (path == NULL && !has_files(sd, source->journal)) {
		fo_diag_set(diag, "journal: there is none that can be read;"
		    " use sudo, or join the group systemd-journal");
		return FO_ERR_IO;
	}
	if (path != NULL)
		check_files(sd, path, source->sink);
	(void)sd->set_data_threshold(source->journal, LOG_LINE_MAX + 64);
	if ((n = select_entries(sd, source->journal, source->span,
	    follow)) < 0) {
		fo_diag_set(diag, "%s: %s", path != NULL ? path : "journal",
		    strerror(-n));
		return FO_ERR_IO;
	}
	return read_entries(source, follow);
}

fo_err
log_journal_read(const char *path, bool follow, const struct log_span *span,
    const struct log_sink *sink, struct fo_diag *diag)
{
	struct library sd = { .handle = NULL };
	struct source source = { .sd = &sd, .span = span, .sink = sink };
	fo_err r;
	int n;

	if ((r = load(diag, &sd)) != FO_OK)
		return r;
	if ((n = open_journal(&sd, path, &source.journal)) < 0) {
		fo_diag_set(diag, "%s: %s", path != NULL ? path : "journal",
		    strerror(-n));
		r = FO_ERR_IO;
	} else {
		r = read_journal(&source, path, follow, diag);
		sd.close(source.journal);
	}
	unload(&sd);
	return r;
}

#else

fo_err
log_journal_read(const char *path, bool follow, const struct log_span *span,
    const struct log_sink *sink, struct fo_diag *diag)
{
	(void)follow;
	(void)span;
	(void)sink;
	fo_diag_set(diag, "%s: fo was built without libsystemd; name a log"
	    " file", path != NULL ? path : "journal");

	return FO_ERR_ARG;
}

#endif
