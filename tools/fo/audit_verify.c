/*
 * fo audit verify: what of a sealed trail is proven, and what is wrong first.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "host/clock.h"
#include "host/rfc3339.h"

#include "json.h"
#include "out.h"
#include "sealed.h"
#include "verb.h"
#include "when.h"

/* Ten heartbeats. */
#define MAX_AGE_S 600
/* A clock that is ahead of ours may be so by this. */
#define SKEW_S 300
#define MAX_NOTES 32
/* So many times without sealing are told one by one; the rest is counted. */
#define MAX_STOPS 5
#define SPAN_SIZE 32

enum { OPT_JKT, OPT_HEAD, OPT_AGE };

static const struct verb_option options[] = {
	[OPT_JKT] = { "jkt", "JKT", "the thumbprint of the key that must have"
	    " signed" },
	[OPT_HEAD] = { "head", "HEAD", "checkpoints that were kept elsewhere,"
	    " one a line" },
	[OPT_AGE] = { "max-age", "SPAN", "how old the last checkpoint may be;"
	    " default 10m" },
	{ NULL, NULL, NULL }
};

struct verify {
	const struct call *call;
	const char *path;	/* the file that is being read */
	int64_t now_s;
	int64_t max_age_s;
	struct sealed sealed;
	struct heads heads;
	const struct head *other; /* the trail has another in its place */
	/* times, 0: none yet */
	char from[FO_TIME_SIZE];
	char to[FO_TIME_SIZE];
	int64_t begun_s;
	int64_t first_s;	/* of the first checkpoint */
	int64_t last_s;		/* of the last */
	char last_kind;
	/* the last checkpoint that --head has too */
	uint64_t kept_number;
	uint64_t kept_point;
	int64_t kept_s;
	size_t stops;
	/* what is told */
	char *notes[MAX_NOTES + 1];
	size_t notes_count;
};

/* ---- words --------------------------------------------------------------- */

static void
add_note(struct verify *verify, const char *fmt, ...) FO_PRINTF(2, 3);

/* Nobody misses one more remark where memory is short. */
static void
add_note(struct verify *verify, const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	if (verify->notes_count == MAX_NOTES)
		return;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n >= 0)
		verify->notes[verify->notes_count++] = text;
}

/* 2026-11-24T18:30:00Z; what was signed has a time that can be written. */
static const char *
time_text(int64_t s, char ret[FO_TIME_SIZE])
{
	if (s <= 0 || fo_time_format(s, ret) != FO_OK)
		(void)snprintf(ret, FO_TIME_SIZE, "-");

	return ret;
}

static const char *
span_text(int64_t s, char ret[SPAN_SIZE])
{
	const bool days = s >= 2 * DAY_S, hours = s >= 7200, min = s >= 120;
	const int64_t unit = days ? DAY_S : hours ? 3600 : min ? 60 : 1;

	(void)snprintf(ret, SPAN_SIZE, "%" PRId64 " %s", s / unit, days ?
	    "days" : hours ? "h" : min ? "min" : "s");

	return ret;
}

/* ---- the trail ----------------------------------------------------------- */

/* A time without checkpoints: was anything sealed then? */
static void
look_for_stop(struct verify *verify, const struct fo_seal_line *line)
{
	char from[FO_TIME_SIZE], to[FO_TIME_SIZE], span[SPAN_SIZE];
	const int64_t gone_s = line->time_s - verify->last_s;

	if (verify->last_s == 0 || (gone_s >= 0 &&
	    gone_s <= verify->max_age_s))
		return;
	if (verify->stops++ >= MAX_STOPS)
		return;
	time_text(verify->last_s, from);
	time_text(line->time_s, to);
	if (gone_s < 0)
		add_note(verify, "the clock was set back: checkpoint %" PRIu64
		    " is of %s, the one before it of %s", line->point, to,
		    from);
	else if (verify->last_kind == 'E')
		add_note(verify, "sealing was stopped for %s, from %s to %s",
		    span_text(gone_s, span), from, to);
	else
		add_note(verify, "nothing was signed for %s, from %s to %s:"
		    " sealing did not run, and had not ended in order",
		    span_text(gone_s, span), from, to);
}

/* Was this checkpoint, which agrees with all that were kept, in --head? */
static void
look_for_kept(struct verify *verify, const struct fo_seal_line *line)
{
	const struct heads *heads = &verify->heads;
	size_t i;

	for (i = heads->next; i > 0 && heads->list[i - 1].point ==
	    line->point; i--)
		if (heads->list[i - 1].from == verify->call->option[OPT_HEAD]) {
			verify->kept_number = line->number;
			verify->kept_point = line->point;
			verify->kept_s = line->time_s;
		}
}

static fo_err
take_line(const struct fo_seal_line *line, const char *text, size_t len,
    void *arg)
{
	struct verify *verify = arg;

	switch (line->kind) {
	case 'S':
		if (verify->begun_s == 0)
			verify->begun_s = line->time_s;
		return FO_OK;
	case 'R':
		if (verify->from[0] == '\0')
			memcpy(verify->from, verify->sealed.place.before,
			    sizeof(verify->from));
		return FO_OK;
	default:
		if (verify->other == NULL && heads_agree(&verify->heads,
		    line, text, len, &verify->other))
			look_for_kept(verify, line);
		look_for_stop(verify, line);
		if (verify->first_s == 0)
			verify->first_s = line->time_s;
		verify->last_s = line->time_s;
		verify->last_kind = line->kind;
		memcpy(verify->to, verify->sealed.place.before,
		    sizeof(verify->to));
		return FO_OK;
	}
}

static fo_err
read_file(struct verify *verify, struct fo_diag *diag)
{
	const int fd = open(verify->path, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	struct stat st;
	fo_err r;

	if (fd < 0 || fstat(fd, &st) != 0) {
		fo_diag_set(diag, "%s: %s", verify->path, strerror(errno));
		r = FO_ERR_IO;
	} else if (!S_ISREG(st.st_mode)) {
		fo_diag_set(diag, "%s: is not a file", verify->path);
		r = FO_ERR_IO;
	} else {
		r = sealed_read(fd, verify->path, &verify->sealed, diag);
	}
	if (fd >= 0)
		close(fd);

	return r;
}

/* One after the other, up to what is wrong. */
static fo_err
read_files(struct verify *verify, struct fo_diag *diag)
{
	const struct call *call = verify->call;
	fo_err r = FO_OK;
	int i;

	for (i = 0; i < call->argc && r == FO_OK; i++) {
		if (i > 0)
			fo_seal_walk_next_file(&verify->sealed.walk);
		verify->path = call->argv[i];
		r = read_file(verify, diag);
		if (verify->sealed.walk.fault.wrong > FO_SEAL_WHOLE)
			break;
		if (r == FO_OK && verify->sealed.torn > 0)
			add_note(verify, "%s: its last line has no end: it is"
			    " being written just now, or was torn by a crash",
			    verify->path);
	}

	return r;
}

/*
 * What FILE.head and --head have. Read before the trail: a trail that is
 * growing meanwhile may get further than they are, never less far.
 */
static fo_err
read_heads(struct verify *verify, char **ret_beside, struct fo_diag *diag)
{
	const struct call *call = verify->call;
	const char *given = call->option[OPT_HEAD];
	fo_err r = FO_OK;

	if (asprintf(ret_beside, "%s" SEALED_HEAD,
	    call->argv[call->argc - 1]) < 0) {
		*ret_beside = NULL;
		return FO_ERR_NOMEM;
	}
	if (access(*ret_beside, F_OK) == 0)
		r = heads_read(*ret_beside, diag, &verify->heads);
	if (r == FO_OK && given != NULL && strcmp(given, *ret_beside) != 0)
		r = heads_read(given, diag, &verify->heads);

	return r;
}

/* ---- the verdict --------------------------------------------------------- */

/* There is a later checkpoint than the trail has: is it one of this trail? */
static const char *
say_beyond(const struct verify *verify, const struct head *head,
    char ret[SEALED_FAULT_SIZE])
{
	const struct fo_seal *seal = &verify->sealed.walk.seal;
	char mine[FO_TIME_SIZE], theirs[FO_TIME_SIZE];
	struct fo_diag diag = { "" };
	struct fo_seal_line line;
	fo_err r;

	r = fo_seal_line_read(head->text, head->len, &diag, &line);
	if (r == FO_OK)
		r = fo_seal_point_check(&line, seal->host, seal->jkt, NULL,
		    &diag);
	if (r != FO_OK) {
		(void)snprintf(ret, SEALED_FAULT_SIZE, "%s: its checkpoint"
		    " %" PRIu64 " is not signed by %s for %s: %s", head->from,
		    head->point, seal->jkt, seal->host, diag.text[0] != '\0' ?
		    diag.text : fo_err_text(r));
		return "bad_head";
	}
	(void)snprintf(ret, SEALED_FAULT_SIZE, "the file ends at record %"
	    PRIu64 " and checkpoint %" PRIu64 " of %s, but %s knows record %"
	    PRIu64 " and checkpoint %" PRIu64 " of %s: its tail was cut, or"
	    " an old file was put back", verify->sealed.walk.sealed,
	    seal->point, time_text(verify->last_s, mine), head->from,
	    line.number, line.point, time_text(line.time_s, theirs));

	return "cut";
}

/* Does it end as one should that is being sealed, or was? */
static const char *
say_old(const struct verify *verify, char ret[SEALED_FAULT_SIZE])
{
	const int64_t age_s = verify->now_s - verify->last_s;
	char at[FO_TIME_SIZE], span[SPAN_SIZE];

	if (verify->last_kind == 'E' || age_s <= verify->max_age_s)
		return "ok";
	(void)snprintf(ret, SEALED_FAULT_SIZE, "the last checkpoint, of %s,"
	    " is %s old and not an end: sealing stopped, or the tail was cut",
	    time_text(verify->last_s, at), span_text(age_s, span));

	return "old";
}

/* The word of what is wrong first, and its sentence; "ok": nothing is. */
static const char *
judge(const struct verify *verify, char ret[SEALED_FAULT_SIZE])
{
	const fo_seal_wrong wrong = verify->sealed.walk.fault.wrong;
	const struct head *head;

	ret[0] = '\0';
	if (verify->other != NULL) {
		(void)snprintf(ret, SEALED_FAULT_SIZE, "checkpoint %" PRIu64
		    " is not the one that %s knows: the file was made anew,"
		    " or is of another trail", verify->other->point,
		    verify->other->from);
		return "other_head";
	}
	if (wrong != FO_SEAL_WHOLE) {
		sealed_fault(&verify->sealed, ret);
		return sealed_word(wrong);
	}
	head = heads_beyond(&verify->heads, verify->sealed.walk.seal.point);
	if (head != NULL)
		return say_beyond(verify, head, ret);

	return say_old(verify, ret);
}

/* What a verdict does not say. */
static void
add_remarks(struct verify *verify, const char *word)
{
	const struct fo_seal_walk *walk = &verify->sealed.walk;
	const uint64_t open = walk->seal.number - walk->sealed;
	char at[FO_TIME_SIZE];

	if (verify->stops > MAX_STOPS)
		add_note(verify, "there were %zu more such times",
		    verify->stops - MAX_STOPS);
	if (walk->first > 0)
		add_note(verify, "it begins after record %" PRIu64 ": what"
		    " was before that is in another file", walk->first);
	if (strcmp(word, "ok") != 0)
		return;
	if (open > 0)
		add_note(verify, "%" PRIu64 " record%s after the last"
		    " checkpoint %s not signed yet", open, open == 1 ? "" :
		    "s", open == 1 ? "is" : "are");
	if (verify->last_kind == 'E')
		add_note(verify, "sealing ended in order at %s",
		    time_text(verify->last_s, at));
	if (verify->last_s > verify->now_s + SKEW_S)
		add_note(verify, "the last checkpoint is of %s, which is still"
		    " to come by this machine's clock",
		    time_text(verify->last_s, at));
	if (verify->call->option[OPT_JKT] == NULL)
		add_note(verify, "the key is the one that the file names"
		    " itself, so it only agrees with itself: say --jkt");
	if (verify->kept_point == 0)
		add_note(verify, "whether its end was cut off, or root of the"
		    " host made it anew, shows only against a checkpoint of"
		    " it that was kept elsewhere: say --head");
}

/* ---- telling ------------------------------------------------------------- */

static void
print_proven(const struct verify *verify)
{
	const struct fo_seal_walk *walk = &verify->sealed.walk;
	char first[FO_TIME_SIZE], last[FO_TIME_SIZE];

	printf("host         %s\nkey          %s\n", walk->seal.host,
	    walk->seal.jkt);
	if (walk->sealed > walk->first)
		printf("records      %" PRIu64 " to %" PRIu64 ", of %s to"
		    " %s\n", walk->first + 1, walk->sealed, verify->from[0] !=
		    '\0' ? verify->from : "-", verify->to[0] != '\0' ?
		    verify->to : "-");
	else
		printf("records      none\n");
	printf("checkpoints  %" PRIu64 " to %" PRIu64 ", of %s to %s\n",
	    walk->first_point + 1, walk->seal.point,
	    time_text(verify->first_s, first),
	    time_text(verify->last_s, last));
	if (verify->kept_point > 0)
		printf("kept         record %" PRIu64 " and checkpoint %" PRIu64
		    ", of %s: since then root changed nothing before it\n",
		    verify->kept_number, verify->kept_point,
		    time_text(verify->kept_s, last));
}

static int
print_json(const struct verify *verify, const char *word, const char *fault)
{
	const struct fo_seal_walk *walk = &verify->sealed.walk;
	struct json *json = json_object_new();
	char text[FO_TIME_SIZE];

	json_flag(json, "ok", fault[0] == '\0');
	json_text(json, "why", word);
	json_text(json, "error", fault[0] != '\0' ? fault : NULL);
	json_text(json, "file", verify->path);
	json_text(json, "host", walk->anything ? walk->seal.host : NULL);
	json_text(json, "jkt", walk->anything ? walk->seal.jkt : NULL);
	json_flag(json, "jkt_known", verify->call->option[OPT_JKT] != NULL);
	json_number(json, "after", (int64_t)walk->first);
	json_number(json, "sealed", (int64_t)walk->sealed);
	json_number(json, "unsealed", (int64_t)(walk->seal.number -
	    walk->sealed));
	json_number(json, "checkpoint", (int64_t)walk->seal.point);
	json_text(json, "from", verify->from[0] != '\0' ? verify->from :
	    NULL);
	json_text(json, "to", verify->to[0] != '\0' ? verify->to : NULL);
	json_text(json, "begun", verify->begun_s > 0 ?
	    time_text(verify->begun_s, text) : NULL);
	json_text(json, "signed", verify->last_s > 0 ?
	    time_text(verify->last_s, text) : NULL);
	json_flag(json, "ended", verify->last_kind == 'E');
	if (verify->kept_point > 0)
		json_number(json, "kept", (int64_t)verify->kept_number);
	if (walk->fault.first > 0 && !walk->fault.points)
		json_number(json, "record", (int64_t)walk->fault.first);
	json_texts(json, "notes", (const char *const *)verify->notes);

	return json_print(&json);
}

static int
report(struct verify *verify)
{
	char fault[SEALED_FAULT_SIZE];
	const char *word = judge(verify, fault);
	int code = FO_EXIT_DONE;
	size_t i;

	add_remarks(verify, word);
	if (fault[0] != '\0')
		code = fail(NULL, FO_EXIT_DENIED, FO_ERR_FORMAT, "%s: %s",
		    verify->path, fault);
	if (verify->call->json)
		return print_json(verify, word, fault) == FO_EXIT_DONE ?
		    code : FO_EXIT_TROUBLE;
	if (code == FO_EXIT_DONE)
		printf("whole: %s\n", verify->path);
	else if (verify->last_s > 0)
		printf("signed, up to what is wrong:\n");
	if (verify->last_s > 0)
		print_proven(verify);
	for (i = 0; i < verify->notes_count; i++)
		printf("note         %s\n", verify->notes[i]);

	return code;
}

/* ---- doing it -------------------------------------------------------- */

static int
check_options(const struct call *call, struct verify *verify)
{
	const char *jkt = call->option[OPT_JKT], *age = call->option[OPT_AGE];
	struct fo_now now;

	verify->max_age_s = MAX_AGE_S;
	if (jkt != NULL && !fo_jkt_ok(jkt))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--jkt %s: not a"
		    " thumbprint; it is 43 of A-Z a-z 0-9 - _", jkt);
	if (age != NULL && !span_parse(age, &verify->max_age_s))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--max-age %s:"
		    " must be a span of time, as 10m or 7d", age);
	if (fo_clock_system.now(fo_clock_system.arg, &now) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "the clock cannot be read");
	verify->now_s = now.s;

	return FO_EXIT_DONE;
}

static int
run(const struct call *call)
{
	struct verify *verify = calloc(1, sizeof(*verify));
	struct fo_verifier *verifier = NULL;
	struct fo_diag diag = { "" };
	char *beside = NULL;
	fo_err r;
	int code;

	if (verify == NULL)
		return fail_err(call, FO_ERR_NOMEM, NULL, NULL);
	verify->call = call;
	verify->sealed.on_line = take_line;
	verify->sealed.arg = verify;
	if ((code = check_options(call, verify)) != FO_EXIT_DONE)
		goto out;
	if ((r = fo_verifier_new(&verifier)) == FO_OK) {
		fo_seal_walk_init(&verify->sealed.walk, call->option[OPT_JKT],
		    verifier);
		if ((r = read_heads(verify, &beside, &diag)) == FO_OK)
			r = read_files(verify, &diag);
	}
	code = r == FO_OK ? report(verify) : fail(call, FO_EXIT_TROUBLE, r,
	    "%s", diag.text[0] != '\0' ? diag.text : fo_err_text(r));
out:
	while (verify->notes_count > 0)
		free(verify->notes[--verify->notes_count]);
	heads_clear(&verify->heads);
	fo_verifier_free(&verifier);
	free(beside);
	free(verify);
	return code;
}

const struct verb verb_audit_verify = {
	.name = "audit verify",
	.synopsis = "[options] FILE...",
	.summary = "Say whether a sealed trail is whole, or what is wrong",
	.text =
	    "Read what fo audit seal wrote, from its beginning to its end, and"
	    " name what is wrong\nfirst: which record was changed, is missing,"
	    " is there twice or in another place,\nwhich checkpoint nobody"
	    " signed. FILE.head beside it is compared where it is there.\nMore"
	    " than one FILE are parts of one trail, the oldest first.\n\n"
	    "A file by itself shows that its records belong together, no more."
	    " That they were\nsealed by your host says --jkt, which you know"
	    " from elsewhere. That the end was not\ncut off, no old file put"
	    " back, and nothing made anew by root of that host, who has\nthe"
	    " key, says --head: a copy of FILE.head that the host could not"
	    " change any more,\nor many of them one after the other. Root can"
	    " forge what came after the last of\nthem.\n\n"
	    "A last checkpoint that is older than --max-age counts as wrong,"
	    " since one is made\nevery minute; it does not if it says that"
	    " sealing ended there. For a copy, say how\nold that is.\n\n"
	    "The lines of FILE, by which anybody can check it:\n\n"
	    "  S 1 HOST JKT TIME K N HASH  begins a file: after which K, N"
	    " and HASH\n"
	    "  R N HASH EVENT              a record\n"
	    "  C K N HASH PROOF            a checkpoint after record N\n"
	    "  E K N HASH PROOF            the same, where sealing ended\n\n"
	    "HASH of a record is SHA-256, as base64url, over its line with"
	    " the HASH before it\nin place of its own; before the first stands"
	    " the SHA-256 over the S line. PROOF is a\nDPoP proof (RFC 9449),"
	    " htm SEAL, htu firstops-seal:HOST:C:K:N:HASH, or :E:.\n",
	.example =
	    "  fo audit verify /var/log/firstops/sealed --head /srv/bastion"
	    " \\\n    --jkt NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\n",
	.exits =
	    "  0  whole\n"
	    "  1  something is wrong, and named\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: a file cannot be read; no verdict\n",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.json = true,
	.run = run,
};
