/*
 * Files of a sealed trail, read.
 */
#include "sealed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"

#include "file.h"

/* A line, and a good deal of the next ones. */
#define BUFFER ((size_t)4 * FO_SEAL_LINE_MAX)
/* Checkpoints of some years, if each was kept. */
#define HEADS_MAX_BYTES ((size_t)1 << 30)
#define MSG_MAX 120

/* ---- checkpoints kept apart ---------------------------------------------- */

static int
by_point(const void *a, const void *b)
{
	const struct head *x = a, *y = b;

	return x->point < y->point ? -1 : x->point > y->point;
}

static fo_err
add_text(struct heads *heads, char *text)
{
	char **grown;

	grown = realloc(heads->texts, (heads->texts_count + 1) *
	    sizeof(*grown));
	if (grown == NULL)
		return FO_ERR_NOMEM;
	heads->texts = grown;
	heads->texts[heads->texts_count++] = text;

	return FO_OK;
}

static fo_err
add_head(struct heads *heads, const struct head *head)
{
	struct head *grown;

	/* doubled whenever it is full, which is at powers of two */
	if ((heads->count & (heads->count - 1)) == 0) {
		grown = realloc(heads->list, (heads->count > 0 ?
		    2 * heads->count : 1) * sizeof(*grown));
		if (grown == NULL)
			return FO_ERR_NOMEM;
		heads->list = grown;
	}
	heads->list[heads->count++] = *head;

	return FO_OK;
}

static fo_err
add_lines(struct heads *heads, const char *path, const char *text, size_t len,
    struct fo_diag *diag)
{
	const char *end = text + len;
	struct fo_seal_line line;
	struct head head = { .from = path };
	size_t number = 0;
	fo_err r;

	for (; text < end; text += head.len + 1) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		number++;
		head.text = text;
		head.len = (size_t)((stop != NULL ? stop : end) - text);
		r = fo_seal_line_read(text, head.len, diag, &line);
		if (r == FO_OK && line.kind != 'C' && line.kind != 'E') {
			fo_diag_set(diag, "it is no checkpoint");
			r = FO_ERR_FORMAT;
		}
		head.point = line.point;
		if (r == FO_OK)
			r = add_head(heads, &head);
		if (r != FO_OK) {
			fo_diag_prefix(diag, "%s:%zu", path, number);
			return r;
		}
	}
	if (number > 0)
		return FO_OK;
	fo_diag_set(diag, "%s: there is no checkpoint in it", path);

	return FO_ERR_FORMAT;
}

fo_err
heads_read(const char *path, struct fo_diag *diag, struct heads *heads)
{
	char *text = NULL;
	size_t len = 0;
	fo_err r;

	r = file_read(path, HEADS_MAX_BYTES, diag, &text, &len);
	if (r != FO_OK)
		return r;
	if ((r = add_text(heads, text)) != FO_OK) {
		free(text);
		return r;
	}
	r = add_lines(heads, path, text, len, diag);
	if (heads->count > 0)
		qsort(heads->list, heads->count, sizeof(*heads->list),
		    by_point);

	return r;
}

void
heads_clear(struct heads *heads)
{
	size_t i;

	for (i = 0; i < heads->texts_count; i++)
		free(heads->texts[i]);
	free(heads->texts);
	free(heads->list);
	*heads = (struct heads) { .count = 0 };
}

bool
heads_agree(struct heads *heads, const struct fo_seal_line *line,
    const char *text, size_t len, const struct head **ret_other)
{
	const struct head *head;

	for (; heads->next < heads->count; heads->next++) {
		head = &heads->list[heads->next];
		if (head->point > line->point)
			break;
		if (head->point == line->point && (head->len != len ||
		    memcmp(head->text, text, len) != 0)) {
			*ret_other = head;
			return false;
		}
	}

	return true;
}

const struct head *
heads_beyond(const struct heads *heads, uint64_t point)
{
	if (heads->count == 0 ||
	    heads->list[heads->count - 1].point <= point)
		return NULL;

	return &heads->list[heads->count - 1];
}

/* ---- lines --------------------------------------------------------------- */

/* What was read and is not taken yet. */
struct reader {
	struct sealed *sealed;
	char *bytes;
	size_t len;
	off_t over;		/* of a line longer than any: left out */
};

/* The time of a record, to the second. */
static void
copy_time(const struct fo_seal_line *line, char ret[FO_TIME_SIZE])
{
	const struct fo_value *t = &line->event.value[FO_KEY_T];

	ret[0] = '\0';
	if (line->kind == 'R' && line->event.t_us >= 0)
		(void)snprintf(ret, FO_TIME_SIZE, "%.19sZ", t->at);
}

static void
note_fault(const struct fo_seal_line *line, struct sealed_place *place)
{
	const struct fo_value *msg = &line->event.value[FO_KEY_MSG];
	const bool cut = msg->len > MSG_MAX;

	copy_time(line, place->time);
	if (line->kind == 'R' && msg->at != NULL)
		(void)snprintf(place->what, sizeof(place->what), "%s%s"
		    " (%.*s%s)", place->time[0] != '\0' ? " of " : "",
		    place->time, cut ? MSG_MAX : (int)msg->len, msg->at,
		    cut ? "..." : "");
}

static fo_err
take_line(struct sealed *sealed, const char *text, size_t len)
{
	const bool well = sealed->walk.fault.wrong <= FO_SEAL_WHOLE;
	struct fo_seal_line line;
	fo_err r;

	r = fo_seal_walk_line(&sealed->walk, text, len, &line);
	if (r == FO_ERR_FORMAT && well)
		note_fault(&line, &sealed->place);
	if (r == FO_ERR_FORMAT)
		return FO_OK;
	if (r == FO_OK && line.kind == 'R')
		copy_time(&line, sealed->place.before);

	return r != FO_OK ? r : sealed->on_line(&line, text, len,
	    sealed->arg);
}

/* Take the lines that have their end; keep what could be one. */
static fo_err
take_lines(struct reader *rd)
{
	struct sealed *sealed = rd->sealed;
	const char *at = rd->bytes, *end;
	size_t left = rd->len;
	fo_err r = FO_OK;

	while (r == FO_OK && fo_seal_walk_goes_on(&sealed->walk) &&
	    (end = memchr(at, '\n', left)) != NULL) {
		r = take_line(sealed, at, (size_t)(end - at));
		left -= (size_t)(end - at) + 1;
		at = end + 1;
	}
	sealed->whole += (off_t)(rd->len - left);
	memmove(rd->bytes, at, left);
	if (left > FO_SEAL_LINE_MAX + 1) {
		rd->over += (off_t)(left - FO_SEAL_LINE_MAX - 1);
		left = FO_SEAL_LINE_MAX + 1;
	}
	rd->len = left;

	return r;
}

fo_err
sealed_read(int fd, const char *path, struct sealed *sealed,
    struct fo_diag *diag)
{
	struct reader rd = { .sealed = sealed, .bytes = malloc(BUFFER) };
	fo_err r = FO_OK;
	ssize_t n = 1;

	if (rd.bytes == NULL)
		return FO_ERR_NOMEM;
	sealed->whole = 0;
	while (r == FO_OK && n > 0 && fo_seal_walk_goes_on(&sealed->walk)) {
		n = fo_read_once(fd, rd.bytes + rd.len, BUFFER - rd.len);
		if (n < 0) {
			fo_diag_set(diag, "%s: cannot be read: %s", path,
			    strerror(errno));
			r = FO_ERR_IO;
		} else {
			rd.len += (size_t)n;
			r = take_lines(&rd);
		}
	}
	sealed->torn = (off_t)rd.len + rd.over;
	free(rd.bytes);

	return r;
}

/* ---- sentences ----------------------------------------------------------- */

/* "record 5 is missing", "records 5 to 7 are missing". */
static void
say_many(struct fo_buf *buf, const char *noun, uint64_t first, uint64_t last,
    const char *one, const char *many)
{
	if (first == last)
		fo_buf_addf(buf, "%s %" PRIu64 " %s", noun, first, one);
	else
		fo_buf_addf(buf, "%ss %" PRIu64 " to %" PRIu64 " %s", noun,
		    first, last, many);
}

static void
say_missing(struct fo_buf *buf, const struct fo_seal_fault *fault,
    const struct sealed_place *place)
{
	say_many(buf, fault->points ? "checkpoint" : "record", fault->first,
	    fault->last, "is missing", "are missing");
	if (!fault->points && place->before[0] != '\0')
		fo_buf_addf(buf, ", after %s", place->before);
	if (!fault->points && place->time[0] != '\0')
		fo_buf_addf(buf, "%s %s", place->before[0] != '\0' ? " and"
		    " up to" : ", before", place->time);
}

static void
say_early(struct fo_buf *buf, const struct fo_seal_fault *fault,
    const struct sealed_place *place)
{
	if (!fault->points && fault->point > 0)
		fo_buf_addf(buf, "checkpoint %" PRIu64 " comes before record"
		    " %" PRIu64 ", which it has signed", fault->point,
		    fault->first);
	else
		fo_buf_addf(buf, "%s %" PRIu64 "%s comes before %" PRIu64,
		    fault->points ? "checkpoint" : "record", fault->last,
		    place->what, fault->first);
}

static void
say_remade(struct fo_buf *buf, const struct fo_seal_fault *fault)
{
	if (fault->first > fault->last) {
		fo_buf_addf(buf, "the first line is not the one that"
		    " checkpoint %" PRIu64 " has signed", fault->point);
		return;
	}
	say_many(buf, "record", fault->first, fault->last, "is not what",
	    "are not what");
	fo_buf_addf(buf, " checkpoint %" PRIu64 " has signed: %s changed, and"
	    " the hashes from there on with it", fault->point,
	    fault->first == fault->last ? "it was" : "one of them was");
}

static void
say_point(struct fo_buf *buf, const struct sealed *sealed)
{
	const struct fo_seal_fault *fault = &sealed->walk.fault;

	if (fault->point == 0)
		fo_buf_addf(buf, "%s, not by the key that is asked for",
		    fault->reason.text);
	else
		fo_buf_addf(buf, "the checkpoint after record %" PRIu64
		    " is not signed by %s: %s", sealed->walk.seal.number,
		    sealed->walk.seal.jkt, fault->reason.text);
}

static void
say_fault(struct fo_buf *buf, const struct sealed *sealed)
{
	const struct fo_seal_fault *fault = &sealed->walk.fault;
	const struct fo_seal *seal = &sealed->walk.seal;

	switch (fault->wrong) {
	case FO_SEAL_EMPTY:
		fo_buf_adds(buf, "there is nothing in it");
		break;
	case FO_SEAL_NO_POINT:
		fo_buf_adds(buf, "there is no checkpoint in it, so nothing is"
		    " proven");
		break;
	case FO_SEAL_UNREADABLE:
		fo_buf_addf(buf, "line %" PRIu64 ", after record %" PRIu64
		    ", is damaged: %s", fault->line, seal->number,
		    fault->reason.text);
		break;
	case FO_SEAL_NOT_NEXT:
		fo_buf_addf(buf, "it does not go on where the file before it"
		    " ends, at record %" PRIu64 " and checkpoint %" PRIu64
		    ": %s", seal->number, seal->point, fault->reason.text);
		break;
	case FO_SEAL_OTHER_KEY:
	case FO_SEAL_BAD_POINT:
		say_point(buf, sealed);
		break;
	case FO_SEAL_CHANGED:
		fo_buf_addf(buf, "record %" PRIu64 "%s was changed%s%s",
		    fault->first, sealed->place.what,
		    fault->reason.text[0] != '\0' ? ": " : "",
		    fault->reason.text);
		break;
	case FO_SEAL_MISSING:
		say_missing(buf, fault, &sealed->place);
		break;
	case FO_SEAL_EARLY:
		say_early(buf, fault, &sealed->place);
		break;
	case FO_SEAL_TWICE:
		fo_buf_addf(buf, "%s %" PRIu64 "%s is there twice",
		    fault->points ? "checkpoint" : "record", fault->first,
		    sealed->place.what);
		break;
	case FO_SEAL_LATE:
		fo_buf_addf(buf, "checkpoint %" PRIu64 " was made after"
		    " record %" PRIu64 ", and comes after record %" PRIu64,
		    fault->point, fault->first, fault->last);
		break;
	case FO_SEAL_REMADE:
		say_remade(buf, fault);
		break;
	case FO_SEAL_WHOLE:
		break;
	}
}

void
sealed_fault(const struct sealed *sealed, char ret[SEALED_FAULT_SIZE])
{
	struct fo_buf buf;

	fo_buf_init_in(&buf, ret, SEALED_FAULT_SIZE);
	say_fault(&buf, sealed);
}

const char *
sealed_word(fo_seal_wrong wrong)
{
	static const char *const words[] = { "empty", "no_checkpoint", "ok",
		"damaged", "not_next", "other_key", "bad_checkpoint",
		"changed", "missing", "order", "twice", "late", "remade" };

	return words[wrong];
}
