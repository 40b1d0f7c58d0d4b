/*
 * A walk along a sealed trail, up to what is wrong first.
 *
 * The order of the checks decides how a fault is called. A record is held
 * against its number first and then against the chain: all before it was well
 * when it came, so the first that does not fit the chain was changed itself.
 * A checkpoint is held against its proof first: what it says is then what was
 * signed, and where it stands is what may be wrong.
 */
#include "seal_walk.h"

#include <inttypes.h>
#include <string.h>

#include "base/diag.h"

/* ---- what is wrong ------------------------------------------------------- */

static fo_err
is_wrong(struct fo_seal_walk *walk, fo_seal_wrong wrong, uint64_t first,
    uint64_t last)
{
	struct fo_seal_fault *fault = &walk->fault;

	fault->wrong = wrong;
	fault->first = first;
	fault->last = last;
	fault->line = walk->line;

	return FO_ERR_FORMAT;
}

/* What is missing here may have been moved: it is looked for from now on. */
static fo_err
is_missing(struct fo_seal_walk *walk, bool points, uint64_t first,
    uint64_t last)
{
	walk->fault.points = points;
	walk->sought = first;
	walk->sought_point = points;

	return is_wrong(walk, FO_SEAL_MISSING, first, last);
}

/*
 * Something is missing; is this it? Then what was there instead, the one
 * after the last that is missing, came too early.
 */
static void
look_for(struct fo_seal_walk *walk, const struct fo_seal_line *line)
{
	struct fo_seal_fault *fault = &walk->fault;
	const bool is_point = line->kind == 'C' || line->kind == 'E';
	const bool is_record = line->kind == 'R';

	if (walk->sought == 0 || (walk->sought_point ? !is_point :
	    !is_record))
		return;
	if ((is_point ? line->point : line->number) == walk->sought) {
		walk->sought = 0;
		fault->wrong = FO_SEAL_EARLY;
		fault->last++;
	} else if (walk->open_end && line->number > fault->last) {
		fault->last = line->number - 1;
	}
	walk->open_end = false;
}

bool
fo_seal_walk_goes_on(const struct fo_seal_walk *walk)
{
	return walk->fault.wrong <= FO_SEAL_WHOLE || walk->sought != 0;
}

/* ---- the first line of a file -------------------------------------------- */

/* Does a file go on where the one before it ended? */
static fo_err
check_next(struct fo_seal_walk *walk, const struct fo_seal_line *line)
{
	const struct fo_seal *seal = &walk->seal;
	struct fo_diag *reason = &walk->fault.reason;

	if (strcmp(line->host, seal->host) != 0) {
		fo_diag_set(reason, "it is of the host %s, not of %s",
		    line->host, seal->host);
		return is_wrong(walk, FO_SEAL_NOT_NEXT, 0, 0);
	}
	if (line->point != seal->point || line->number != seal->number ||
	    strcmp(line->hash, seal->hash) != 0) {
		fo_diag_set(reason, "it goes on after record %" PRIu64
		    " and checkpoint %" PRIu64 "%s", line->number,
		    line->point, line->number == seal->number &&
		    line->point == seal->point ? " of another trail" : "");
		return is_wrong(walk, FO_SEAL_NOT_NEXT, 0, 0);
	}

	return FO_OK;
}

static fo_err
take_start(struct fo_seal_walk *walk, const struct fo_seal_line *line,
    const char *text, size_t len)
{
	const char *jkt = walk->jkt != NULL ? walk->jkt : walk->anything ?
	    walk->seal.jkt : line->jkt;
	struct fo_seal next = { .point = line->point,
		.number = line->number };
	fo_err r;

	if (strcmp(line->jkt, jkt) != 0) {
		fo_diag_set(&walk->fault.reason, "it is sealed by %s",
		    line->jkt);
		return is_wrong(walk, FO_SEAL_OTHER_KEY, 0, 0);
	}
	if (walk->anything && (r = check_next(walk, line)) != FO_OK)
		return r;
	memcpy(next.host, line->host, sizeof(next.host));
	memcpy(next.jkt, line->jkt, sizeof(next.jkt));
	if ((r = fo_sha256_text(text, len, next.hash)) != FO_OK)
		return r;
	if (!walk->anything) {
		walk->first = walk->sealed = line->number;
		walk->first_point = line->point;
		walk->fault.wrong = FO_SEAL_NO_POINT;
	}
	walk->seal = next;
	walk->begun = walk->anything = true;

	return FO_OK;
}

/* ---- records ------------------------------------------------------------- */

/* The state after an event, if it had this number: what the chain says. */
static fo_err
chain(const struct fo_seal_walk *walk, const struct fo_event_read *event,
    struct fo_seal *ret)
{
	struct fo_buf line;
	fo_err r;

	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	r = fo_seal_record(&walk->seal, event->text, event->len, &line, ret);
	fo_buf_clear(&line);

	return r;
}

static fo_err
take_record(struct fo_seal_walk *walk, const struct fo_seal_line *line)
{
	struct fo_seal next;
	bool fits;
	fo_err r;

	if ((r = chain(walk, &line->event, &next)) != FO_OK)
		return r;
	fits = strcmp(line->hash, next.hash) == 0;
	if (fits && line->number != next.number) {
		fo_diag_set(&walk->fault.reason, "its number was, to %" PRIu64,
		    line->number);
		return is_wrong(walk, FO_SEAL_CHANGED, next.number,
		    next.number);
	}
	if (line->number > next.number)
		return is_missing(walk, false, next.number,
		    line->number - 1);
	if (line->number < next.number)
		return is_wrong(walk, FO_SEAL_TWICE, line->number,
		    line->number);
	if (!fits)
		return is_wrong(walk, FO_SEAL_CHANGED, next.number,
		    next.number);

	walk->seal = next;
	return FO_OK;
}

/* ---- checkpoints --------------------------------------------------------- */

/* Trouble of our own is no verdict. */
static bool
is_trouble(fo_err r)
{
	return r == FO_ERR_NOMEM || r == FO_ERR_CRYPTO || r == FO_ERR_ARG ||
	    r == FO_ERR_INTERNAL;
}

static fo_err
check_proof(struct fo_seal_walk *walk, struct fo_seal_line *line)
{
	struct fo_diag *reason = &walk->fault.reason;
	fo_err r;

	if (walk->chain_only)
		return FO_OK;
	r = fo_seal_point_check(line, walk->seal.host, walk->seal.jkt,
	    walk->verifier, reason);
	if (r == FO_OK || is_trouble(r))
		return r;
	if (reason->text[0] == '\0')
		fo_diag_set(reason, "%s", fo_err_text(r));

	return is_wrong(walk, r == FO_ERR_UNKNOWN_KEY ? FO_SEAL_OTHER_KEY :
	    FO_SEAL_BAD_POINT, walk->seal.number, walk->seal.number);
}

/* A checkpoint that was signed: does it belong here? */
static fo_err
check_place(struct fo_seal_walk *walk, const struct fo_seal_line *line)
{
	const struct fo_seal *seal = &walk->seal;

	if (line->point > seal->point + 1)
		return is_missing(walk, true, seal->point + 1,
		    line->point - 1);
	if (line->point <= seal->point) {
		walk->fault.points = true;
		return is_wrong(walk, FO_SEAL_TWICE, line->point,
		    line->point);
	}
	if (line->number > seal->number) {
		walk->open_end = true;
		return is_missing(walk, false, seal->number + 1,
		    line->number);
	}
	if (line->number < seal->number)
		return is_wrong(walk, FO_SEAL_LATE, line->number,
		    seal->number);
	if (strcmp(line->hash, seal->hash) != 0)
		return is_wrong(walk, FO_SEAL_REMADE, walk->sealed + 1,
		    seal->number);

	return FO_OK;
}

static fo_err
take_point(struct fo_seal_walk *walk, struct fo_seal_line *line)
{
	fo_err r;

	walk->fault.point = line->point;
	if ((r = check_proof(walk, line)) != FO_OK ||
	    (r = check_place(walk, line)) != FO_OK)
		return r;

	walk->fault.point = 0;
	walk->seal.point = line->point;
	walk->sealed = line->number;
	walk->fault.wrong = FO_SEAL_WHOLE;
	return FO_OK;
}

/* ---- the walk ------------------------------------------------------------ */

void
fo_seal_walk_init(struct fo_seal_walk *walk, const char *jkt,
    struct fo_verifier *verifier)
{
	*walk = (struct fo_seal_walk) { .jkt = jkt, .verifier = verifier };
}

void
fo_seal_walk_next_file(struct fo_seal_walk *walk)
{
	walk->begun = false;
	walk->line = 0;
}

static fo_err
take_line(struct fo_seal_walk *walk, const char *text, size_t len,
    struct fo_seal_line *line)
{
	if (!walk->begun && line->kind != 'S') {
		fo_diag_set(&walk->fault.reason, "a trail begins with an S"
		    " line, and this is none");
		return is_wrong(walk, FO_SEAL_UNREADABLE, 0, 0);
	}
	switch (line->kind) {
	case 'S':
		if (!walk->begun)
			return take_start(walk, line, text, len);
		fo_diag_set(&walk->fault.reason, "an S line is the first of"
		    " its file");
		return is_wrong(walk, FO_SEAL_UNREADABLE, 0, 0);
	case 'R':
		return take_record(walk, line);
	default:
		return take_point(walk, line);
	}
}

fo_err
fo_seal_walk_line(struct fo_seal_walk *walk, const char *text, size_t len,
    struct fo_seal_line *ret_line)
{
	struct fo_diag reason = { "" };

	walk->line++;
	*ret_line = (struct fo_seal_line) { .kind = 0 };
	if (fo_seal_line_read(text, len, &reason, ret_line) != FO_OK &&
	    walk->fault.wrong <= FO_SEAL_WHOLE) {
		walk->fault.reason = reason;
		return is_wrong(walk, FO_SEAL_UNREADABLE, 0, 0);
	}
	if (walk->fault.wrong <= FO_SEAL_WHOLE)
		return take_line(walk, text, len, ret_line);

	look_for(walk, ret_line);
	return FO_ERR_FORMAT;
}
