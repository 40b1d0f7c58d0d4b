/*
 * Policies: rules that allow, deny or ask, and how they are weighed.
 */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "glob.h"
#include "node.h"

#define DAY_MIN 1440
#define DIGITS "0123456789"
#define NAME_FORM "[a-z0-9][a-z0-9._-]{0,47}"

static const char *const policy_keys[] = { "version", "policy", "rules",
	NULL };
static const char *const rule_keys[] = { "rule", "effect", "channel", "when",
	NULL };
static const char *const time_keys[] = { "days", "from", "to", "zone", NULL };

/* In the order of FO_EFFECT_* and FO_CHANNEL_*. */
static const char *const effect_words[] = { "deny", "ask", "allow", NULL };
static const char *const channel_words[] = { "login", "command", "file",
	"tool", "http", NULL };
static const char *const day_words[] = { "mon", "tue", "wed", "thu", "fri",
	"sat", "sun", NULL };

/* The conditions of each channel, in the order of FO_CHANNEL_*. */
static const char *const login_keys[] = { "service", "account", "host",
	"source", "time", NULL };
static const char *const command_keys[] = { "command", "account", "host",
	"time", NULL };
static const char *const file_keys[] = { "path", "host", "time", NULL };
static const char *const tool_keys[] = { "tool", "host", "time", NULL };
static const char *const http_keys[] = { "method", "url", "host", "time",
	NULL };
static const char *const *const condition_keys[] = { login_keys,
	command_keys, file_keys, tool_keys, http_keys };

const char *
fo_effect_word(fo_effect effect)
{
	return effect_words[effect];
}

const char *
fo_channel_word(fo_channel channel)
{
	return channel_words[channel];
}

const char *
fo_when_word(unsigned int bit)
{
	static const char *const words[] = { "service", "account", "host",
		"source", "time", "command", "path", "tool", "method", "url" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (bit == 1U << i)
			return words[i];
	}
	return "unknown";
}

/* ---- reading --------------------------------------------------------- */

/* A condition that is an empty list could mean "never" or "no condition". */
static void
refuse_empty(struct fo_reader *rd, const struct fo_node *map, const char *key)
{
	const struct fo_node *node = fo_node_get(map, key);

	if (node != NULL && node->type == FO_NODE_LIST && node->count == 0)
		fo_reader_fail(rd, node->line, "'%s' is an empty list, which "
		    "can be read in two ways; give it an item or take the key "
		    "out", key);
}

/* A list of texts; NULL if the condition is not there. */
static char **
read_condition(struct fo_reader *rd, const struct fo_node *when,
    const char *key, bool (*ok)(const char *), const char *what)
{
	refuse_empty(rd, when, key);
	if (fo_node_get(when, key) == NULL)
		return NULL;

	return fo_reader_texts(rd, when, key, ok, what);
}

/* Commands and URLs may have spaces; a pattern for them is a line of text. */
static bool
line_ok(const char *text)
{
	return fo_prose_ok(text) &&
	    strnlen(text, FO_PATTERN_MAX + 1) <= FO_PATTERN_MAX;
}

/* An HTTP method is compared as it is (RFC 9110 9.1). */
static bool
method_ok(const char *text)
{
	const size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-");

	return n > 0 && n <= 32 && text[n] == '\0';
}

static void
read_sources(struct fo_reader *rd, const struct fo_node *when,
    struct fo_rule *ret)
{
	static const char what[] = "an address or a block of addresses as "
	    "10.0.0.0/8 or \"fd00::/8\", with no bits set after the prefix";
	char **texts = read_condition(rd, when, "source", NULL, what);
	size_t count, i;

	if (texts == NULL)
		return;
	for (count = 0; texts[count] != NULL; count++)
		;
	ret->sources = calloc(count + 1, sizeof(*ret->sources));
	if (ret->sources == NULL)
		rd->err = FO_ERR_NOMEM;
	for (i = 0; i < count && rd->err == FO_OK; i++) {
		if (fo_cidr_parse(texts[i], &ret->sources[i]) != FO_OK)
			fo_reader_fail(rd, fo_node_get(when, "source")->
			    items[i]->line, "an item of 'source' is '%.64s'; "
			    "write %s", texts[i], what);
	}
	ret->sources_count = count;
	fo_texts_free(&texts);
}

/* "HH:MM" in minutes, up to max; -1 otherwise. */
static int
parse_minutes(const char *text, int max)
{
	int hours, minutes;

	if (strspn(text, DIGITS) != 2 || text[2] != ':' ||
	    strspn(text + 3, DIGITS) != 2 || text[5] != '\0')
		return -1;
	hours = (int)strtol(text, NULL, 10);
	minutes = (int)strtol(text + 3, NULL, 10);

	return minutes < 60 && hours * 60 + minutes <= max ?
	    hours * 60 + minutes : -1;
}

static int
read_minutes(struct fo_reader *rd, const struct fo_node *map,
    const char *key, int max, const char *form)
{
	const char *text = fo_reader_text(rd, map, key, true);
	const int minutes = text == NULL ? 0 : parse_minutes(text, max);

	if (minutes < 0)
		fo_reader_fail(rd, fo_node_get(map, key)->line, "'%s' is "
		    "'%.64s'; write %s", key, text, form);
	return minutes;
}

static void
read_days(struct fo_reader *rd, const struct fo_node *map,
    struct fo_hours *ret)
{
	static const char what[] = "mon, tue, wed, thu, fri, sat or sun";
	char **days = read_condition(rd, map, "days", NULL, what);
	size_t i, d;

	ret->days = days == NULL ? 0x7f : 0;
	for (i = 0; days != NULL && days[i] != NULL; i++) {
		for (d = 0; day_words[d] != NULL; d++) {
			if (strcmp(day_words[d], days[i]) == 0)
				break;
		}
		if (day_words[d] == NULL)
			fo_reader_fail(rd, fo_node_get(map, "days")->
			    items[i]->line, "an item of 'days' is '%.64s'; "
			    "write %s", days[i], what);
		ret->days |= 1U << d;
	}
	fo_texts_free(&days);
}

static void
read_zone(struct fo_reader *rd, const struct fo_node *map,
    struct fo_hours *ret)
{
	const char *text = fo_reader_text(rd, map, "zone", false);
	int offset = -1;

	if (text == NULL)
		return;
	if (text[0] == '+' || text[0] == '-')
		offset = parse_minutes(text + 1, DAY_MIN - 1);
	if (offset < 0)
		fo_reader_fail(rd, fo_node_get(map, "zone")->line, "'zone' is "
		    "'%.64s'; write a fixed offset from UTC as \"+00:00\" or "
		    "\"-05:00\" (names of zones need data that changes)",
		    text);
	ret->offset_min = text[0] == '-' ? -offset : offset;
}

static void
read_time(struct fo_reader *rd, const struct fo_node *when,
    struct fo_rule *ret)
{
	const struct fo_node *map = fo_node_get(when, "time");
	struct fo_hours *hours;

	if (rd->err != FO_OK || map == NULL)
		return;
	fo_reader_map(rd, map, time_keys);
	if ((hours = calloc(1, sizeof(*hours))) == NULL) {
		rd->err = FO_ERR_NOMEM;
		return;
	}
	ret->hours = hours;
	read_days(rd, map, hours);
	read_zone(rd, map, hours);
	/* from and to both 0: all day */
	if (fo_node_get(map, "from") == NULL &&
	    fo_node_get(map, "to") == NULL) {
		if (fo_node_get(map, "days") == NULL)
			fo_reader_fail(rd, map->line, "'time' says neither "
			    "days nor hours; add days, or from and to");
		return;
	}
	hours->from_min = read_minutes(rd, map, "from", DAY_MIN - 1,
	    "a time of day from \"00:00\" to \"23:59\"");
	hours->to_min = read_minutes(rd, map, "to", DAY_MIN,
	    "a time of day from \"00:00\" to \"24:00\"");
	if (rd->err == FO_OK && hours->from_min == hours->to_min)
		fo_reader_fail(rd, fo_node_get(map, "to")->line, "'from' and "
		    "'to' are the same, which can be read in two ways; leave "
		    "both out for the whole day");
}

static void
read_when(struct fo_reader *rd, const struct fo_node *rule,
    struct fo_rule *ret)
{
	static const char word[] = "a pattern without spaces, with '*' and "
	    "'?' as wildcards";
	static const char line[] = "a pattern in one line of at most 1024 "
	    "bytes, with '*' and '?' as wildcards";
	const struct fo_node *when = fo_node_get(rule, "when");

	if (rd->err != FO_OK || when == NULL)
		return;
	fo_reader_map(rd, when, condition_keys[ret->channel]);
	if (rd->err == FO_OK && when->count == 0)
		fo_reader_fail(rd, when->line, "'when' has no condition; give "
		    "it one, or take the key out for a rule that always "
		    "holds");
	ret->services = read_condition(rd, when, "service", fo_pattern_ok,
	    word);
	ret->accounts = read_condition(rd, when, "account", fo_pattern_ok,
	    word);
	ret->hosts = read_condition(rd, when, "host", fo_pattern_ok, word);
	read_sources(rd, when, ret);
	read_time(rd, when, ret);
	ret->commands = read_condition(rd, when, "command", line_ok, line);
	ret->paths = read_condition(rd, when, "path", line_ok, line);
	ret->tools = read_condition(rd, when, "tool", fo_pattern_ok, word);
	ret->methods = read_condition(rd, when, "method", method_ok,
	    "a method in capitals, as GET");
	ret->urls = read_condition(rd, when, "url", fo_pattern_ok, word);
}

static bool
is_among(const char *const *words, const char *word)
{
	for (; *words != NULL; words++) {
		if (strcmp(*words, word) == 0)
			return true;
	}
	return false;
}

/*
 * Another channel's condition would never be looked at, and the rule would
 * say more than its author thought.
 */
static void
refuse_other_channels(struct fo_reader *rd, const struct fo_node *rule,
    fo_channel channel)
{
	const struct fo_node *when = fo_node_get(rule, "when");
	const char *key;
	size_t i, c;

	for (i = 0; when != NULL && when->type == FO_NODE_MAP &&
	    i < when->count; i++) {
		key = when->keys[i];
		if (is_among(condition_keys[channel], key))
			continue;
		for (c = 0; channel_words[c] != NULL; c++) {
			if (is_among(condition_keys[c], key))
				fo_reader_fail(rd, when->key_lines[i],
				    "condition '%s' does not belong to "
				    "channel '%s'; take it out, or write "
				    "channel: %s", key,
				    channel_words[channel], channel_words[c]);
		}
	}
}

static void
read_rule(struct fo_reader *rd, const struct fo_node *node,
    const struct fo_policy *before, struct fo_rule *ret)
{
	const char *name;
	size_t i;

	fo_reader_map(rd, node, rule_keys);
	ret->line = node->line;
	if ((name = fo_reader_text(rd, node, "rule", true)) != NULL) {
		if (!fo_name_ok(name))
			fo_reader_fail(rd, fo_node_get(node, "rule")->line,
			    "'rule' is '%.64s'; write a name of the form "
			    NAME_FORM, name);
		else
			memcpy(ret->name, name, strlen(name) + 1);
	}
	for (i = 0; i < before->rules_count && rd->err == FO_OK; i++) {
		if (strcmp(before->rules[i].name, ret->name) == 0)
			fo_reader_fail(rd, fo_node_get(node, "rule")->line,
			    "rule '%s' is there already, in line %zu; give "
			    "this one another name", ret->name,
			    before->rules[i].line);
	}
	ret->effect = (fo_effect)fo_reader_word(rd, node, "effect",
	    effect_words);
	ret->channel = (fo_channel)fo_reader_word(rd, node, "channel",
	    channel_words);
	if (rd->err == FO_OK)
		refuse_other_channels(rd, node, ret->channel);
	/* "when:" with nothing after it must not become "always" */
	if (rd->err == FO_OK && fo_node_get(node, "when") != NULL &&
	    fo_node_get(node, "when")->type != FO_NODE_MAP)
		fo_reader_fail(rd, fo_node_get(node, "when")->line, "'when' "
		    "is no map of conditions; write lines of the form "
		    "\"service: [sshd]\" below it, or take the key out");
	read_when(rd, node, ret);
}

static void
read_policy(struct fo_reader *rd, const struct fo_node *root,
    const char *policy, struct fo_policy *ret)
{
	const struct fo_node *list;
	const char *name;
	size_t i;

	fo_reader_version(rd, root);
	fo_reader_map(rd, root, policy_keys);
	name = fo_reader_text(rd, root, "policy", true);
	if (name != NULL && strcmp(name, policy) != 0)
		fo_reader_fail(rd, fo_node_get(root, "policy")->line, "policy "
		    "is '%.64s', but the file is called %s.yaml; they must be "
		    "the same", name, policy);
	refuse_empty(rd, root, "rules");
	list = fo_reader_list(rd, root, "rules", true);
	if (rd->err != FO_OK)
		return;
	memcpy(ret->name, policy, strlen(policy) + 1);
	ret->rules = calloc(list->count + 1, sizeof(*ret->rules));
	if (ret->rules == NULL)
		rd->err = FO_ERR_NOMEM;
	for (i = 0; i < list->count && rd->err == FO_OK; i++) {
		read_rule(rd, list->items[i], ret, &ret->rules[i]);
		ret->rules_count++;
	}
}

fo_err
fo_policy_parse(const char *name, const char *policy, const char *text,
    size_t len, struct fo_diag *diag, struct fo_policy **ret_policy)
{
	struct fo_reader rd = { .name = name, .diag = diag, .err = FO_OK };
	struct fo_policy *made = NULL;
	struct fo_node *root = NULL;
	fo_err r;

	if (!fo_name_ok(policy))
		return FO_ERR_ARG;
	if ((r = fo_node_parse(name, text, len, diag, &root)) != FO_OK)
		return r;
	if ((made = calloc(1, sizeof(*made))) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	read_policy(&rd, root, policy, made);
	if ((r = rd.err) != FO_OK)
		goto out;

	*ret_policy = made;
	made = NULL; /* now owned by the caller */
out:
	fo_policy_free(&made);
	fo_node_free(&root);
	return r;
}

void
fo_policy_free(struct fo_policy **policy)
{
	struct fo_rule *rule;
	size_t i;

	if (policy == NULL || *policy == NULL)
		return;
	for (i = 0; i < (*policy)->rules_count; i++) {
		rule = &(*policy)->rules[i];
		fo_texts_free(&rule->services);
		fo_texts_free(&rule->accounts);
		fo_texts_free(&rule->hosts);
		free(rule->sources);
		free(rule->hours);
		fo_texts_free(&rule->commands);
		fo_texts_free(&rule->paths);
		fo_texts_free(&rule->tools);
		fo_texts_free(&rule->methods);
		fo_texts_free(&rule->urls);
	}
	free((*policy)->rules);
	free(*policy);
	*policy = NULL;
}

/* ---- weighing -------------------------------------------------------- */

/* Does one of the patterns match? text NULL: not known. */
static fo_truth
match_text(char *const *patterns, const char *text)
{
	if (patterns == NULL)
		return FO_TRUE;
	if (text == NULL)
		return FO_UNKNOWN;
	for (; *patterns != NULL; patterns++) {
		if (fo_glob_match(*patterns, text))
			return FO_TRUE;
	}
	return FO_FALSE;
}

static fo_truth
match_source(const struct fo_rule *rule, const struct fo_source *source)
{
	size_t i;

	if (rule->sources_count == 0)
		return FO_TRUE;
	if (source->bits == 0)
		return FO_UNKNOWN;
	for (i = 0; i < rule->sources_count; i++) {
		if (fo_cidr_contains(&rule->sources[i], source))
			return FO_TRUE;
	}
	return FO_FALSE;
}

/*
 * Hours that cross midnight belong to the day they begin on: fri 22:00 to
 * 06:00 ends on Saturday morning.
 */
static fo_truth
match_hours(const struct fo_hours *hours, int64_t now)
{
	int64_t minutes, day;
	unsigned int today, yesterday;
	int minute;
	bool in;

	if (hours == NULL)
		return FO_TRUE;
	minutes = now / 60 + hours->offset_min;
	if (now < 0 || minutes < 0)
		return FO_UNKNOWN; /* no clock of ours says so */
	day = minutes / DAY_MIN;
	minute = (int)(minutes % DAY_MIN);
	/* 1970-01-01 was a Thursday, bit 3. */
	today = 1U << ((day + 3) % 7);
	yesterday = 1U << ((day + 2) % 7);
	if (hours->from_min < hours->to_min)
		in = (hours->days & today) != 0 &&
		    minute >= hours->from_min && minute < hours->to_min;
	else
		in = ((hours->days & today) != 0 &&
		    minute >= hours->from_min) ||
		    ((hours->days & yesterday) != 0 &&
		    minute < hours->to_min);

	return in ? FO_TRUE : FO_FALSE;
}

/* Deny and ask are wide, allow is exact: command.h says how. */
static fo_truth
match_command(const struct fo_rule *rule, const struct fo_command *command)
{
	size_t i;

	if (rule->commands == NULL)
		return FO_TRUE;
	if (command == NULL)
		return FO_UNKNOWN;
	for (i = 0; rule->commands[i] != NULL; i++) {
		if (rule->effect == FO_EFFECT_ALLOW ?
		    fo_command_is(rule->commands[i], command) :
		    fo_command_meets(rule->commands[i], command))
			return FO_TRUE;
	}
	return FO_FALSE;
}

/*
 * The file that is meant is the resolved one. A deny also looks at what was
 * written, or a link would be a way around it.
 */
static fo_truth
match_path(const struct fo_rule *rule, const struct fo_action *action)
{
	if (rule->paths != NULL && rule->effect != FO_EFFECT_ALLOW &&
	    match_text(rule->paths, action->path) == FO_TRUE)
		return FO_TRUE;

	return match_text(rule->paths, action->resolved);
}

/* All conditions of a rule that is for the action's channel. */
static fo_truth
weigh_conditions(const struct fo_rule *rule, const struct fo_action *action,
    unsigned int *unknown)
{
	const struct {
		unsigned int bit;
		fo_truth truth;
	} conditions[] = {
		{ FO_WHEN_SERVICE, match_text(rule->services,
		    action->service) },
		{ FO_WHEN_ACCOUNT, match_text(rule->accounts,
		    action->account) },
		{ FO_WHEN_HOST, match_text(rule->hosts, action->host) },
		{ FO_WHEN_SOURCE, match_source(rule, &action->source) },
		{ FO_WHEN_TIME, match_hours(rule->hours, action->now) },
		{ FO_WHEN_COMMAND, match_command(rule, action->command) },
		{ FO_WHEN_PATH, match_path(rule, action) },
		{ FO_WHEN_TOOL, match_text(rule->tools, action->tool) },
		{ FO_WHEN_METHOD, match_text(rule->methods,
		    action->method) },
		{ FO_WHEN_URL, match_text(rule->urls, action->url) },
	};
	fo_truth truth = FO_TRUE;
	size_t i;

	for (i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if (conditions[i].truth == FO_UNKNOWN)
			*unknown |= conditions[i].bit;
		if (conditions[i].truth < truth)
			truth = conditions[i].truth;
	}
	return truth;
}

fo_truth
fo_rule_weigh(const struct fo_rule *rule, const struct fo_action *action,
    unsigned int *ret_unknown)
{
	*ret_unknown = 0;

	return rule->channel == action->channel ?
	    weigh_conditions(rule, action, ret_unknown) : FO_FALSE;
}

bool
fo_rule_applies(const struct fo_rule *rule, fo_truth truth)
{
	return rule->effect == FO_EFFECT_ALLOW ? truth == FO_TRUE :
	    truth != FO_FALSE;
}

void
fo_policy_weigh(const struct fo_policy *const *policies, size_t count,
    const struct fo_action *action, struct fo_verdict *ret_verdict)
{
	struct fo_verdict verdict = { .effect = FO_EFFECT_DENY };
	const struct fo_rule *rule;
	unsigned int unknown;
	size_t i, k;

	for (i = 0; i < count; i++) {
		for (k = 0; k < policies[i]->rules_count; k++) {
			rule = &policies[i]->rules[k];
			/* Effects are in order: deny, ask, allow. */
			if (verdict.rule != NULL &&
			    rule->effect >= verdict.effect)
				continue;
			if (!fo_rule_applies(rule,
			    fo_rule_weigh(rule, action, &unknown)))
				continue;
			verdict.effect = rule->effect;
			verdict.policy = policies[i]->name;
			verdict.rule = rule->name;
		}
	}
	*ret_verdict = verdict;
}
