/*
 * fo audit: what the log says of principals.
 */
#include "audit.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/config.h"

#include "admin.h"
#include "audit_filter.h"
#include "out.h"
#include "speaker.h"

#define LOG_PATH "/var/log/firstops.log"
/* So many reasons are told one by one; the rest is counted. */
#define MAX_REASONS 5

enum { OPT_PRINCIPAL, OPT_OWNER, OPT_ACCOUNT, OPT_SERVICE, OPT_RESULT,
    OPT_WHY, OPT_SID, OPT_SINCE, OPT_UNTIL, OPT_ON, OPT_VERIFIED,
    OPT_JOURNAL, OPT_FOLLOW, OPT_SUMMARY, OPT_CHART, OPT_FORMAT };

static const struct verb_option options[] = {
	[OPT_PRINCIPAL] = { "principal", "ID|NAME", "only of this principal" },
	[OPT_OWNER] = { "owner", "OWNER", "only of principals of this owner" },
	[OPT_ACCOUNT] = { "account", "ACCOUNT", "only as or from this" },
	[OPT_SERVICE] = { "service", "SERVICE", "only at this service" },
	[OPT_RESULT] = { "result", "RESULT", "only permit, deny, error or"
	    " none" },
	[OPT_WHY] = { "why", "WORD", "only with this reason, as replay" },
	[OPT_SID] = { "sid", "SID", "only of this login; 8 characters will"
	    " do" },
	[OPT_SINCE] = { "since", "TIME", "from then on: 2026-11-24, 1h,"
	    " tuesday (below)" },
	[OPT_UNTIL] = { "until", "TIME", "before then" },
	[OPT_ON] = { "on", "DAY", "that day, in UTC" },
	[OPT_VERIFIED] = { "verified", NULL, "only of senders that the kernel"
	    " vouches for" },
	[OPT_JOURNAL] = { "journal", NULL, "read this machine's journal" },
	[OPT_FOLLOW] = { "follow", NULL, "go on with what is added" },
	[OPT_SUMMARY] = { "summary", NULL, "count per principal: permits,"
	    " denials, reasons" },
	[OPT_CHART] = { "chart", NULL, "permits and denials over time" },
	[OPT_FORMAT] = { "format", "FORMAT", "ocsf or ecs: an object a line" },
	{ NULL, NULL, NULL }
};

_Static_assert(OPT_FORMAT < VERB_MAX_OPTIONS, "room for every option");

struct audit {
	const struct call *call;
	struct fo_config *config;	/* NULL: only root is known */
	struct speakers speakers;
	struct filter filter;
	const struct view *view;
	void *shown;
	struct log_seen seen;
	size_t unread;			/* that should have been events */
	size_t strangers;		/* the same, of who may write none */
};

/* SIGINT ends --follow as a whole: what was counted is still told. */
static volatile sig_atomic_t interrupted;

static void
interrupt(int number)
{
	(void)number;
	interrupted = 1;
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

/* Rubbish of who may not write events is no damage of the log. */
static void
complain(struct audit *audit, const struct log_line *line, const char *reason)
{
	if (line->uid != LOG_NO_UID &&
	    !speakers_know(&audit->speakers, line->uid))
		audit->strangers++;
	else
		bad(line->from, line->number, reason, audit);
}

/* Other lines of the log are other programs' business. */
static fo_err
read_line(const struct log_line *line, void *arg)
{
	struct audit *audit = arg;
	struct fo_diag diag = { "" };
	struct audit_entry entry;
	fo_err r;

	r = speakers_entry(&audit->speakers, line, &diag, &entry);
	if (diag.text[0] != '\0')
		complain(audit, line, diag.text);
	if (r != FO_OK || !filter_takes(&audit->filter, &entry))
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
			r = log_file_read(paths[i], span, &sink,
			    &audit->seen, diag);
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
	if ((r = speakers_read(audit->config, &audit->speakers)) == FO_OK)
		r = read_all(audit, &diag);
	if (r == FO_OK)
		r = audit->view->finish(audit->shown);
	audit->view->close(audit->shown);
	speakers_clear(&audit->speakers);
	free(audit->seen.list);
	if (r == FO_ERR_NOT_FOUND && call->argc == 0)
		return fail(call, FO_EXIT_TROUBLE, r, "%s does not exist; name"
		    " a log, or say --journal", LOG_PATH);
	if (r != FO_OK)
		return fail(call, r == FO_ERR_ARG ? FO_EXIT_USAGE :
		    FO_EXIT_TROUBLE, r, "%s", diag.text[0] != '\0' ?
		    diag.text : fo_err_text(r));
	if (audit->strangers > 0)
		note("fo: %zu more that could not be read came from senders"
		    " who may write none", audit->strangers);
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
	struct sigaction action = { .sa_handler = interrupt,
		.sa_flags = SA_RESTART };
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
	    " Without LOG it is " LOG_PATH ".\n\nA TIME is a date, a time in"
	    " UTC (2026-11-24T18:00:00Z), today, yesterday, the last\nday of"
	    " a name (tuesday), or a span until now (30m, 1h, 7d). A SID is"
	    " what a\nrefused client sees the beginning of.\n\nAnybody can"
	    " write to the log"
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
