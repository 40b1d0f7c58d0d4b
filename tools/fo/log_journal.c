/*
 * The journal, by libsystemd: the one log that says who wrote a line.
 */
#include "log.h"

#include "base/diag.h"

#ifdef FIRSTOPS_JOURNAL

#include <dirent.h>
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

struct source {
	sd_journal *journal;
	const struct log_span *span;
	const struct log_sink *sink;
	uint64_t number;
};

/* A field's value, which lives until the next call; NULL: not there. */
static const char *
get(sd_journal *journal, const char *name, size_t *ret_len)
{
	const size_t skip = strlen(name) + 1;
	const void *data;
	size_t len;

	if (sd_journal_get_data(journal, name, &data, &len) < 0 || len < skip)
		return NULL;
	*ret_len = len - skip;

	return (const char *)data + skip;
}

/* A short field, copied, since the next look at another may end its life. */
static bool
copy(sd_journal *journal, const char *name, char *ret, size_t size)
{
	size_t len;
	const char *at = get(journal, name, &len);

	if (at == NULL || len >= size || memchr(at, '\0', len) != NULL)
		return false;
	memcpy(ret, at, len);
	ret[len] = '\0';

	return true;
}

/* Who sent it: _UID is the kernel's word, which no sender can write. */
static int64_t
uid_of(sd_journal *journal)
{
	char text[16], *end;
	unsigned long uid;

	if (!copy(journal, "_UID", text, sizeof(text)) || text[0] < '0' ||
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
		.uid = uid_of(source->journal) };
	char tag[32] = "";

	(void)copy(source->journal, "SYSLOG_IDENTIFIER", tag, sizeof(tag));
	line.tag = tag;
	line.text = get(source->journal, "MESSAGE", &line.len);
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
	    sd_journal_get_realtime_usec(source->journal, &t) >= 0 &&
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
		n = sd_journal_next(source->journal);
		if (n > 0 && is_past(source))
			break;
		if (n > 0) {
			r = tell(source);
		} else if (n < 0) {
			sink->bad("journal", 0, strerror(-n), sink->arg);
			break;
		} else if (!follow || sink->over(sink->arg)) {
			break;
		} else if (sd_journal_wait(source->journal, WAIT_US) < 0) {
			r = FO_ERR_IO;
		}
	}

	return r;
}

static int
open_journal(const char *path, sd_journal **ret)
{
	const char *files[] = { path, NULL };
	struct stat st;

	if (path == NULL)
		return sd_journal_open(ret, SD_JOURNAL_LOCAL_ONLY);
	if (stat(path, &st) != 0)
		return -errno;

	return S_ISDIR(st.st_mode) ? sd_journal_open_directory(ret, path, 0) :
	    sd_journal_open_files(ret, files, 0);
}

/*
 * libsystemd passes over a file that it cannot read without a word; here each
 * of a folder is told. A folder below may be another machine's.
 */
static void
check_files(const char *folder, const struct log_sink *sink)
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
		if ((n = sd_journal_open_files(&journal, files, 0)) < 0)
			sink->bad(path, 0, strerror(-n), sink->arg);
		else
			sd_journal_close(journal);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* Is there anything to read? Where not, nothing happened is no answer. */
static bool
has_files(sd_journal *journal)
{
	return sd_journal_has_runtime_files(journal) > 0 ||
	    sd_journal_has_persistent_files(journal) > 0;
}

/* Only our lines, from the beginning of the span on. */
static int
select_entries(sd_journal *journal, const struct log_span *span, bool follow)
{
	char match[64];
	size_t i;
	int n = 0;

	for (i = 0; i < sizeof(tags) / sizeof(tags[0]) && n >= 0; i++) {
		snprintf(match, sizeof(match), "SYSLOG_IDENTIFIER=%s",
		    tags[i]);
		n = sd_journal_add_match(journal, match, 0);
	}
	if (n < 0)
		return n;
	if (span->since_us > 0)
		return sd_journal_seek_realtime_usec(journal,
		    (uint64_t)span->since_us);
	if (!follow)
		return sd_journal_seek_head(journal);
	/* the tail is behind the last entry: stand on that one */
	if ((n = sd_journal_seek_tail(journal)) >= 0)
		n = sd_journal_previous(journal);

	return n;
}

fo_err
log_journal_read(const char *path, bool follow, const struct log_span *span,
    const struct log_sink *sink, struct fo_diag *diag)
{
	struct source source = { .span = span, .sink = sink };
	fo_err r = FO_ERR_IO;
	int n;

	if ((n = open_journal(path, &source.journal)) < 0) {
		fo_diag_set(diag, "%s: %s", path != NULL ? path : "journal",
		    strerror(-n));
		return FO_ERR_IO;
	}
	if (path == NULL && !has_files(source.journal)) {
		fo_diag_set(diag, "journal: there is none that can be read;"
		    " use sudo, or join the group systemd-journal");
		sd_journal_close(source.journal);
		return FO_ERR_IO;
	}
	if (path != NULL)
		check_files(path, sink);
	(void)sd_journal_set_data_threshold(source.journal,
	    LOG_LINE_MAX + 64);
	if ((n = select_entries(source.journal, span, follow)) < 0)
		fo_diag_set(diag, "%s: %s", path != NULL ? path : "journal",
		    strerror(-n));
	else
		r = read_entries(&source, follow);
	sd_journal_close(source.journal);

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
