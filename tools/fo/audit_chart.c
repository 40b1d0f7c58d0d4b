/*
 * Permits and denials over time, as bars.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/rfc3339.h"

#include "audit.h"
#include "json.h"
#include "out.h"

#define SECOND_US INT64_C(1000000)
#define BARS 24		/* at most; a bar is a round span of time */
#define BAR_WIDTH 40	/* of the highest */

/* One decision: when, and which. */
struct mark {
	int64_t s;
	bool permit;
};

struct chart {
	const struct call *call;
	struct log_span span;
	struct mark *list;
	size_t count;
	size_t room;
};

/* A part of the time, and how many decisions fell into it. */
struct bar {
	size_t permits;
	size_t denials;
};

static void *
chart_open(const struct call *call, const struct log_span *span)
{
	struct chart *chart = calloc(1, sizeof(*chart));

	if (chart != NULL) {
		chart->call = call;
		chart->span = *span;
	}

	return chart;
}

/* What nobody vouches for, and what has no time, is on no chart. */
static fo_err
chart_add(void *view, const struct audit_entry *entry)
{
	struct chart *chart = view;
	const bool permit = entry_is_permit(entry);
	struct mark *grown;

	if (entry->trust == TRUST_UNVERIFIED || entry->event.t_us < 0 ||
	    (!permit && !entry_is_denial(entry)))
		return FO_OK;
	if (chart->count == chart->room) {
		chart->room = chart->room * 2 + 1024;
		grown = reallocarray(chart->list, chart->room,
		    sizeof(*grown));
		if (grown == NULL)
			return FO_ERR_NOMEM;
		chart->list = grown;
	}
	chart->list[chart->count++] = (struct mark) {
		entry->event.t_us / SECOND_US, permit };

	return FO_OK;
}

static fo_err
chart_flush(void *view)
{
	(void)view;

	return FO_OK;
}

/* ---- dividing the time ----------------------------------------------- */

/* From when to when: what was asked for, or what there is. */
static void
find_ends(const struct chart *chart, int64_t *ret_from, int64_t *ret_to)
{
	int64_t from = chart->span.since_us / SECOND_US;
	int64_t to = chart->span.until_us / SECOND_US - 1;
	size_t i;

	for (i = 0; i < chart->count; i++) {
		const int64_t s = chart->list[i].s;

		if (chart->span.since_us == 0 && (i == 0 || s < from))
			from = s;
		if (chart->span.until_us == 0 && (i == 0 || s > to))
			to = s;
	}
	*ret_from = from;
	*ret_to = to > from ? to : from;
}

/* The smallest round span of which BARS cover it all. */
static int64_t
step_of(int64_t from, int64_t to)
{
	static const int64_t steps[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300,
		600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
		172800, 604800, 1209600, 2592000, 7776000, 31536000 };
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (to / steps[i] - from / steps[i] < BARS)
			return steps[i];

	return (to - from) / BARS + 1;
}

/* ---- printing -------------------------------------------------------- */

static size_t
longest(const struct bar *bars, size_t count)
{
	size_t i, most = 1;

	for (i = 0; i < count; i++)
		if (bars[i].permits + bars[i].denials > most)
			most = bars[i].permits + bars[i].denials;

	return most;
}

/* As many signs as the number is of the highest; one at least for any. */
static int
width_of(size_t number, size_t most)
{
	const size_t width = number * BAR_WIDTH / most;

	return number > 0 && width == 0 ? 1 : (int)width;
}

static void
print_bar(const char *label, const struct bar *bar, size_t most, bool colour)
{
	static const char permits[] =
	    "##########################################";
	static const char denials[] =
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	const int permit = width_of(bar->permits, most);
	const int deny = width_of(bar->denials, most);

	printf("%s  %7zu %7zu  %s%.*s%s%.*s%s\n", label, bar->permits,
	    bar->denials, colour ? "\033[32m" : "", permit, permits,
	    colour ? "\033[31m" : "", deny, denials, colour ? "\033[m" : "");
}

static fo_err
print_bars(int64_t from, int64_t step, const struct bar *bars, size_t count)
{
	const bool colour = out_colour(stdout);
	const size_t most = longest(bars, count);
	char label[FO_TIME_SIZE];
	size_t i;

	printf("%-20s  PERMITS DENIALS\n", "FROM");
	for (i = 0; i < count; i++) {
		if (fo_time_format(from + (int64_t)i * step, label) != FO_OK)
			return FO_ERR_INTERNAL;
		print_bar(label, &bars[i], most, colour);
	}

	return ferror(stdout) ? FO_ERR_IO : FO_OK;
}

static fo_err
print_json(int64_t from, int64_t step, const struct bar *bars, size_t count)
{
	struct json *json = json_object_new(), *list = json_list_new(), *one;
	char label[FO_TIME_SIZE];
	size_t i;

	for (i = 0; i < count; i++) {
		one = json_object_new();
		json_text(one, "from", fo_time_format(from +
		    (int64_t)i * step, label) == FO_OK ? label : NULL);
		json_number(one, "permits", (int64_t)bars[i].permits);
		json_number(one, "denials", (int64_t)bars[i].denials);
		json_append(list, &one);
	}
	json_flag(json, "ok", true);
	json_number(json, "step_s", step);
	json_put(json, "bars", &list);

	return json_print(&json) == FO_EXIT_DONE ? FO_OK : FO_ERR_IO;
}

static fo_err
chart_finish(void *view)
{
	struct chart *chart = view;
	struct bar bars[BARS + 1] = { { 0, 0 } };
	int64_t from, to, step;
	size_t i, at, count = 0;

	find_ends(chart, &from, &to);
	step = step_of(from, to);
	from -= from % step;
	if (chart->count > 0)
		count = (size_t)((to - from) / step) + 1;
	for (i = 0; i < chart->count; i++) {
		at = (size_t)((chart->list[i].s - from) / step);
		if (at >= count)
			continue;
		if (chart->list[i].permit)
			bars[at].permits++;
		else
			bars[at].denials++;
	}

	return chart->call->json ? print_json(from, step, bars, count) :
	    print_bars(from, step, bars, count);
}

static void
chart_close(void *view)
{
	struct chart *chart = view;

	free(chart->list);
	free(chart);
}

const struct view view_chart = { chart_open, chart_add, chart_flush,
	chart_finish, chart_close };
