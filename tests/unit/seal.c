/*
 * A sealed trail: whatever is done to it without its key is found, and called
 * by its name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/buf.h"
#include "host/event.h"
#include "host/seal.h"
#include "host/seal_tail.h"
#include "host/seal_walk.h"
#include "support/forge.h"

#define NOW INT64_C(1795458600) /* 2026-11-23T18:30:00Z */
#define HOST "bastion"
#define MAX_LINES 32
#define TRAIL_MAX 65536

/* What the lines of the usual trail are, by their index. */
enum { S, C1, R1, R2, C2, R3, R4, R5, C3, C4, R6, E5, LINES };

/* A trail as lines, each with its newline. */
struct trail {
	char *line[MAX_LINES];
	size_t count;
};

static struct fo_key *key;
static struct fo_verifier *verifier;
static struct trail usual;
/* Where a walk stands before each of its lines. */
static struct fo_seal_walk before[LINES];

/* ---- making trails ------------------------------------------------------- */

static void
write_event(uint64_t number, char text[FO_EVENT_SIZE])
{
	char name[16];
	const struct fo_event event = { .at = { .s = NOW + (int64_t)number },
		.host = HOST, .ev = FO_EV_AUTH, .res = FO_RES_PERMIT,
		.name = name, .user = "deploy", .svc = "sshd", .pid = 1 };

	(void)snprintf(name, sizeof(name), "bot-%" PRIu64, number);
	cr_assert_eq(fo_event_format(&event, text), FO_OK);
}

static void
push(struct trail *trail, struct fo_buf *line)
{
	cr_assert_lt(trail->count, MAX_LINES);
	cr_assert_eq(fo_buf_take(line, &trail->line[trail->count]), FO_OK);
	trail->count++;
}

static void
start(struct trail *trail, struct fo_seal *seal, const struct fo_seal *after)
{
	struct fo_buf line;

	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	cr_assert_eq(fo_seal_start(after, HOST, FORGE_JKT, NOW, &line, seal),
	    FO_OK);
	push(trail, &line);
}

static void
record(struct trail *trail, struct fo_seal *seal)
{
	char text[FO_EVENT_SIZE];
	struct fo_buf line;

	write_event(seal->number + 1, text);
	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	cr_assert_eq(fo_seal_record(seal, text, strlen(text), &line, seal),
	    FO_OK);
	push(trail, &line);
}

static void
point(struct trail *trail, struct fo_seal *seal, char kind)
{
	const int64_t now = NOW + (int64_t)seal->number;
	struct fo_buf line;

	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	cr_assert_eq(fo_seal_point(seal, kind, key, now, NULL, &line, seal),
	    FO_OK);
	push(trail, &line);
}

/* Records for 'R', checkpoints for 'C' and 'E'. */
static void
write_lines(struct trail *trail, struct fo_seal *seal, const char *kinds)
{
	for (; *kinds != '\0'; kinds++)
		if (*kinds == 'R')
			record(trail, seal);
		else
			point(trail, seal, *kinds);
}

static void
empty(struct trail *trail)
{
	while (trail->count > 0)
		free(trail->line[--trail->count]);
}

/* ---- walking ------------------------------------------------------------- */

static fo_err
step(struct fo_seal_walk *walk, const char *text, size_t len)
{
	struct fo_seal_line line;

	return fo_seal_walk_line(walk, text, len, &line);
}

/* Walk along a text; what has no newline at its end is not taken. */
static void
walk_text(struct fo_seal_walk *walk, const char *text, size_t len)
{
	const char *end;

	while (fo_seal_walk_goes_on(walk) &&
	    (end = memchr(text, '\n', len)) != NULL) {
		(void)step(walk, text, (size_t)(end - text));
		len -= (size_t)(end - text) + 1;
		text = end + 1;
	}
}

/* Lines by their index, from where a walk stands. */
static void
walk_lines(struct fo_seal_walk *walk, const size_t *index, size_t count)
{
	size_t i;

	for (i = 0; i < count && fo_seal_walk_goes_on(walk); i++)
		walk_text(walk, usual.line[index[i]],
		    strlen(usual.line[index[i]]));
}

/* Is something wrong, or is the end not the one that is known? */
static bool
is_found(const struct fo_seal_walk *walk)
{
	return walk->fault.wrong != FO_SEAL_WHOLE || walk->seal.point != 5;
}

static void
setup(void)
{
	const struct fo_seal none = { .point = 0 };
	struct fo_seal_walk walk;
	struct fo_seal seal;
	size_t i;

	key = forge_key();
	cr_assert_eq(fo_verifier_new(&verifier), FO_OK);
	start(&usual, &seal, &none);
	write_lines(&usual, &seal, "CRRCRRRCCRE");
	cr_assert_eq(usual.count, LINES);
	fo_seal_walk_init(&walk, FORGE_JKT, verifier);
	for (i = 0; i < LINES; i++) {
		before[i] = walk;
		walk_lines(&walk, &i, 1);
	}
	cr_assert_not(is_found(&walk), "%s", walk.fault.reason.text);
}

static void
teardown(void)
{
	empty(&usual);
	fo_verifier_free(&verifier);
	fo_key_free(&key);
}

TestSuite(seal, .init = setup, .fini = teardown, .timeout = 300);

/* ---- a trail as it should be --------------------------------------------- */

Test(seal, a_trail_is_whole_and_says_how_far_it_has_come)
{
	struct fo_seal_walk walk;
	size_t i;

	fo_seal_walk_init(&walk, NULL, NULL);
	cr_expect_eq(walk.fault.wrong, FO_SEAL_EMPTY);
	for (i = 0; i < LINES; i++) {
		walk_lines(&walk, &i, 1);
		cr_expect_eq(walk.fault.wrong, i == S ? FO_SEAL_NO_POINT :
		    FO_SEAL_WHOLE, "%zu", i);
	}
	cr_expect_str_eq(walk.seal.host, HOST);
	cr_expect_str_eq(walk.seal.jkt, FORGE_JKT);
	cr_expect_eq(walk.seal.number, 6);
	cr_expect_eq(walk.seal.point, 5);
	cr_expect_eq(walk.sealed, 6);
	cr_expect_eq(walk.first, 0);
}

/* The chain, as anybody can do it with sha256sum. */
Test(seal, the_hash_of_a_record_is_that_of_its_line_with_the_hash_before_it)
{
	char want[FO_SHA256_TEXT_SIZE], hash[FO_SHA256_TEXT_SIZE];
	char text[FO_EVENT_SIZE], line[2 * FO_EVENT_SIZE];

	cr_assert_eq(fo_sha256_text(usual.line[S], strlen(usual.line[S]) - 1,
	    hash), FO_OK);
	write_event(1, text);
	(void)snprintf(line, sizeof(line), "R 1 %s %s", hash, text);
	cr_assert_eq(fo_sha256_text(line, strlen(line), want), FO_OK);
	(void)snprintf(line, sizeof(line), "R 1 %s %s\n", want, text);
	cr_expect_str_eq(usual.line[R1], line);
}

Test(seal, a_line_says_what_it_is)
{
	struct fo_seal_line line;
	char text[FO_EVENT_SIZE];
	struct fo_diag diag;

	cr_assert_eq(fo_seal_line_read(usual.line[S], strlen(usual.line[S]) -
	    1, &diag, &line), FO_OK);
	cr_expect_eq(line.kind, 'S');
	cr_expect_str_eq(line.host, HOST);
	cr_expect_str_eq(line.jkt, FORGE_JKT);
	cr_expect_eq(line.time_s, NOW);
	cr_expect_str_eq(line.hash, "");
	cr_assert_eq(fo_seal_line_read(usual.line[R2], strlen(usual.line[R2])
	    - 1, &diag, &line), FO_OK);
	cr_expect_eq(line.kind, 'R');
	cr_expect_eq(line.number, 2);
	write_event(2, text);
	cr_expect_eq(line.event.len, strlen(text));
	cr_expect_eq(memcmp(line.event.text, text, strlen(text)), 0);
	cr_assert_eq(fo_seal_line_read(usual.line[E5], strlen(usual.line[E5])
	    - 1, &diag, &line), FO_OK);
	cr_expect_eq(line.kind, 'E');
	cr_expect_eq(line.point, 5);
	cr_expect_eq(line.number, 6);
	cr_expect_eq(line.time_s, 0);
	cr_assert_eq(fo_seal_point_check(&line, HOST, FORGE_JKT, NULL, &diag),
	    FO_OK, "%s", diag.text);
	cr_expect_eq(line.time_s, NOW + 6);
}

Test(seal, after_an_end_the_same_trail_can_go_on)
{
	const size_t all[] = { S, C1, R1, R2, C2, R3, R4, R5, C3, C4, R6,
		E5 };
	struct fo_seal_walk walk;
	struct trail more = { .count = 0 };
	struct fo_seal seal;
	size_t i;

	fo_seal_walk_init(&walk, FORGE_JKT, verifier);
	walk_lines(&walk, all, LINES);
	seal = walk.seal;
	write_lines(&more, &seal, "CRRE");
	for (i = 0; i < more.count; i++)
		walk_text(&walk, more.line[i], strlen(more.line[i]));
	cr_expect_eq(walk.fault.wrong, FO_SEAL_WHOLE);
	cr_expect_eq(walk.seal.number, 8);
	cr_expect_eq(walk.seal.point, 7);
	empty(&more);
}

/* ---- whatever is done to it is found ------------------------------------- */

/* From the line that is changed on; what was before it is as it was. */
static void
walk_changed(struct fo_seal_walk *walk, size_t at, const char *text,
    size_t len)
{
	size_t i;

	*walk = before[at];
	walk_text(walk, text, len);
	/* its newline is gone: the next line belongs to it now */
	if (len > 0 && text[len - 1] != '\n' && at + 1 < LINES) {
		char *both = malloc(TRAIL_MAX);
		const size_t next = strlen(usual.line[++at]);

		cr_assert_not_null(both);
		memcpy(both, text, len);
		memcpy(both + len, usual.line[at], next);
		walk_text(walk, both, len + next);
		free(both);
	}
	for (i = at + 1; i < LINES; i++)
		walk_lines(walk, &i, 1);
}

/* Every byte of every line becomes every other, but where it takes long. */
Test(seal, every_change_of_one_byte_is_found)
{
	static const unsigned char few[] = { 1, 0x20, 0x80, 0xff };
	struct fo_seal_walk walk;
	size_t at, i, len, tries = 0;
	unsigned int with;
	char *text;

	for (at = 0; at < LINES; at++) {
		const bool is_point = usual.line[at][0] == 'C' ||
		    usual.line[at][0] == 'E';
		const unsigned int most = is_point ? sizeof(few) + 1 : 256;

		len = strlen(usual.line[at]);
		cr_assert_not_null(text = strdup(usual.line[at]));
		for (i = 0; i < len; i++)
			for (with = 1; with < most; with++) {
				text[i] = (char)(usual.line[at][i] ^
				    (char)(is_point ? few[with - 1] : with));
				walk_changed(&walk, at, text, len);
				text[i] = usual.line[at][i];
				cr_assert(is_found(&walk), "line %zu, byte %zu"
				    " with 0x%02x", at, i, with);
				tries++;
			}
		free(text);
	}
	cr_expect_gt(tries, 500000);
}

Test(seal, every_byte_more_and_every_byte_less_is_found)
{
	static const char bytes[] = { '\n', ' ', '0', 'A', '\0' };
	struct fo_seal_walk walk;
	size_t at, i, k, len;
	char *text;

	for (at = 0; at < LINES; at++) {
		len = strlen(usual.line[at]);
		cr_assert_not_null(text = malloc(len + 1));
		for (i = 0; i < len; i++) {
			memcpy(text, usual.line[at], i);
			memcpy(text + i, usual.line[at] + i + 1, len - i - 1);
			walk_changed(&walk, at, text, len - 1);
			cr_assert(is_found(&walk), "line %zu without byte %zu",
			    at, i);
			memcpy(text + i + 1, usual.line[at] + i, len - i);
			for (k = 0; k < sizeof(bytes); k++) {
				text[i] = bytes[k];
				walk_changed(&walk, at, text, len + 1);
				cr_assert(is_found(&walk), "line %zu, byte"
				    " %zu before with 0x%02x", at, i,
				    (unsigned int)bytes[k]);
			}
		}
		free(text);
	}
}

/* Walk along lines in another order, and say whether something is wrong. */
static bool
found_in(const size_t *index, size_t count, struct fo_seal_walk *walk)
{
	fo_seal_walk_init(walk, FORGE_JKT, verifier);
	walk_lines(walk, index, count);

	return is_found(walk);
}

Test(seal, lines_that_are_dropped_are_found_wherever_and_however_many)
{
	struct fo_seal_walk walk;
	size_t from, to, i, n, index[LINES];

	for (from = 0; from < LINES; from++)
		for (to = from + 1; to <= LINES; to++) {
			for (i = n = 0; i < LINES; i++)
				if (i < from || i >= to)
					index[n++] = i;
			cr_expect(found_in(index, n, &walk), "%zu to %zu",
			    from, to);
		}
}

Test(seal, lines_that_are_swapped_or_moved_are_found)
{
	struct fo_seal_walk walk;
	size_t a, b, i, n, index[LINES];

	for (a = 0; a < LINES; a++)
		for (b = 0; b < LINES; b++) {
			for (i = 0; i < LINES; i++)
				index[i] = i == a ? b : i == b ? a : i;
			cr_expect_eq(found_in(index, LINES, &walk), a != b,
			    "%zu and %zu swapped", a, b);
			for (i = n = 0; i < LINES; i++) {
				if (i == a)
					continue;
				if (n == b)
					index[n++] = a;
				index[n++] = i;
			}
			if (n < LINES)
				index[n++] = a;
			cr_expect_eq(found_in(index, n, &walk), a != b,
			    "%zu moved to %zu", a, b);
		}
}

Test(seal, lines_that_are_there_twice_are_found)
{
	struct fo_seal_walk walk;
	size_t what, at, i, n, index[LINES + 1];

	for (what = 0; what < LINES; what++)
		for (at = 0; at <= LINES; at++) {
			for (i = n = 0; i <= LINES; i++) {
				if (i == at)
					index[n++] = what;
				if (i < LINES)
					index[n++] = i;
			}
			cr_expect(found_in(index, n, &walk), "%zu at %zu",
			    what, at);
		}
}

/* ---- and called by its name ---------------------------------------------- */

struct named {
	const char *why;
	size_t index[LINES + 2];
	size_t count;
	struct fo_seal_fault want;
};

#define ORDER(...) { __VA_ARGS__ }, \
	sizeof((size_t[]) { __VA_ARGS__ }) / sizeof(size_t)

Test(seal, what_is_missing_moved_or_there_twice_is_named)
{
	static const struct named cases[] = {
		{ "a record is gone", ORDER(S, C1, R1, C2, R3),
		    { FO_SEAL_MISSING, false, 2, 2, 2, 4, { "" } } },
		{ "the first is gone", ORDER(S, C1, R2, C2, R3),
		    { FO_SEAL_MISSING, false, 1, 1, 0, 3, { "" } } },
		{ "three are gone", ORDER(S, C1, R1, R2, C2, R6, E5),
		    { FO_SEAL_MISSING, false, 3, 5, 0, 6, { "" } } },
		{ "a checkpoint shows that, and a record how many",
		    ORDER(S, C1, R1, C2, R5),
		    { FO_SEAL_MISSING, false, 2, 4, 2, 4, { "" } } },
		{ "nothing but a checkpoint follows", ORDER(S, C1, R1, C2),
		    { FO_SEAL_MISSING, false, 2, 2, 2, 4, { "" } } },
		{ "two change places", ORDER(S, C1, R2, R1, C2),
		    { FO_SEAL_EARLY, false, 1, 2, 0, 3, { "" } } },
		{ "one comes late", ORDER(S, C1, R1, R2, C2, R4, R5, R3),
		    { FO_SEAL_EARLY, false, 3, 4, 0, 6, { "" } } },
		{ "one is there twice", ORDER(S, C1, R1, R2, R1, C2),
		    { FO_SEAL_TWICE, false, 1, 1, 0, 5, { "" } } },
		{ "a checkpoint is gone", ORDER(S, C1, R1, R2, R3, R4, R5,
		    C3), { FO_SEAL_MISSING, true, 2, 2, 3, 8, { "" } } },
		{ "checkpoints change places", ORDER(S, C1, R1, R2, C2, R3,
		    R4, R5, C4, C3),
		    { FO_SEAL_EARLY, true, 3, 4, 4, 9, { "" } } },
		{ "a checkpoint is there twice", ORDER(S, C1, C1),
		    { FO_SEAL_TWICE, true, 1, 1, 1, 3, { "" } } },
		{ "a checkpoint comes early", ORDER(S, C1, R1, C2, R2),
		    { FO_SEAL_EARLY, false, 2, 3, 2, 4, { "" } } },
		{ "a checkpoint comes late", ORDER(S, C1, R1, R2, R3, C2),
		    { FO_SEAL_LATE, false, 2, 3, 2, 6, { "" } } },
		{ "no beginning", ORDER(C1, R1),
		    { FO_SEAL_UNREADABLE, false, 0, 0, 0, 1, { "" } } },
		{ "two beginnings", ORDER(S, S),
		    { FO_SEAL_UNREADABLE, false, 0, 0, 0, 2, { "" } } },
		{ "no checkpoint", ORDER(S, R1),
		    { FO_SEAL_NO_POINT, false, 0, 0, 0, 0, { "" } } },
		{ "nothing at all", { 0 }, 0,
		    { FO_SEAL_EMPTY, false, 0, 0, 0, 0, { "" } } },
	};
	struct fo_seal_walk walk;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct fo_seal_fault *want = &cases[i].want;
		const struct fo_seal_fault *got = &walk.fault;

		(void)found_in(cases[i].index, cases[i].count, &walk);
		cr_expect_eq(got->wrong, want->wrong, "%s: %d", cases[i].why,
		    (int)got->wrong);
		cr_expect_eq(got->points, want->points, "%s", cases[i].why);
		cr_expect_eq(got->first, want->first, "%s", cases[i].why);
		cr_expect_eq(got->last, want->last, "%s", cases[i].why);
		cr_expect_eq(got->point, want->point, "%s", cases[i].why);
		cr_expect_eq(got->line, want->line, "%s", cases[i].why);
		cr_expect_eq(got->reason.text[0] != '\0',
		    want->wrong == FO_SEAL_UNREADABLE, "%s", cases[i].why);
	}
}

/* A line of the usual trail with one text in it instead of another. */
static void
walk_with(struct fo_seal_walk *walk, size_t at, const char *old,
    const char *new)
{
	char *text = malloc(TRAIL_MAX);
	const char *found = strstr(usual.line[at], old);

	cr_assert_not_null(text);
	cr_assert_not_null(found, "%s", old);
	(void)snprintf(text, TRAIL_MAX, "%.*s%s%s",
	    (int)(found - usual.line[at]), usual.line[at], new,
	    found + strlen(old));
	walk_changed(walk, at, text, strlen(text));
	free(text);
}

Test(seal, what_is_changed_is_named)
{
	static const struct {
		const char *why;
		size_t at;
		const char *old;
		const char *new;
		fo_seal_wrong wrong;
		uint64_t first;
		const char *reason;
	} cases[] = {
		{ "a record's text", R4, "bot-4", "bot-5", FO_SEAL_CHANGED, 4,
		    "" },
		{ "a record's number", R4, "R 4", "R 9", FO_SEAL_CHANGED, 4,
		    "its number was, to 9" },
		{ "a record's letter", R4, "R 4", "r 4", FO_SEAL_UNREADABLE,
		    0, "none of S, R, C and E" },
		{ "a space more", R4, "R 4", "R  4", FO_SEAL_UNREADABLE, 0,
		    "not \"R N HASH @cee:" },
		{ "a zero before", R4, "R 4", "R 04", FO_SEAL_UNREADABLE, 0,
		    "not \"R N HASH @cee:" },
		{ "something after an event", R4, "}\n", "} \n",
		    FO_SEAL_UNREADABLE, 0, "something follows its event" },
		{ "a checkpoint's number", C3, "C 3", "C 4",
		    FO_SEAL_BAD_POINT, 5, "the proof is for" },
		{ "a checkpoint that is to be an end", C4, "C 4", "E 4",
		    FO_SEAL_BAD_POINT, 5, "the proof is for" },
		{ "an end that is to be none", E5, "E 5", "C 5",
		    FO_SEAL_BAD_POINT, 6, "the proof is for" },
		{ "the host", S, HOST, "bastoin", FO_SEAL_BAD_POINT, 0,
		    "the proof is for" },
		{ "the time", S, "T18:30", "T18:31", FO_SEAL_REMADE, 1, "" },
		{ "the version", S, "S 1", "S 2", FO_SEAL_UNREADABLE, 0,
		    "of version 2" },
		{ "the key", S, "oKIywvG", "oKIywvH", FO_SEAL_OTHER_KEY, 0,
		    "it is sealed by oKIywvH" },
	};
	struct fo_seal_walk walk;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		walk_with(&walk, cases[i].at, cases[i].old, cases[i].new);
		cr_expect_eq(walk.fault.wrong, cases[i].wrong, "%s: %d",
		    cases[i].why, (int)walk.fault.wrong);
		cr_expect_eq(walk.fault.first, cases[i].first, "%s",
		    cases[i].why);
		cr_expect_not_null(strstr(walk.fault.reason.text,
		    cases[i].reason), "%s: %s", cases[i].why,
		    walk.fault.reason.text);
	}
}

/* ---- those who know the chain, but not the key --------------------------- */

/*
 * The usual trail with record 2 about another event, and all after it chained
 * anew; checkpoints as they were, or with the hash that is right now.
 */
static void
remake(struct trail *trail, bool points_too)
{
	struct fo_seal_line read;
	struct fo_seal seal;
	char text[FO_EVENT_SIZE], line[TRAIL_MAX];
	struct fo_buf made;
	struct fo_diag diag;
	size_t i;

	seal = before[R1].seal;
	for (i = 0; i < LINES; i++) {
		cr_assert_eq(fo_seal_line_read(usual.line[i],
		    strlen(usual.line[i]) - 1, &diag, &read), FO_OK);
		fo_buf_init(&made, TRAIL_MAX);
		if (read.kind == 'R') {
			write_event(read.number == 2 ? 99 : read.number,
			    text);
			cr_assert_eq(fo_seal_record(&seal, text, strlen(text),
			    &made, &seal), FO_OK);
		} else if (points_too && read.number > 0) {
			(void)snprintf(line, sizeof(line), "%c %" PRIu64
			    " %" PRIu64 " %s %.*s\n", read.kind, read.point,
			    read.number, seal.hash, (int)read.len, read.text);
			fo_buf_adds(&made, line);
		} else {
			fo_buf_adds(&made, usual.line[i]);
		}
		push(trail, &made);
	}
}

static void
walk_trail(struct fo_seal_walk *walk, const struct trail *trail)
{
	size_t i;

	for (i = 0; i < trail->count && fo_seal_walk_goes_on(walk); i++)
		walk_text(walk, trail->line[i], strlen(trail->line[i]));
}

Test(seal, a_chain_that_was_made_anew_does_not_fit_the_next_checkpoint)
{
	struct trail trail = { .count = 0 };
	struct fo_seal_walk walk;

	remake(&trail, false);
	fo_seal_walk_init(&walk, FORGE_JKT, verifier);
	walk_trail(&walk, &trail);
	cr_expect_eq(walk.fault.wrong, FO_SEAL_REMADE);
	cr_expect_eq(walk.fault.first, 1);
	cr_expect_eq(walk.fault.last, 2);
	cr_expect_eq(walk.fault.point, 2);
	empty(&trail);
}

Test(seal, a_checkpoint_that_is_to_fit_it_is_one_that_nobody_signed)
{
	struct trail trail = { .count = 0 };
	struct fo_seal_walk walk;

	remake(&trail, true);
	fo_seal_walk_init(&walk, FORGE_JKT, verifier);
	walk_trail(&walk, &trail);
	cr_expect_eq(walk.fault.wrong, FO_SEAL_BAD_POINT);
	cr_expect_eq(walk.fault.point, 2);
	fo_seal_walk_init(&walk, FORGE_JKT, verifier);
	walk.chain_only = true;
	walk_trail(&walk, &trail);
	cr_expect_eq(walk.fault.wrong, FO_SEAL_WHOLE);
	empty(&trail);
}

Test(seal, checkpoints_of_another_key_are_told_as_such)
{
	struct fo_key *other = NULL, *mine = key;
	const struct fo_seal none = { .point = 0 };
	struct trail trail = { .count = 0 };
	struct fo_seal_walk walk;
	char jkt[FO_JKT_SIZE];
	struct fo_seal seal;

	cr_assert_eq(fo_key_generate(&other), FO_OK);
	cr_assert_eq(fo_key_thumbprint(other, jkt), FO_OK);
	start(&trail, &seal, &none);
	key = other;
	write_lines(&trail, &seal, "CR");
	key = mine;
	fo_seal_walk_init(&walk, NULL, verifier);
	walk_trail(&walk, &trail);
	cr_expect_eq(walk.fault.wrong, FO_SEAL_OTHER_KEY);
	cr_expect_eq(walk.fault.point, 1);
	cr_expect_not_null(strstr(walk.fault.reason.text, jkt));
	fo_seal_walk_init(&walk, jkt, verifier);
	walk_trail(&walk, &trail);
	cr_expect_eq(walk.fault.wrong, FO_SEAL_OTHER_KEY);
	cr_expect_eq(walk.fault.point, 0);
	empty(&trail);
	fo_key_free(&other);
}

/* The same key, the same host, the same numbers: yet another trail. */
Test(seal, lines_of_another_trail_by_the_same_key_do_not_fit)
{
	const struct fo_seal none = { .point = 0 };
	struct trail trail = { .count = 0 };
	struct fo_seal_walk walk;
	struct fo_seal seal;
	struct fo_buf line;
	size_t i;

	fo_buf_init(&line, FO_SEAL_LINE_MAX + 1);
	cr_assert_eq(fo_seal_start(&none, HOST, FORGE_JKT, NOW + 1, &line,
	    &seal), FO_OK);
	push(&trail, &line);
	write_lines(&trail, &seal, "CRRCRRRCCRE");
	for (i = 0; i < LINES; i++) {
		walk_changed(&walk, i, trail.line[i], strlen(trail.line[i]));
		cr_expect(is_found(&walk), "%zu", i);
	}
	empty(&trail);
}

/* A proof of the same key for anything else is no checkpoint. */
Test(seal, a_proof_for_something_else_signs_nothing)
{
	const struct fo_request request = { .htm = "GET",
		.htu = "firstops-seal:" HOST ":C:1:0:x", .iat = NOW };
	struct fo_seal_walk walk = before[C1];
	char *proof = NULL, *text = NULL;

	cr_assert_eq(fo_proof_sign(key, &request, &proof), FO_OK);
	cr_assert_geq(asprintf(&text, "C 1 0 %s %s", walk.seal.hash, proof),
	    0);
	cr_expect_eq(step(&walk, text, strlen(text)), FO_ERR_FORMAT);
	cr_expect_eq(walk.fault.wrong, FO_SEAL_BAD_POINT);
	cr_expect_not_null(strstr(walk.fault.reason.text, "method GET"));
	fo_proof_text_free(&proof);
	free(text);
}

/* ---- more than one file -------------------------------------------------- */

Test(seal, a_file_goes_on_where_another_one_ends_and_nowhere_else)
{
	static const size_t all[] = { S, C1, R1, R2, C2, R3, R4, R5, C3, C4,
		R6, E5 };
	struct trail next = { .count = 0 };
	struct fo_seal_walk walk;
	struct fo_seal seal;
	size_t n;

	fo_seal_walk_init(&walk, FORGE_JKT, verifier);
	walk_lines(&walk, all, LINES);
	start(&next, &seal, &walk.seal);
	write_lines(&next, &seal, "CRE");
	for (n = 0; n <= LINES; n++) {
		fo_seal_walk_init(&walk, NULL, verifier);
		walk_lines(&walk, all, n);
		fo_seal_walk_next_file(&walk);
		walk_trail(&walk, &next);
		/* by itself it is whole, and says after what it comes */
		cr_expect_eq(walk.fault.wrong, n == 0 || n == LINES ?
		    FO_SEAL_WHOLE : FO_SEAL_NOT_NEXT, "%zu", n);
		cr_expect_eq(walk.first, n == 0 ? 6 : 0, "%zu", n);
	}
	cr_expect_eq(walk.seal.number, 7);
	cr_expect_eq(walk.seal.point, 7);
	empty(&next);
}

/* A hash may look like the "-" that stands for none. */
Test(seal, a_file_goes_on_after_a_hash_that_begins_with_a_hyphen)
{
	struct fo_seal after = { .host = HOST, .jkt = FORGE_JKT, .point = 7,
		.number = 9, .hash = "-" FORGE_JKT };
	struct trail trail = { .count = 0 };
	struct fo_seal_line line;
	struct fo_diag diag;
	struct fo_seal seal;

	after.hash[FO_SHA256_TEXT_SIZE - 1] = '\0';
	after.hash[FO_SHA256_TEXT_SIZE - 2] = 'A';
	start(&trail, &seal, &after);
	cr_assert_eq(fo_seal_line_read(trail.line[0], strlen(trail.line[0]) -
	    1, &diag, &line), FO_OK, "%s", diag.text);
	cr_expect_str_eq(line.hash, after.hash);
	cr_expect_eq(line.point, 7);
	cr_expect_eq(line.number, 9);
	empty(&trail);
}

/* ---- the grammar --------------------------------------------------------- */

Test(seal, what_is_no_line_is_refused)
{
	static const char *const texts[] = { "", " ", "S", "S ", "S 1",
		"S 1 " HOST " " FORGE_JKT " 2026-11-23T18:30:00Z 0 0",
		"S 1 " HOST " " FORGE_JKT " 2026-11-23T18:30:00Z 0 0 ",
		"S 1 " HOST " " FORGE_JKT " 2026-11-23T18:30:00Z 0 0 - ",
		"S 1 " HOST " " FORGE_JKT " 2026-11-23T18:30:00Z 0 0 -x",
		"S 1 " HOST " " FORGE_JKT " 2026-11-23T18:30:00Z 1 0 -",
		"S 1 " HOST " " FORGE_JKT " 2026-11-23T18:30:00Z 0 0 "
		    FORGE_JKT,
		"S 1 " HOST " " FORGE_JKT " 2026-11-23 0 0 -",
		"S 1 127.0.0.1 " FORGE_JKT " 2026-11-23T18:30:00Z 0 0 -",
		"S 1 " HOST " x 2026-11-23T18:30:00Z 0 0 -",
		"R 0 " FORGE_JKT " @cee:{}", "R 1 " FORGE_JKT, "R 1 x @cee:{}",
		"R 1 " FORGE_JKT " ", "R 1 " FORGE_JKT " @cee:{}",
		"R 9999999999999999999 " FORGE_JKT " @cee:{}",
		"R -1 " FORGE_JKT " @cee:{}", "C 1 0 " FORGE_JKT,
		"C 1 0 " FORGE_JKT " x", "C 0 0 " FORGE_JKT " x",
		"RR 1 " FORGE_JKT " @cee:{}", "X 1" };
	struct fo_seal_line line = { .kind = '?' };
	struct fo_diag diag;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		diag.text[0] = '\0';
		cr_expect_eq(fo_seal_line_read(texts[i], strlen(texts[i]),
		    &diag, &line), FO_ERR_FORMAT, "%s", texts[i]);
		cr_expect_neq(diag.text[0], '\0', "%s", texts[i]);
		cr_expect_eq(line.kind, '?', "%s", texts[i]);
	}
}

Test(seal, a_line_longer_than_any_is_refused_and_none_is_written)
{
	char *text = calloc(1, FO_SEAL_EVENT_MAX + 1024);
	const size_t len = FO_SEAL_EVENT_MAX + 1;
	struct fo_seal seal = before[R1].seal, next;
	struct fo_seal_line line;
	struct fo_buf made;
	struct fo_diag diag;

	cr_assert_not_null(text);
	memset(text, 'R', FO_SEAL_EVENT_MAX + 1023);
	cr_expect_eq(fo_seal_line_read(text, FO_SEAL_LINE_MAX + 1, &diag,
	    &line), FO_ERR_FORMAT);
	fo_buf_init(&made, FO_SEAL_LINE_MAX + 1);
	cr_expect_eq(fo_seal_record(&seal, text, len, &made, &next),
	    FO_ERR_TOO_LONG);
	cr_expect_eq(fo_seal_record(&seal, text, len - 1, &made, &next),
	    FO_OK);
	cr_expect_leq(made.len, FO_SEAL_LINE_MAX + 1);
	fo_buf_clear(&made);
	free(text);
}

Test(seal, nothing_has_come_further_when_a_line_finds_no_room)
{
	struct fo_seal seal = before[R1].seal, next = seal;
	char text[FO_EVENT_SIZE], memory[64];
	struct fo_buf line;

	write_event(1, text);
	fo_buf_init_in(&line, memory, sizeof(memory));
	cr_expect_eq(fo_seal_record(&seal, text, strlen(text), &line, &next),
	    FO_ERR_TOO_LONG);
	fo_buf_init_in(&line, memory, sizeof(memory));
	cr_expect_eq(fo_seal_point(&seal, 'C', key, NOW, NULL, &line, &next),
	    FO_ERR_TOO_LONG);
	fo_buf_init_in(&line, memory, sizeof(memory));
	cr_expect_eq(fo_seal_start(&seal, HOST, FORGE_JKT, NOW, &line, &next),
	    FO_ERR_TOO_LONG);
	cr_expect_eq(memcmp(&seal, &next, sizeof(seal)), 0);
}

/* ---- the place in a log -------------------------------------------------- */

/* A letter a text. */
static struct fo_seal_tail
tail_of(const char *letters)
{
	struct fo_seal_tail tail = { .count = 0 };

	for (; *letters != '\0'; letters++)
		cr_assert_eq(fo_seal_tail_add(&tail, letters, 1), FO_OK);

	return tail;
}

Test(seal, a_trail_has_come_where_its_last_texts_are_the_last_of_the_log)
{
	static const struct {
		const char *trail;
		const char *log;
		size_t most;
		bool want;
	} cases[] = {
		{ "abc", "abc", 64, true },
		{ "abc", "xxabc", 64, true },
		{ "abc", "ab", 64, false },
		{ "abc", "abcd", 64, false },
		{ "abc", "xbc", 64, false },	/* one before was changed */
		{ "abc", "xbc", 2, true },
		{ "abc", "bc", 64, true },	/* the log begins there */
		{ "abc", "c", 64, true },
		{ "aab", "aaab", 64, true },
		{ "baa", "ba", 64, false },	/* the first of two alike */
		{ "baa", "baa", 64, true },
		{ "", "abc", 64, false },
		{ "abc", "", 64, false },
		{ "abc", "abc", 0, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct fo_seal_tail trail = tail_of(cases[i].trail);
		const struct fo_seal_tail log = tail_of(cases[i].log);

		cr_expect_eq(fo_seal_tail_reached(&trail, &log,
		    cases[i].most), cases[i].want, "%s in %s", cases[i].trail,
		    cases[i].log);
	}
}

Test(seal, only_the_last_texts_are_known)
{
	struct fo_seal_tail trail = { .count = 0 };
	struct fo_seal_tail log;
	int n;

	for (n = 0; n < 1000; n++)
		cr_assert_eq(fo_seal_tail_add(&trail, (const char *)&n,
		    sizeof(n)), FO_OK);
	for (n = 0; n < 1000; n++) {
		log.count = 0;
		cr_assert_eq(fo_seal_tail_add(&log, (const char *)&n,
		    sizeof(n)), FO_OK);
		cr_expect_eq(fo_seal_tail_has(&trail, &log),
		    n >= 1000 - FO_SEAL_TAIL, "%d", n);
	}
}
