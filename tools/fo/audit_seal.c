/*
 * fo audit seal: chain events as they come, and sign the chain.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "host/audit.h"
#include "host/clock.h"
#include "host/rfc3339.h"

#include "admin.h"
#include "key.h"
#include "log.h"
#include "options.h"
#include "out.h"
#include "seal_file.h"
#include "speaker.h"
#include "trail.h"
#include "verb.h"
#include "when.h"

#define LOG_PATH "/var/log/firstops.log"
#define RECORDS 1000
#define RECORDS_MAX 1000000
#define INTERVAL_S 60
/* Between two checkpoints so many reasons are told; the rest is counted. */
#define MAX_REASONS 5
/* How long the event of the end may take to come back out of the log. */
#define STOP_MS 2000
/* Where a log broke off, before it is read again. */
#define AGAIN_MS 1000

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define MINUTE_US (60 * SECOND_US)

enum { OPT_KEY, OPT_OUT, OPT_AFTER, OPT_JOURNAL, OPT_RECORDS, OPT_INTERVAL };

static const struct verb_option options[] = {
	[OPT_KEY] = { "key", "FILE", "the private key to sign with"
	    " (required)" },
	[OPT_OUT] = { "out", "FILE", "where to seal (required)" },
	[OPT_AFTER] = { "after", "OLD", "a new FILE goes on where OLD ends" },
	[OPT_JOURNAL] = { "journal", NULL, "read the journal of this"
	    " machine" },
	[OPT_RECORDS] = { "records", "N", "sign after so many records;"
	    " default 1000" },
	[OPT_INTERVAL] = { "interval", "SPAN", "sign after this time;"
	    " default 60s" },
	{ NULL, NULL, NULL }
};

/*
 * Ways to find where the trail has come to in the log, tried in this order.
 * The last records are looked for first, where they should be and then
 * everywhere; then the last one alone; and where that is not there any more,
 * all that is later counts as new.
 */
static const struct way {
	size_t most;		/* so many records are looked for */
	bool near;		/* not before the hour of the last record */
} ways[] = {
	{ FO_SEAL_TAIL, true },
	{ FO_SEAL_TAIL, false },
	{ 1, false },
	{ 0, true },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))
#define WAY_ALONE (WAYS - 2)
#define WAY_BY_TIME (WAYS - 1)

struct sealer {
	const struct call *call;
	const struct admin *admin;
	const struct fo_key *key;
	struct seal_file *file;
	struct speakers speakers;
	const char *log;	/* a path, or NULL: this machine's journal */
	bool journal;
	int64_t records;
	int64_t interval_ms;
	/* since the last checkpoint */
	uint64_t unsigned_count;
	int64_t signed_ms;
	/* the place in the log */
	size_t way;
	bool settled;		/* what comes from here on is new */
	bool not_found;		/* not in this way */
	uint64_t sought;	/* the last record, when this way began, */
	struct fo_seal_tail tail; /* and the last ones */
	int64_t since_us;	/* by time: what is not older is new */
	struct fo_seal_tail past; /* of the log, up to here */
	/* the beginning and the end */
	bool started;
	bool stopping;
	bool stopped;		/* the event of the end is sealed */
	bool over;
	int64_t stop_by_ms;
	/* what is told */
	size_t unread;
	size_t unheard;		/* events that not every sink has */
	fo_err r;		/* what went wrong while it waited */
	struct fo_diag diag;
};

static volatile sig_atomic_t ended;

static void
end(int number)
{
	(void)number;
	ended = 1;
}

/* ---- what is told -------------------------------------------------------- */

static void
bad(const char *from, uint64_t number, const char *reason, void *arg)
{
	struct sealer *sealer = arg;

	/* a line that comes before the place was told when it was new */
	if (number > 0 && !sealer->settled && sealer->way != WAY_BY_TIME)
		return;
	if (sealer->unread++ >= MAX_REASONS)
		return;
	if (number > 0)
		note("fo: %s:%llu: not sealed: %s", from,
		    (unsigned long long)number, reason);
	else
		note("fo: %s: %s", from, reason);
}

/* Tell every sink that the sealing begins or ends. */
static void
tell(struct sealer *sealer, fo_ev ev, const char *detail)
{
	const struct fo_config *config = sealer->admin->config;
	const struct fo_audit audit = {
		.tag = "fo",
		.socket_path = FO_AUDIT_SOCKET,
		.required = config->audit_required,
		.best_effort = config->audit_best_effort,
	};
	struct fo_event event = { 0 };
	struct fo_diag diag = { "" };
	char by[ADMIN_NAME_SIZE];
	fo_err r;

	admin_name(by);
	if ((r = fo_event_init(&event, &fo_clock_system)) == FO_OK) {
		event.host = config->host;
		event.ev = ev;
		event.res = FO_RES_PERMIT;
		event.jkt = sealer->file->seal.jkt;
		event.act = "seal";
		event.what = sealer->file->path;
		event.by = by;
		event.detail = detail;
		r = fo_audit_emit(&audit, &event, &diag);
	}
	if (r == FO_OK)
		return;
	sealer->unheard++;
	note("fo: not every audit sink has the event %s: %s", fo_ev_word(ev),
	    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
}

/* ---- sealing ------------------------------------------------------------- */

static fo_err
now(struct sealer *sealer, struct fo_now *ret)
{
	const fo_err r = fo_clock_system.now(fo_clock_system.arg, ret);

	if (r != FO_OK)
		fo_diag_set(&sealer->diag, "the clock cannot be read");

	return r;
}

static fo_err
sign(struct sealer *sealer, char kind)
{
	struct fo_now at;
	fo_err r;

	if ((r = now(sealer, &at)) != FO_OK ||
	    (r = seal_file_point(sealer->file, kind, sealer->key, at.s,
	    &sealer->diag)) != FO_OK)
		return r;
	sealer->unsigned_count = 0;
	sealer->signed_ms = at.boot_ms;
	if (sealer->unread > MAX_REASONS)
		note("fo: %zu more could not be read and are not sealed",
		    sealer->unread - MAX_REASONS);
	sealer->unread = 0;

	return FO_OK;
}

/* Also when nothing came: a file that does not grow shows that it was cut. */
static fo_err
sign_if_due(struct sealer *sealer)
{
	struct fo_now at;
	fo_err r;

	if (sealer->unsigned_count >= (uint64_t)sealer->records)
		return sign(sealer, 'C');
	if ((r = now(sealer, &at)) != FO_OK)
		return r;

	return at.boot_ms - sealer->signed_ms >= sealer->interval_ms ?
	    sign(sealer, 'C') : FO_OK;
}

static fo_err
seal(struct sealer *sealer, const struct fo_event_read *event)
{
	char pid[16];
	fo_err r;

	r = seal_file_add(sealer->file, event, &sealer->diag);
	if (r != FO_OK)
		return r;
	sealer->unsigned_count++;
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (sealer->stopping &&
	    fo_value_is(&event->value[FO_KEY_EV], "audit_stop") &&
	    fo_value_is(&event->value[FO_KEY_PID], pid))
		sealer->stopped = true;

	return sign_if_due(sealer);
}

/* ---- the place in the log ------------------------------------------------ */

/* From here on everything is new. Say so, if it had to be guessed. */
static void
settle(struct sealer *sealer)
{
	const unsigned long long number =
	    (unsigned long long)sealer->sought;
	const char *log = sealer->log != NULL ? sealer->log : "the journal";
	char detail[128] = "";

	sealer->settled = true;
	if (number > 0 && sealer->way == WAY_ALONE)
		(void)snprintf(detail, sizeof(detail), "records before %llu"
		    " are not in the log as they were sealed", number);
	else if (number > 0 && sealer->way == WAY_BY_TIME)
		(void)snprintf(detail, sizeof(detail), "record %llu is not in"
		    " the log any more: what came next may be missing",
		    number);
	if (detail[0] != '\0')
		note("fo: %s: %s", log, detail);
	if (sealer->started && detail[0] == '\0')
		return;
	sealer->started = true;
	tell(sealer, FO_EV_AUDIT_START, detail[0] != '\0' ? detail : NULL);
}

/*
 * Has the trail not come to this event yet? Where only its time can tell,
 * what could be new is: better sealed twice than lost.
 */
static fo_err
is_new(struct sealer *sealer, const struct fo_event_read *event, bool *ret)
{
	const struct way *way = &ways[sealer->way];
	fo_err r;

	*ret = sealer->settled;
	if (sealer->settled)
		return FO_OK;
	r = fo_seal_tail_add(&sealer->past, event->text, event->len);
	if (r != FO_OK)
		return r;
	if (way->most == 0)
		*ret = (event->t_us < 0 ||
		    event->t_us >= sealer->since_us) &&
		    !fo_seal_tail_has(&sealer->tail, &sealer->past);
	else if (fo_seal_tail_reached(&sealer->tail, &sealer->past,
	    way->most))
		settle(sealer); /* with the next one */

	return FO_OK;
}

/*
 * Only what can be trusted is sealed: of a journal what the kernel vouches
 * for; of a file everything, since root alone could write it.
 */
static bool
is_trusted(const struct audit_entry *entry)
{
	return entry->trust == (entry->line->tag != NULL ? TRUST_VERIFIED :
	    TRUST_UNVERIFIABLE);
}

static fo_err
read_line(const struct log_line *line, void *arg)
{
	struct sealer *sealer = arg;
	struct fo_diag diag = { "" };
	struct audit_entry entry;
	bool fresh = false;
	fo_err r;

	r = speakers_entry(&sealer->speakers, line, &diag, &entry);
	/* what a stranger writes that looks like an event is no news */
	if (diag.text[0] != '\0' && (line->uid == LOG_NO_UID ||
	    speakers_know(&sealer->speakers, line->uid)))
		bad(line->from, line->number, diag.text, sealer);
	if (r != FO_OK || !is_trusted(&entry))
		return FO_OK;
	if ((r = is_new(sealer, &entry.event, &fresh)) != FO_OK || !fresh)
		return r;

	return seal(sealer, &entry.event);
}

/* ---- reading the log ----------------------------------------------------- */

/* The end: its event is to be sealed too, which takes a moment. */
static fo_err
look_for_end(struct sealer *sealer)
{
	struct fo_now at;
	fo_err r;

	if (ended == 0)
		return FO_OK;
	if ((r = now(sealer, &at)) != FO_OK)
		return r;
	if (!sealer->stopping) {
		sealer->stopping = true;
		sealer->stop_by_ms = at.boot_ms + STOP_MS;
		tell(sealer, FO_EV_AUDIT_STOP, NULL);
	}
	sealer->over = sealer->stopped || at.boot_ms >= sealer->stop_by_ms;

	return FO_OK;
}

/*
 * There is nothing more in the log just now. Whoever has not come to the
 * place yet does not find it in this way.
 */
static bool
is_over(void *arg)
{
	struct sealer *sealer = arg;

	if (!sealer->settled && sealer->way == WAY_BY_TIME)
		settle(sealer);
	sealer->not_found = !sealer->settled;
	if (sealer->not_found)
		return true;
	if ((sealer->r = sign_if_due(sealer)) != FO_OK ||
	    (sealer->r = look_for_end(sealer)) != FO_OK)
		return true;

	return sealer->over;
}

/*
 * Read the log in one way, to its end and on. By time what is new begins a
 * little before the last record, since events do not come in the order of
 * their times; without a record, where the trail begins.
 */
static fo_err
read_log(struct sealer *sealer)
{
	const struct log_sink sink = { read_line, bad, is_over, sealer };
	const struct seal_file *file = sealer->file;
	const bool none = file->tail.count == 0;
	const int64_t last = none ? file->start_s * SECOND_US :
	    file->last_us;
	const struct log_span span = { .since_us = ways[sealer->way].near &&
		last > HOUR_US ? last - HOUR_US : 1 };

	sealer->settled = sealer->not_found = false;
	sealer->sought = file->seal.number;
	sealer->tail = file->tail;
	sealer->since_us = none ? last : last - MINUTE_US;
	sealer->past.count = 0;
	if (sealer->journal)
		return log_journal_read(sealer->log, true, &span, &sink,
		    &sealer->diag);

	return trail_read(sealer->log, span.since_us, &sink, &sealer->diag);
}

/*
 * Follow the log until a signal ends it. Where it breaks off, the place is
 * looked for again.
 */
static fo_err
follow(struct sealer *sealer)
{
	const struct fo_seal_tail *tail = &sealer->file->tail;
	fo_err r;

	for (;;) {
		if (sealer->not_found)
			sealer->way++;
		else
			sealer->way = tail->count > 0 ? 0 : WAY_BY_TIME;
		if ((r = read_log(sealer)) != FO_OK ||
		    (r = sealer->r) != FO_OK || sealer->over)
			return r;
		if (sealer->not_found)
			continue;
		if (ended != 0)
			return FO_OK;
		(void)poll(NULL, 0, AGAIN_MS);
	}
}

/* ---- doing it -------------------------------------------------------- */

/* The end, in order or not: both are told, and the first is signed. */
static int
finish(struct sealer *sealer, fo_err r)
{
	const struct call *call = sealer->call;

	if (r == FO_OK && !sealer->stopping)
		tell(sealer, FO_EV_AUDIT_STOP, NULL);
	if (r == FO_OK)
		r = sign(sealer, 'E');
	if (r != FO_OK) {
		tell(sealer, FO_EV_AUDIT_STOP, sealer->diag.text);
		return fail(call, FO_EXIT_TROUBLE, r, "%s",
		    sealer->diag.text[0] != '\0' ? sealer->diag.text :
		    fo_err_text(r));
	}

	return sealer->unheard > 0 ? FO_EXIT_TROUBLE : FO_EXIT_DONE;
}

static int
seal_log(struct sealer *sealer)
{
	const struct seal_file *file = sealer->file;
	fo_err r;

	if (file->torn > 0)
		note("fo: %s: the last line was torn, as by a crash: %lld"
		    " bytes after record %llu were cut off; no checkpoint had"
		    " signed them", file->path, (long long)file->torn,
		    (unsigned long long)file->seal.number);
	note("fo: sealing %s into %s, after record %llu, by key %s",
	    sealer->log != NULL ? sealer->log : "the journal", file->path,
	    (unsigned long long)file->seal.number, file->seal.jkt);
	/* now, so that its time says since when somebody looks */
	if ((r = sign(sealer, 'C')) == FO_OK)
		r = follow(sealer);

	return finish(sealer, r);
}

/* Open the trail by its key, and seal. */
static int
run_open(struct sealer *sealer)
{
	const struct call *call = sealer->call;
	struct fo_diag diag = { "" };
	struct seal_wanted wanted = { .path = call->option[OPT_OUT],
		.after = call->option[OPT_AFTER],
		.host = sealer->admin->config->host,
		.now_s = sealer->admin->now };
	char jkt[FO_JKT_SIZE];
	fo_err r;
	int code;

	wanted.jkt = jkt;
	r = fo_key_thumbprint(sealer->key, jkt);
	if (r == FO_OK)
		r = speakers_read(sealer->admin->config, &sealer->speakers);
	if (r == FO_OK)
		r = seal_file_open(&wanted, &diag, &sealer->file);
	if (r != FO_OK)
		code = fail(call, FO_EXIT_TROUBLE, r, "%s", diag.text[0] !=
		    '\0' ? diag.text : fo_err_text(r));
	else
		code = seal_log(sealer);
	seal_file_close(&sealer->file);
	speakers_clear(&sealer->speakers);

	return code;
}

/* Which log; NULL is this machine's journal. *ret_path is to be freed. */
static int
choose_log(const struct call *call, struct sealer *sealer, char **ret_path)
{
	const char *path = call->argc > 0 ? call->argv[0] : LOG_PATH;
	struct fo_diag diag = { "" };
	fo_err r;

	sealer->journal = call->option[OPT_JOURNAL] != NULL ||
	    log_is_journal(path);
	if (call->option[OPT_JOURNAL] != NULL)
		return FO_EXIT_DONE;
	sealer->log = path;
	if (sealer->journal)
		return FO_EXIT_DONE;
	if ((r = path_absolute(path, &diag, ret_path)) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, r, "%s", diag.text);
	sealer->log = *ret_path;

	return FO_EXIT_DONE;
}

static int
check_options(const struct call *call, struct sealer *sealer)
{
	const char *const *o = call->option;
	int64_t span_s = INTERVAL_S;

	sealer->records = RECORDS;
	if (o[OPT_KEY] == NULL || o[OPT_OUT] == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--key and --out"
		    " are required: say what to sign with, and where to seal");
	if (o[OPT_JOURNAL] != NULL && call->argc > 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--journal is"
		    " this machine's: name no log beside it");
	if (o[OPT_RECORDS] != NULL && !number_parse(o[OPT_RECORDS], 1,
	    RECORDS_MAX, &sealer->records))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--records %s:"
		    " must be a number from 1 to %d", o[OPT_RECORDS],
		    RECORDS_MAX);
	if (o[OPT_INTERVAL] != NULL && (!span_parse(o[OPT_INTERVAL],
	    &span_s) || span_s > DAY_S))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--interval %s:"
		    " must be a span of at most a day, as 60s",
		    o[OPT_INTERVAL]);
	sealer->interval_ms = span_s * 1000;

	return FO_EXIT_DONE;
}

static int
run(const struct call *call)
{
	const struct sigaction action = { .sa_handler = end };
	struct sealer *sealer = calloc(1, sizeof(*sealer));
	struct fo_key *key = NULL;
	struct admin admin = { 0 };
	char *path = NULL;
	int code;

	if (sealer == NULL)
		return fail_err(call, FO_ERR_NOMEM, NULL, NULL);
	sealer->call = call;
	if ((code = check_options(call, sealer)) != FO_EXIT_DONE ||
	    (code = choose_log(call, sealer, &path)) != FO_EXIT_DONE ||
	    (code = admin_open(call, &admin)) != FO_EXIT_DONE ||
	    (code = key_load(call, call->option[OPT_KEY], &key)) !=
	    FO_EXIT_DONE)
		goto out;
	sealer->admin = &admin;
	sealer->key = key;
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	code = run_open(sealer);
out:
	fo_key_free(&key);
	admin_close(&admin);
	free(path);
	free(sealer);
	return code;
}

const struct verb verb_audit_seal = {
	.name = "audit seal",
	.synopsis = "--key KEY --out FILE [--journal | LOG]",
	.summary = "Chain events as they come, and sign the chain",
	.text =
	    "Follow the log, chain each event to all before it by SHA-256 in"
	    " FILE, and sign the\nchain with KEY: after 1000 records, and"
	    " every 60 s also when nothing came, so that\na FILE that does not"
	    " grow any more shows that something is wrong. The last\n"
	    "signature is in FILE.head too, which is small enough to be sent"
	    " elsewhere each\nminute. It goes on until it is stopped"
	    " (SIGTERM), and signs that it was. Run it as\na service:"
	    " firstops-seal.service.\n\n"
	    "What it proves: nobody without KEY can change, drop, add or"
	    " reorder a record, as\nlong as a checkpoint after it is there,"
	    " without fo audit verify naming it; what is\ncut off the end"
	    " shows against FILE.head. Root of this host has KEY, and can"
	    " forge\neverything after the last checkpoint that was sent"
	    " elsewhere, and everything at all\nif none was. So send FILE.head,"
	    " and FILE, to a place where this host can add but\nnot change."
	    " Before it is sealed an event is as safe as its log.\n\n"
	    "Of a journal those events are sealed that the kernel vouches for"
	    " the sender of.\nLOG, " LOG_PATH " if none is named, must be a"
	    " file that only root can\nwrite. No login waits for the sealing."
	    " What comes while it does not run is sealed\nwhen it runs again:"
	    " it looks for the last record that FILE holds, in what was"
	    "\nrotated away from LOG too, and goes on after it. Where that"
	    " record is not in the log\nany more, it says so, here and in an"
	    " event, and goes on with what is later. A new\nFILE begins with"
	    " now.\n\n"
	    "To begin a new FILE, a month each, stop it, rename FILE, and"
	    " start it again with\nthe old one as --after OLD: the chain goes"
	    " on. Without that a missing FILE whose\nFILE.head is there is"
	    " refused. --after is passed over while there is a FILE.\n",
	.example =
	    "  fo key generate --out /var/lib/firstops/seal.pem\n"
	    "  fo audit seal --key /var/lib/firstops/seal.pem --out"
	    " /var/log/firstops/sealed\n",
	.exits =
	    "  0  stopped, and the end is signed\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: FILE is not whole, or another process seals it; a"
	    " file cannot be\n     read or written; the disk is full\n",
	.options = options,
	.max_operands = 1,
	.store = true,
	.run = run,
};
