/*
 * The plain way to say what code under test says in a fast one.
 */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "fuzz.h"
#include "host/event.h"

/* ---- patterns ---------------------------------------------------------- */

/*
 * A table of which starts of the pattern match which starts of the text: row
 * by row, each entry from the ones before it.
 */
bool
reference_glob(const char *pattern, const char *text)
{
	const bool held = fuzz_faults_hold();
	const size_t n = strlen(text);
	bool *before = calloc(n + 1, sizeof(*before));
	bool *now = calloc(n + 1, sizeof(*now));
	bool *other, matches;

	NEED(before != NULL && now != NULL);
	before[0] = true;
	for (; *pattern != '\0'; pattern++) {
		now[0] = *pattern == '*' && before[0];
		for (size_t i = 1; i <= n; i++)
			now[i] = *pattern == '*' ? before[i] || now[i - 1] :
			    before[i - 1] &&
			    (*pattern == '?' || *pattern == text[i - 1]);
		other = before;
		before = now;
		now = other;
	}
	matches = before[n];
	free(before);
	free(now);
	fuzz_faults_release(held);
	return matches;
}

/* ---- policies ---------------------------------------------------------- */

/* What a condition comes to: 'n'o, 'u'nknown, 'y'es. */
static char
texts_say(char *const *patterns, const char *text)
{
	char says = 'n';

	if (patterns == NULL)
		return 'y';
	for (; text != NULL && *patterns != NULL; patterns++)
		if (reference_glob(*patterns, text))
			says = 'y';
	return text == NULL ? 'u' : says;
}

static bool
bit_of(const unsigned char *bytes, int bit)
{
	return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static char
sources_say(const struct fo_rule *rule, const struct fo_source *source)
{
	const struct fo_cidr *cidr;
	char says = 'n';
	bool in;

	if (rule->sources_count == 0)
		return 'y';
	if (source->bits == 0)
		return 'u';
	for (size_t i = 0; i < rule->sources_count; i++) {
		cidr = &rule->sources[i];
		in = cidr->base.bits == source->bits;
		for (int bit = 0; in && bit < cidr->prefix; bit++)
			in = bit_of(cidr->base.bytes, bit) ==
			    bit_of(source->bytes, bit);
		if (in)
			says = 'y';
	}
	return says;
}

/* Walk back minute by minute to the one at which the hours began. */
static char
hours_say(const struct fo_hours *hours, int64_t now)
{
	int64_t length;
	time_t local;
	struct tm tm;
	int minute, day;

	if (hours == NULL)
		return 'y';
	local = now + (int64_t)hours->offset_min * 60;
	if (now < 0 || local < 0)
		return 'u';
	NEED(gmtime_r(&local, &tm) != NULL);
	minute = tm.tm_hour * 60 + tm.tm_min;
	day = (tm.tm_wday + 6) % 7;
	length = (hours->to_min - hours->from_min + 1440) % 1440;
	if (length == 0)
		length = 1440;
	for (int64_t passed = 0; passed < length; passed++) {
		if (minute == hours->from_min)
			return (hours->days >> day & 1) != 0 ? 'y' : 'n';
		if (--minute < 0) {
			minute = 1439;
			day = (day + 6) % 7;
		}
	}
	return 'n';
}

static bool
holds(const struct fo_rule *rule, const struct fo_action *login)
{
	const char says[] = {
		texts_say(rule->services, login->service),
		texts_say(rule->accounts, login->account),
		texts_say(rule->hosts, login->host),
		sources_say(rule, &login->source),
		hours_say(rule->hours, login->now),
		'\0'
	};

	if (rule->channel != FO_CHANNEL_LOGIN || strchr(says, 'n') != NULL)
		return false;
	return rule->effect != FO_EFFECT_ALLOW || strchr(says, 'u') == NULL;
}

fo_effect
reference_login(const struct fo_policy *const *policies, size_t count,
    const struct fo_action *login)
{
	bool any[3] = { false, false, false };

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < policies[i]->rules_count; k++)
			if (holds(&policies[i]->rules[k], login))
				any[policies[i]->rules[k].effect] = true;

	if (any[FO_EFFECT_DENY])
		return FO_EFFECT_DENY;
	if (any[FO_EFFECT_ASK])
		return FO_EFFECT_ASK;
	return any[FO_EFFECT_ALLOW] ? FO_EFFECT_ALLOW : FO_EFFECT_DENY;
}

/* ---- targets ----------------------------------------------------------- */

/* Step over a part that is this text, and over what ends it. */
static bool
take_part(const char **at, char end, const char *text)
{
	char digits[3];
	int byte;

	if (*text == '\0' || strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return false;
	for (; *text != '\0'; text++) {
		byte = (unsigned char)*(*at)++;
		if (byte == '/' || byte == '\0')
			return false;
		if (byte == '%') {
			(void)snprintf(digits, sizeof(digits), "%s", *at);
			if (strspn(digits, "0123456789abcdefABCDEF") != 2)
				return false;
			byte = (int)strtol(digits, NULL, 16);
			*at += 2;
		}
		if (byte != (unsigned char)*text)
			return false;
	}
	return *(*at)++ == end;
}

bool
reference_target(const char *htu, const char *host, const char *service,
    const char *user)
{
	const char *at = htu;

	if (strncmp(htu, "pam://", strlen("pam://")) != 0)
		return false;
	at += strlen("pam://");
	return take_part(&at, '/', host) && take_part(&at, '/', service) &&
	    take_part(&at, '\0', user);
}

/* ---- events ------------------------------------------------------------ */

#define CEE "@cee:"

static const char *const keys[] = { "msg", "v", "t", "host", "ev", "res",
	"why", "rc", "id", "kind", "name", "owner", "jkt", "proof", "sid",
	"user", "ruser", "svc", "act", "what", "by", "src", "tty", "pid",
	"auid", "ses", "pol" };

#define KEYS (sizeof(keys) / sizeof(keys[0]))

_Static_assert(KEYS == 27, "an event has 27 keys");

static json_t *
load(const char *text)
{
	json_t *root;

	NEED(strncmp(text, CEE, strlen(CEE)) == 0);
	root = json_loads(text + strlen(CEE), JSON_REJECT_DUPLICATES, NULL);
	NEED(root != NULL);
	return root;
}

void
reference_event(const char *text)
{
	const bool held = fuzz_faults_hold();
	json_t *root = load(text), *value;
	const char *key;
	size_t i = 0;

	NEED(strlen(text) <= FO_EVENT_MAX_BYTES);
	for (const char *p = text; *p != '\0'; p++)
		NEED(*p >= 0x20 && *p <= 0x7e && *p != '\\');
	NEED(json_object_size(root) == KEYS);
	/* an object is walked in the order in which it was written */
	json_object_foreach(root, key, value) {
		NEED(strcmp(key, keys[i]) == 0);
		NEED(json_is_integer(value) || (json_is_string(value) &&
		    json_string_length(value) > 0));
		i++;
	}
	json_decref(root);
	fuzz_faults_release(held);
}

/* Step over one byte of a value, encoded or not; -1: the mark of a cut. */
static int
next_byte(const char **at)
{
	char digits[3] = "";
	int byte = (unsigned char)**at;

	if (byte != '%') {
		(*at)++;
		return byte;
	}
	if ((*at)[1] == '~') {
		NEED((*at)[2] == '\0');
		return -1;
	}
	memcpy(digits, *at + 1, 2);
	NEED(strspn(digits, "0123456789ABCDEF") == 2);
	*at += 3;
	return (int)strtol(digits, NULL, 16);
}

bool
reference_event_says(const char *event, const char *key, const char *text)
{
	const bool held = fuzz_faults_hold();
	json_t *root = load(event);
	const char *at = json_string_value(json_object_get(root, key));
	int byte = 0;
	bool says;

	NEED(at != NULL);
	if (text == NULL || text[0] == '\0') {
		says = strcmp(at, "-") == 0;
	} else {
		says = strcmp(at, "-") != 0;
		while (says && *at != '\0' && (byte = next_byte(&at)) >= 0)
			says = byte == (unsigned char)*text++;
		says = says && (byte < 0 || *text == '\0');
	}
	json_decref(root);
	fuzz_faults_release(held);
	return says;
}

/* One value, as a text or a number. */
static void
check_value(const json_t *value, fo_event_key key,
    const struct fo_value *read)
{
	char number[24];

	NEED((value == NULL) == (read->at == NULL));
	if (value == NULL)
		return;
	if (!fo_event_key_is_number(key)) {
		NEED(json_is_string(value));
		NEED(json_string_length(value) == read->len);
		NEED(memcmp(json_string_value(value), read->at, read->len) ==
		    0);
		return;
	}
	NEED(json_is_integer(value));
	(void)snprintf(number, sizeof(number), "%lld",
	    (long long)json_integer_value(value));
	NEED(fo_value_is(read, number));
}

void
reference_read(const struct fo_event_read *event)
{
	const bool held = fuzz_faults_hold();
	char *text = malloc(event->len + 1);
	json_t *root;
	fo_event_key key;

	NEED(text != NULL);
	memcpy(text, event->text, event->len);
	text[event->len] = '\0';
	root = load(text);
	for (key = 0; key < FO_KEYS; key++)
		check_value(json_object_get(root, fo_event_key_word(key)),
		    key, &event->value[key]);
	NEED(event->newer || json_object_size(root) == FO_KEYS);
	json_decref(root);
	free(text);
	fuzz_faults_release(held);
}
