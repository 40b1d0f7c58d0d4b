/*
 * fo audit: what the log says of principals.
 */
#include "audit.h"

#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/config.h"

#include "admin.h"
#include "audit_filter.h"
#include "out.h"

#define LOG_PATH "/var/log/firstops.log"
/* So many reasons are told one by one; the rest is counted. */
#define MAX_REASONS 5

enum { OPT_PRINCIPAL, OPT_OWNER, OPT_ACCOUNT, OPT_SERVICE, OPT_RESULT,
    OPT_WHY, OPT_SID, OPT_SINCE, OPT_UNTIL, OPT_ON, OPT_VERIFIED,
    OPT_JOURNAL, OPT_FOLLOW, OPT_SUMMARY, OPT_CHART, OPT_FORMAT };

static const struct verb_option options[] = {
	[OPT_PRINCIPAL] = { "principal", "ID|NAME", "only of this principal" },
	[OPT_OWNER] = { "owner", "OWNER", "only of principals of this owner" },
	[OPT_ACCOUNT] = { "account", "ACCOUNT", "only as, or from, this"
	    " account" },
	[OPT_SERVICE] = { "service", "SERVICE", "only at this service" },
	[OPT_RESULT] = { "result", "RESULT", "only permit, deny, error or"
	    " none" },
	[OPT_WHY] = { "why", "WORD", "only with this reason, as replay" },
	[OPT_SID] = { "sid", "SID", "only of this login; its first 8"
	    " characters, as a client sees them, will do" },
	[OPT_SINCE] = { "since", "TIME", "from then on: 2026-11-24, a time in"
	    " UTC, today, yesterday, a day of the week, or a span as 1h" },
	[OPT_UNTIL] = { "until", "TIME", "before then" },
	[OPT_ON] = { "on", "DAY", "that day, in UTC" },
	[OPT_VERIFIED] = { "verified", NULL, "only what the kernel vouches for"
	    " the sender of" },
	[OPT_JOURNAL] = { "journal", NULL, "read the journal of this"
	    " machine" },
	[OPT_FOLLOW] = { "follow", NULL, "go on with what is added" },
	[OPT_SUMMARY] = { "summary", NULL, "per principal: permits, denials by"
	    " reason, first and last seen" },
	[OPT_CHART] = { "chart", NULL, "permits and denials over time" },
	[OPT_FORMAT] = { "format", "FORMAT", "an object a line: ocsf or"
	    " ecs" },
	{ NULL, NULL, NULL }
};

_Static_assert(OPT_FORMAT < VERB_MAX_OPTIONS, "room for every option");

/* A user that a service runs as, and may speak for. */
struct speaker {
	const char *service;
	int64_t uid;
};

struct audit {
	const struct call *call;
	struct fo_config *config;	/* NULL: only root is known */
	struct speaker *speakers;
	size_t speakers_count;
	struct filter filter;
	const struct view *view;
	void *shown;
	size_t unread;			/* that should have been events */
};

/* SIGINT ends --follow as a whole: what was counted is still told. */
static volatile sig_atomic_t interrupted;

static void
interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* ---- who may say what ------------------------------------------------ */

static fo_err
read_speakers(struct audit *audit)
{
	const struct fo_config *config = audit->config;
	const struct passwd *pw;
	size_t i;

	if (config == NULL)
		return FO_OK;
	audit->speakers = calloc(config->services_count + 1,
	    sizeof(*audit->speakers));
	if (audit->speakers == NULL)
		return FO_ERR_NOMEM;
	for (i = 0; i < config->services_count; i++) {
		if ((pw = getpwnam(config->services[i].user)) == NULL)
			continue;
		audit->speakers[audit->speakers_count++] = (struct speaker) {
			config->services[i].name, pw->pw_uid };
	}

	return FO_OK;
}

/* Root says anything; a service's user says what happened at its service. */
static trust
trust_of(const struct audit *audit, const struct log_line *line,
    const struct fo_event_read *event)
{
	size_t i;

	if (line->uid == LOG_NO_UID)
		return TRUST_UNVERIFIABLE;
	if (line->uid == 0)
		return TRUST_VERIFIED;
	for (i = 0; i < audit->speakers_count; i++)
		if (audit->speakers[i].uid == line->uid &&
		    fo_value_is(&event->value[FO_KEY_SVC],
		    audit->speakers[i].service) &&
		    (fo_value_is(&event->value[FO_KEY_EV], "auth") ||
		    fo_value_is(&event->value[FO_KEY_EV], "account")))
			return TRUST_VERIFIED;

	return TRUST_UNVERIFIED;
}

/* ---- what is read ---------------------------------------------------- */

static void
bad(const char *from, uint64_t number, const char *reason, void *arg)
{
	struct audit *audit = arg;

	if (audit->unread++ >= MAX_REASONS)
		return;
	if (number > 0)
		note("fo: %s:%" PRIu64 ": %s", from, number, reason);
	else
		note("fo: %s: %s", from, reason);
}

/* Is what stands before an event nothing, or a tag of ours: "... fo[12]: "? */
static bool
is_our_tag(const char *text, size_t len)
{
	static const char *const tags[] = { "pam_firstops", "sudo_firstops",
		"fo" };
	size_t i, n;

	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == ':'))
		len--;
	if (len == 0)
		return true;
	if (text[len - 1] == ']') {
		for (len--; len > 0 && text[len - 1] != '['; len--)
			if (text[len - 1] < '0' || text[len - 1] > '9')
				return false;
		if (len == 0)
			return false;
		len--;
	}
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		n = strlen(tags[i]);
		if (len >= n && memcmp(text + len - n, tags[i], n) == 0 &&
		    (len == n || text[len - n - 1] == ' '))
			return true;
	}

	return false;
}

/* Other lines of the log are other programs' business. */
static fo_err
read_line(const struct log_line *line, void *arg)
{
	struct audit *audit = arg;
	struct audit_entry entry = { .line = line };
	struct fo_diag diag = { "" };
	const char *at;

	at = memmem(line->text, line->len, FO_EVENT_MARK,
	    sizeof(FO_EVENT_MARK) - 1);
	if (at == NULL || (line->tag == NULL &&
	    !is_our_tag(line->text, (size_t)(at - line->text))))
		return FO_OK;
	if (fo_event_read(at, line->len - (size_t)(at - line->text), &diag,
	    &entry.event) != FO_OK) {
		bad(line->from, line->number, diag.text, audit);
		return FO_OK;
	}
	entry.trust = trust_of(audit, line, &entry.event);
	if (!filter_takes(&audit->filter, &entry))
		return FO_OK;

	return audit->view->add(audit->shown, &entry);
}

/* Whoever waits for more sees what there is. */
static bool
is_over(void *arg)
{
	struct audit *audit = arg;

	return audit->view->flush(audit->shown) != FO_OK || interrupted != 0;
}

/* ---- doing it -------------------------------------------------------- */

static fo_err
read_all(struct audit *audit, struct fo_diag *diag)
{
	static const char *const usual[] = { LOG_PATH };
	const struct call *call = audit->call;
	const bool follow = call->option[OPT_FOLLOW] != NULL;
	const struct log_sink sink = { read_line, bad, is_over, audit };
	const struct log_span *span = &audit->filter.span;
	const char *const *paths = call->argc > 0 ?
	    (const char *const *)call->argv : usual;
	const int count = call->argc > 0 ? call->argc : 1;
	fo_err r = FO_OK;
	int i;

	if (call->option[OPT_JOURNAL] != NULL)
		return log_journal_read(NULL, follow, span, &sink, diag);
	for (i = 0; i < count && r == FO_OK; i++) {
		if (log_is_journal(paths[i]))
			r = log_journal_read(paths[i], follow, span, &sink,
			    diag);
		else if (!follow || call->option[OPT_SINCE] != NULL)
			r = log_file_read(paths[i], span, &sink, diag);
	}
	if (r == FO_OK && follow && !log_is_journal(paths[0]))
		r = log_file_follow(paths[0], &sink, diag);

	return r;
}

static int
show(struct audit *audit)
{
	const struct call *call = audit->call;
	struct fo_diag diag = { "" };
	fo_err r;

	audit->shown = audit->view->open(call, &audit->filter.span);
	if (audit->shown == NULL)
		return fail_err(call, FO_ERR_NOMEM, NULL, NULL);
	if ((r = read_speakers(audit)) == FO_OK)
		r = read_all(audit, &diag);
	if (r == FO_OK)
		r = audit->view->finish(audit->shown);
	audit->view->close(audit->shown);
	free(audit->speakers);
	if (r == FO_ERR_NOT_FOUND && call->argc == 0)
		return fail(call, FO_EXIT_TROUBLE, r, "%s does not exist; name"
		    " a log, or say --journal", LOG_PATH);
	if (r != FO_OK)
		return fail(call, r == FO_ERR_ARG ? FO_EXIT_USAGE :
		    FO_EXIT_TROUBLE, r, "%s", diag.text[0] != '\0' ?
		    diag.text : fo_err_text(r));
	if (audit->unread == 0)
		return FO_EXIT_DONE;
	note("fo: %zu %s could not be read%s", audit->unread,
	    audit->unread == 1 ? "entry" : "entries",
	    audit->unread > MAX_REASONS ? "; the first are named above" : "");

	return FO_EXIT_TROUBLE;
}

static const struct view *
choose_view(const struct call *call)
{
	const char *format = call->option[OPT_FORMAT];

	if (format != NULL && strcmp(format, "ocsf") == 0)
		return &view_ocsf;
	if (format != NULL)
		return strcmp(format, "ecs") == 0 ? &view_ecs : NULL;
	if (call->option[OPT_SUMMARY] != NULL)
		return &view_summary;
	if (call->option[OPT_CHART] != NULL)
		return &view_chart;

	return call->json ? &view_json : &view_table;
}

/* Ways to show exclude one another. */
static int
check_options(const struct call *call)
{
	const char *const *o = call->option;
	const int ways = (o[OPT_SUMMARY] != NULL) + (o[OPT_CHART] != NULL) +
	    (o[OPT_FORMAT] != NULL);

	if (ways > 1)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--summary,"
		    " --chart and --format exclude one another");
	if (choose_view(call) == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--format %s:"
		    " must be ocsf or ecs", o[OPT_FORMAT]);
	if (o[OPT_JOURNAL] != NULL && call->argc > 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--journal is"
		    " this machine's: name none beside it");
	if (o[OPT_FOLLOW] != NULL && call->argc > 1)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--follow takes"
		    " one log");

	return FO_EXIT_DONE;
}

/*
 * firstops.yaml says who may speak for which service. Where there is none, as
 * on a host that only collects logs, root is known all the same.
 */
static int
read_config(struct audit *audit)
{
	struct fo_store *store = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_store_new(audit->call->config, &diag, &store);
	if (r == FO_OK)
		r = fo_store_config(store, &diag, &audit->config);
	fo_store_free(&store);
	if (r == FO_ERR_NOMEM)
		return fail_err(audit->call, r, &diag, NULL);
	if (r != FO_OK && access(audit->call->config, F_OK) == 0)
		note("fo: %s\nfo: so only root's events count as verified",
		    diag.text);

	return FO_EXIT_DONE;
}

static int
run(const struct call *call)
{
	const char *const *o = call->option;
	const struct filter_text text = { .principal = o[OPT_PRINCIPAL],
		.owner = o[OPT_OWNER], .account = o[OPT_ACCOUNT],
		.service = o[OPT_SERVICE], .result = o[OPT_RESULT],
		.why = o[OPT_WHY], .sid = o[OPT_SID], .since = o[OPT_SINCE],
		.until = o[OPT_UNTIL], .on = o[OPT_ON],
		.verified = o[OPT_VERIFIED] != NULL };
	struct audit audit = { .call = call };
	struct sigaction action = { .sa_handler = interrupt };
	struct fo_diag diag = { "" };
	int code;

	if ((code = check_options(call)) != FO_EXIT_DONE)
		return code;
	audit.view = choose_view(call);
	if (filter_read(&text, &diag, &audit.filter) != FO_OK)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "%s", diag.text);
	if (o[OPT_FOLLOW] != NULL)
		(void)sigaction(SIGINT, &action, NULL);
	if ((code = read_config(&audit)) == FO_EXIT_DONE)
		code = show(&audit);
	fo_config_free(&audit.config);

	return code;
}

const struct verb verb_audit = {
	.name = "audit",
	.synopsis = "[options] [LOG...]",
	.summary = "Say who did what, where and when",
	.text =
	    "Read events out of logs, and show those that all options agree"
	    " on. A log is a\nfile, plain or gzip, with what has been rotated"
	    " away from it, or a journal: a\nfolder, or a file NAME.journal."
	    " Without LOG it is " LOG_PATH ".\n\nAnybody can write to the log"
	    " under any tag. SENDER says whether an event may be\nbelieved:"
	    " verified, if the kernel's uid of the sender is root's or the"
	    " service's\nown; unverified, if it is another's, who made it up;"
	    " unverifiable in files, which\ndo not say who wrote a line.\n\n"
	    "What looks like an event and cannot be read is named and counted,"
	    " and all the\nrest is shown.\n",
	.example =
	    "  fo audit --principal build-bot --on tuesday\n"
	    "  fo audit --result deny --since 1h --journal\n"
	    "  fo audit --summary --since 2026-11-01 --until 2026-12-01\n"
	    "  fo audit --sid 4f9c2a1b --json\n"
	    "  fo audit --follow --format ocsf | ship\n",
	.exits =
	    "  0  done, also when nothing was found\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: a log, or an entry of it, cannot be read\n",
	.options = options,
	.max_operands = -1,
	.store = true,
	.json = true,
	.run = run,
};
