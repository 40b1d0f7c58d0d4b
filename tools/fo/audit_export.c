/*
 * Entries in the words of two published schemas, an object a line: OCSF's
 * class Authentication, and the Elastic Common Schema.
 *
 * A value goes where the schema has a place for it, and what has none goes
 * under its own key into unmapped or labels: nothing is lost. Texts stay as
 * they were written, %XX and all; what is missing is left out.
 */
#include <arpa/inet.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "file.h"
#include "json.h"

#define OCSF_VERSION "1.9.0"	/* the first that knows agents */
#define ECS_VERSION "9.4.0"
#define PRODUCT "FirstOps for Linux"
#define VENDOR "FirstOps"

/* How an event without a time is dated: where it stands out. */
#define NO_TIME "1970-01-01T00:00:00.000000Z"

/* What auid and ses are where the kernel has none (UINT32_MAX). */
#define NO_AUDIT_ID "4294967295"

/* An entry on its way into an object. */
struct telling {
	const struct audit_entry *entry;
	bool told[FO_KEYS];	/* has found its place */
	bool failed;		/* no memory */
};

/* ---- what events are to others --------------------------------------- */

enum { LOGON = 1, LOGOFF = 2, OTHER = 99 };

struct deed {
	const char *ev;
	int activity;		/* OCSF's activity_id */
	bool decides;		/* lets in or keeps out, allows or forbids */
	bool admin;		/* not by a principal: about one */
	const char *category;	/* ECS's event.category and event.type */
	const char *types[3];
};

static const struct deed deeds[] = {
	{ "auth", LOGON, true, false, "authentication", { "start" } },
	{ "account", OTHER, true, false, "authentication", { "info" } },
	{ "session_open", OTHER, true, false, "session", { "start" } },
	{ "session_close", LOGOFF, false, false, "session", { "end" } },
	{ "action", OTHER, true, false, "process", { "info" } },
	{ "principal_create", OTHER, false, true, "iam",
	    { "user", "creation" } },
	{ "principal_edit", OTHER, false, true, "iam", { "user", "change" } },
	{ "key_add", OTHER, false, true, "iam", { "user", "change" } },
	{ "key_rotate", OTHER, false, true, "iam", { "user", "change" } },
	{ "suspend", OTHER, false, true, "iam", { "user", "change" } },
	{ "resume", OTHER, false, true, "iam", { "user", "change" } },
	{ "revoke", OTHER, false, true, "iam", { "user", "change" } },
	{ "delete", OTHER, false, true, "iam", { "user", "deletion" } },
	{ "policy_change", OTHER, false, true, "configuration",
	    { "change" } },
	{ "audit_start", OTHER, false, true, "configuration", { "info" } },
	{ "audit_stop", OTHER, false, true, "configuration", { "info" } },
};

/* Of a later version, which knows more. */
static const struct deed strange_deed = { .activity = OTHER };

static const struct deed *
deed_of(const struct audit_entry *entry)
{
	size_t i;

	for (i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		if (entry_is(entry, FO_KEY_EV, deeds[i].ev))
			return &deeds[i];

	return &strange_deed;
}

/* A number of OCSF's and what it is called. */
struct choice {
	const char *caption;	/* NULL: as the event has it */
	int id;
};

struct end {
	const char *res;
	const char *outcome;	/* ECS's */
	struct choice status;	/* the rest is OCSF's */
	struct choice severity;
	struct choice action;
	struct choice disposition;
};

static const struct end ends[] = {
	{ "permit", "success", { "Success", 1 }, { "Informational", 1 },
	    { "Allowed", 1 }, { "Allowed", 1 } },
	{ "deny", "failure", { "Failure", 2 }, { "Low", 2 },
	    { "Denied", 2 }, { "Blocked", 2 } },
	{ "error", "failure", { "Failure", 2 }, { "Medium", 3 },
	    { "Denied", 2 }, { "Error", 27 } },
	{ "none", "unknown", { "Unknown", 0 }, { "Informational", 1 },
	    { "Observed", 3 }, { "Logged", 17 } },
};

/* Let go on without a decision (fo hook --fail-open). */
static const struct end undecided_end = { "error", "failure",
	{ "Failure", 2 }, { "Medium", 3 }, { "Observed", 3 },
	{ "Logged", 17 } };

static const struct end strange_end = { NULL, "unknown", { NULL, OTHER },
	{ "Unknown", 0 }, { "Unknown", 0 }, { "Unknown", 0 } };

static const struct end *
end_of(const struct audit_entry *entry)
{
	size_t i;

	if (entry_is(entry, FO_KEY_POL, "--fail-open"))
		return &undecided_end;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (entry_is(entry, FO_KEY_RES, ends[i].res))
			return &ends[i];

	return &strange_end;
}

/* The sentence of its reason; NULL: there is none. */
static const char *
why_text(const struct audit_entry *entry)
{
	int i;

	for (i = -1; i > -256; i--)
		if (entry_is(entry, FO_KEY_WHY, fo_err_word((fo_err)i)))
			return fo_err_text((fo_err)i);

	return NULL;
}

/* ---- values ---------------------------------------------------------- */

static bool
has(const struct telling *t, fo_event_key key)
{
	if ((key == FO_KEY_AUID || key == FO_KEY_SES) &&
	    entry_is(t->entry, key, NO_AUDIT_ID))
		return false;

	return !fo_value_missing(&t->entry->event.value[key]);
}

/* The first len bytes of a text. */
static void
put_part(struct telling *t, struct json *object, const char *name,
    const char *text, size_t len)
{
	char *part = text_copy(text, len);

	if (part == NULL)
		t->failed = true;
	else
		json_text(object, name, part);
	free(part);
}

static void
put(struct telling *t, struct json *object, const char *name,
    fo_event_key key)
{
	const struct fo_value *value = &t->entry->event.value[key];

	if (!has(t, key))
		return;
	put_part(t, object, name, value->at, value->len);
	t->told[key] = true;
}

/* The reader takes none that is too large; a comma or a brace follows it. */
static bool
put_number(struct telling *t, struct json *object, const char *name,
    fo_event_key key)
{
	if (!has(t, key))
		return false;
	json_number(object, name, strtoll(t->entry->event.value[key].at, NULL,
	    10));
	t->told[key] = true;

	return true;
}

/* What nobody else had a place for. */
static void
put_rest(struct telling *t, struct json *object, bool numbers)
{
	const char *word;
	fo_event_key key;

	for (key = 0; key < FO_KEYS; key++) {
		word = fo_event_key_word(key);
		if (t->told[key] || (numbers && fo_event_key_is_number(key) &&
		    put_number(t, object, word, key)))
			continue;
		put(t, object, word, key);
	}
}

/* An object with one text in it. */
static void
put_one(struct telling *t, struct json *parent, const char *object_name,
    const char *name, fo_event_key key)
{
	struct json *object;

	if (!has(t, key))
		return;
	object = json_object_new();
	put(t, object, name, key);
	json_put(parent, object_name, &object);
}

/* A path of a log: any bytes, which JSON would not take. */
static void
put_path(struct telling *t, struct json *object, const char *name,
    const char *path)
{
	const size_t size = 3 * strlen(path) + 1;
	char *text = malloc(size), *p = text;

	if (text == NULL) {
		t->failed = true;
		return;
	}
	for (; *path != '\0'; path++)
		if (*path >= ' ' && *path <= '~')
			*p++ = *path;
		else
			p += snprintf(p, size - (size_t)(p - text), "%%%02X",
			    (unsigned int)(unsigned char)*path);
	*p = '\0';
	json_text(object, name, text);
	free(text);
}

/* The same for the same line wherever and whenever it is read. */
static void
put_uid(const struct telling *t, struct json *object, const char *name)
{
	const struct fo_value *value = t->entry->event.value;
	char host[64], at[64], pid[32], text[192];

	fo_value_copy(&value[FO_KEY_HOST], host, sizeof(host));
	fo_value_copy(&value[FO_KEY_T], at, sizeof(at));
	fo_value_copy(&value[FO_KEY_PID], pid, sizeof(pid));
	(void)snprintf(text, sizeof(text), "%s/%s/%s", host, at, pid);
	json_text(object, name, text);
}

/* Is its source an address, and no name? */
static bool
is_address(const struct telling *t)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (t->entry->event.value[FO_KEY_SRC].len >= sizeof(text))
		return false;
	fo_value_copy(&t->entry->event.value[FO_KEY_SRC], text, sizeof(text));

	return inet_pton(AF_INET, text, address) == 1 ||
	    inet_pton(AF_INET6, text, address) == 1;
}

/* Did an agent do it, and do we know which? */
static bool
is_by_agent(const struct telling *t)
{
	return !deed_of(t->entry)->admin && has(t, FO_KEY_ID) &&
	    entry_is(t->entry, FO_KEY_KIND, "agent");
}

/* Print what was made, and free it. */
static fo_err
print(const struct telling *t, struct json **event)
{
	if (t->failed) {
		json_free(event);
		return FO_ERR_NOMEM;
	}

	return json_print(event) == FO_EXIT_DONE ? FO_OK : FO_ERR_IO;
}

/* ---- OCSF ------------------------------------------------------------ */

static void
ocsf_class(struct telling *t, struct json *event)
{
	const struct deed *deed = deed_of(t->entry);
	char name[64], type[96];

	fo_value_copy(&t->entry->event.value[FO_KEY_EV], name, sizeof(name));
	if (deed->activity != OTHER)
		(void)snprintf(name, sizeof(name), "%s",
		    deed->activity == LOGON ? "Logon" : "Logoff");
	(void)snprintf(type, sizeof(type), "Authentication: %s", name);
	json_number(event, "category_uid", 3);
	json_text(event, "category_name", "Identity & Access Management");
	json_number(event, "class_uid", 3002);
	json_text(event, "class_name", "Authentication");
	json_number(event, "activity_id", deed->activity);
	json_text(event, "activity_name", name);
	json_number(event, "type_uid", 300200 + deed->activity);
	json_text(event, "type_name", type);
	json_number(event, "time", t->entry->event.t_us < 0 ? 0 :
	    t->entry->event.t_us / 1000);
}

static void
ocsf_metadata(struct telling *t, struct json *event)
{
	const char *profiles[4] = { NULL };
	struct json *metadata = json_object_new();
	struct json *product = json_object_new();
	size_t n = 0;

	if (has(t, FO_KEY_HOST))
		profiles[n++] = "host";
	if (deed_of(t->entry)->decides)
		profiles[n++] = "security_control";
	if (is_by_agent(t))
		profiles[n++] = "ai_operation";
	json_text(product, "name", PRODUCT);
	json_text(product, "vendor_name", VENDOR);
	json_text(metadata, "version", OCSF_VERSION);
	json_put(metadata, "product", &product);
	if (n > 0)
		json_texts(metadata, "profiles", profiles);
	put_uid(t, metadata, "uid");
	put(t, metadata, "event_code", FO_KEY_EV);
	put(t, metadata, "original_time", FO_KEY_T);
	put(t, metadata, "log_version", FO_KEY_V);
	put_path(t, metadata, "log_source", t->entry->line->from);
	json_put(event, "metadata", &metadata);
}

static void
ocsf_status(struct telling *t, struct json *event)
{
	const struct end *end = end_of(t->entry);
	const char *why = why_text(t->entry);

	json_number(event, "severity_id", end->severity.id);
	json_text(event, "severity", end->severity.caption);
	json_number(event, "status_id", end->status.id);
	if (end->status.caption == NULL)
		put(t, event, "status", FO_KEY_RES);
	else
		json_text(event, "status", end->status.caption);
	t->told[FO_KEY_RES] = true;
	put(t, event, "status_code", FO_KEY_WHY);
	if (why != NULL)
		json_text(event, "status_detail", why);
	put(t, event, "message", FO_KEY_MSG);
}

/* Events that decide are those of a control, by a policy. */
static void
ocsf_control(struct telling *t, struct json *event)
{
	const struct fo_value *pol = &t->entry->event.value[FO_KEY_POL];
	const struct end *end = end_of(t->entry);
	const char *slash;
	struct json *policy;

	if (!deed_of(t->entry)->decides)
		return;
	json_number(event, "action_id", end->action.id);
	json_text(event, "action", end->action.caption);
	json_number(event, "disposition_id", end->disposition.id);
	json_text(event, "disposition", end->disposition.caption);
	if (!has(t, FO_KEY_POL))
		return;
	slash = memchr(pol->at, '/', pol->len);
	policy = json_object_new();
	put_part(t, policy, "name", pol->at, slash == NULL ? pol->len :
	    (size_t)(slash - pol->at));
	json_put(event, "policy", &policy);
	/* its rule has no place: the whole goes into unmapped as well */
}

/* Who is let in, or whose record is changed; the schema demands somebody. */
static void
ocsf_user(struct telling *t, struct json *event)
{
	const bool admin = deed_of(t->entry)->admin;
	const fo_event_key first = admin ? FO_KEY_NAME : FO_KEY_USER;
	const fo_event_key second = admin ? FO_KEY_USER : FO_KEY_NAME;
	struct json *user = json_object_new(), *key, *keys;

	if (has(t, first))
		put(t, user, "name", first);
	else if (has(t, second))
		put(t, user, "name", second);
	else if (has(t, FO_KEY_BY))
		put(t, user, "name", FO_KEY_BY);
	else
		json_text(user, "name", "-");
	if (!is_by_agent(t)) {
		put(t, user, "uid", FO_KEY_ID);
		if (!t->told[FO_KEY_NAME])
			put(t, user, "display_name", FO_KEY_NAME);
	}
	if (has(t, FO_KEY_JKT)) {
		key = json_object_new();
		keys = json_list_new();
		json_text(key, "type", "DPoP key");
		put(t, key, "uid", FO_KEY_JKT);
		json_append(keys, &key);
		json_put(user, "programmatic_credentials", &keys);
	}
	json_put(event, "user", &user);
}

/* Who did it: the agent, the process, and whoever was behind it. */
static void
ocsf_actor(struct telling *t, struct json *event)
{
	struct json *actor = json_object_new(), *agent, *process;

	put_one(t, actor, "user", "name", has(t, FO_KEY_BY) ? FO_KEY_BY :
	    FO_KEY_RUSER);
	process = json_object_new();
	if (put_number(t, process, "pid", FO_KEY_PID))
		json_put(actor, "process", &process);
	json_free(&process);
	if (t->told[FO_KEY_PID] || has(t, FO_KEY_BY) || has(t, FO_KEY_RUSER))
		json_put(event, "actor", &actor);
	json_free(&actor);
	if (is_by_agent(t)) {
		agent = json_object_new();
		put(t, agent, "uid", FO_KEY_ID);
		put(t, agent, "name", FO_KEY_NAME);
		json_put(event, "ai_agent", &agent);
	}
}

static void
ocsf_where(struct telling *t, struct json *event)
{
	struct json *device, *service, *session;

	put_one(t, event, "service", "name", FO_KEY_SVC);
	if (!has(t, FO_KEY_SVC) && !has(t, FO_KEY_HOST)) {
		/* the schema demands one of them */
		service = json_object_new();
		json_text(service, "name", PRODUCT);
		json_put(event, "service", &service);
	}
	put_one(t, event, "dst_endpoint", "hostname", FO_KEY_HOST);
	if (has(t, FO_KEY_HOST)) {
		device = json_object_new();
		put(t, device, "hostname", FO_KEY_HOST);
		json_number(device, "type_id", 0);
		json_text(device, "type", "Unknown");
		json_put(event, "device", &device);
	}
	put_one(t, event, "src_endpoint", is_address(t) ? "ip" : "hostname",
	    FO_KEY_SRC);
	if (has(t, FO_KEY_SRC))
		json_flag(event, "is_remote", true);
	if (has(t, FO_KEY_SID) || has(t, FO_KEY_TTY)) {
		session = json_object_new();
		put(t, session, "uid", FO_KEY_SID);
		put(t, session, "terminal", FO_KEY_TTY);
		json_put(event, "session", &session);
	}
	if (deed_of(t->entry)->activity == LOGON &&
	    !entry_is(t->entry, FO_KEY_RES, "none")) {
		json_number(event, "auth_protocol_id", OTHER);
		json_text(event, "auth_protocol", "DPoP");
	}
}

static void
ocsf_unmapped(struct telling *t, struct json *event)
{
	const struct log_line *line = t->entry->line;
	struct json *unmapped = json_object_new();

	put_rest(t, unmapped, true);
	json_text(unmapped, "sender", trust_word(t->entry->trust));
	if (line->uid != LOG_NO_UID)
		json_number(unmapped, "sender_uid", line->uid);
	json_put(event, "unmapped", &unmapped);
}

static fo_err
ocsf_add(void *view, const struct audit_entry *entry)
{
	struct telling t = { .entry = entry };
	struct json *event = json_object_new();

	(void)view;
	ocsf_class(&t, event);
	ocsf_metadata(&t, event);
	ocsf_status(&t, event);
	ocsf_control(&t, event);
	ocsf_user(&t, event);
	ocsf_actor(&t, event);
	ocsf_where(&t, event);
	ocsf_unmapped(&t, event);

	return print(&t, &event);
}

/* ---- ECS ------------------------------------------------------------- */

static void
ecs_event(struct telling *t, struct json *root)
{
	const struct deed *deed = deed_of(t->entry);
	const char *categories[] = { deed->category, NULL };
	struct json *event = json_object_new(), *ecs = json_object_new();

	if (t->entry->event.t_us < 0)
		json_text(root, "@timestamp", NO_TIME);
	else
		put(t, root, "@timestamp", FO_KEY_T);
	json_text(ecs, "version", ECS_VERSION);
	json_put(root, "ecs", &ecs);
	json_text(event, "kind", "event");
	if (deed->category != NULL) {
		json_texts(event, "category", categories);
		json_texts(event, "type", deed->types);
	}
	put(t, event, "action", FO_KEY_EV);
	json_text(event, "outcome", end_of(t->entry)->outcome);
	put(t, event, "reason", FO_KEY_WHY);
	put_uid(t, event, "id");
	json_text(event, "module", "firstops");
	json_text(event, "dataset", "firstops.audit");
	json_text(event, "provider", PRODUCT);
	json_put(root, "event", &event);
	put(t, root, "message", FO_KEY_MSG);
}

/* Who did it; for an admin's deed also to whom. */
static void
ecs_user(struct telling *t, struct json *root)
{
	const bool admin = deed_of(t->entry)->admin;
	struct json *user = json_object_new(), *target;

	put(t, user, "name", admin ? FO_KEY_BY : has(t, FO_KEY_USER) ?
	    FO_KEY_USER : FO_KEY_NAME);
	if (!admin) {
		put(t, user, "id", FO_KEY_ID);
	} else if (has(t, FO_KEY_NAME) || has(t, FO_KEY_ID)) {
		target = json_object_new();
		put(t, target, "name", FO_KEY_NAME);
		put(t, target, "id", FO_KEY_ID);
		json_put(user, "target", &target);
	}
	if (t->told[FO_KEY_BY] || t->told[FO_KEY_USER] ||
	    t->told[FO_KEY_NAME] || t->told[FO_KEY_ID])
		json_put(root, "user", &user);
	json_free(&user);
}

/* A list of the values of keys, each value once; false if there are none. */
static bool
ecs_related(struct telling *t, struct json *related, const char *name,
    const fo_event_key *keys, size_t count)
{
	char *texts[8] = { NULL };
	size_t i, j, n = 0;

	for (i = 0; i < count && n + 1 < sizeof(texts) / sizeof(texts[0]);
	    i++) {
		for (j = 0; j < n; j++)
			if (entry_is(t->entry, keys[i], texts[j]))
				break;
		if (j < n || !has(t, keys[i]))
			continue;
		if ((texts[n++] = entry_text(t->entry, keys[i])) == NULL) {
			t->failed = true;
			n--;
			break;
		}
	}
	if (n > 0)
		json_texts(related, name, (const char *const *)texts);
	for (i = 0; i < n; i++)
		free(texts[i]);

	return n > 0;
}

static void
ecs_all_related(struct telling *t, struct json *root)
{
	static const fo_event_key users[] = { FO_KEY_USER, FO_KEY_RUSER,
		FO_KEY_NAME, FO_KEY_ID, FO_KEY_BY };
	static const fo_event_key source[] = { FO_KEY_SRC };
	static const fo_event_key hosts[] = { FO_KEY_HOST, FO_KEY_SRC };
	const bool address = is_address(t);
	struct json *related = json_object_new();
	bool any;

	any = ecs_related(t, related, "user", users,
	    sizeof(users) / sizeof(users[0]));
	if (address)
		any |= ecs_related(t, related, "ip", source, 1);
	any |= ecs_related(t, related, "hosts", hosts, address ? 1 : 2);
	if (any)
		json_put(root, "related", &related);
	json_free(&related);
}

static void
ecs_where(struct telling *t, struct json *root)
{
	struct json *host, *source, *process;

	if (has(t, FO_KEY_HOST)) {
		host = json_object_new();
		put(t, host, "name", FO_KEY_HOST);
		put(t, host, "hostname", FO_KEY_HOST);
		json_put(root, "host", &host);
	}
	if (has(t, FO_KEY_SRC)) {
		source = json_object_new();
		put(t, source, "address", FO_KEY_SRC);
		put(t, source, is_address(t) ? "ip" : "domain", FO_KEY_SRC);
		json_put(root, "source", &source);
	}
	put_one(t, root, "service", "name", FO_KEY_SVC);
	process = json_object_new();
	if (put_number(t, process, "pid", FO_KEY_PID))
		json_put(root, "process", &process);
	json_free(&process);
}

/* policy/rule */
static void
ecs_rule(struct telling *t, struct json *root)
{
	const struct fo_value *pol = &t->entry->event.value[FO_KEY_POL];
	const char *slash;
	struct json *rule;
	size_t len;

	if (!has(t, FO_KEY_POL))
		return;
	rule = json_object_new();
	slash = memchr(pol->at, '/', pol->len);
	len = slash == NULL ? pol->len : (size_t)(slash - pol->at);
	put_part(t, rule, "ruleset", pol->at, len);
	if (slash != NULL)
		put_part(t, rule, "name", slash + 1, pol->len - len - 1);
	json_put(root, "rule", &rule);
	t->told[FO_KEY_POL] = true;
}

static void
ecs_labels(struct telling *t, struct json *root)
{
	const struct log_line *line = t->entry->line;
	struct json *labels = json_object_new(), *file, *log;
	char uid[24];

	t->told[FO_KEY_RES] = end_of(t->entry)->res != NULL;
	put_rest(t, labels, false);
	json_text(labels, "sender", trust_word(t->entry->trust));
	if (line->uid != LOG_NO_UID) {
		(void)snprintf(uid, sizeof(uid), "%" PRId64, line->uid);
		json_text(labels, "sender_uid", uid);
	}
	json_put(root, "labels", &labels);
	if (line->number == 0)
		return;
	file = json_object_new();
	log = json_object_new();
	put_path(t, file, "path", line->from);
	json_put(log, "file", &file);
	json_put(root, "log", &log);
}

static fo_err
ecs_add(void *view, const struct audit_entry *entry)
{
	struct telling t = { .entry = entry };
	struct json *root = json_object_new();

	(void)view;
	ecs_event(&t, root);
	ecs_user(&t, root);
	ecs_all_related(&t, root);
	ecs_where(&t, root);
	ecs_rule(&t, root);
	ecs_labels(&t, root);

	return print(&t, &root);
}

/* ---- both: each line is out when it is made -------------------------- */

static void *
export_open(const struct call *call, const struct log_span *span)
{
	(void)call;
	(void)span;

	return malloc(1);
}

static fo_err
export_flush(void *view)
{
	(void)view;

	return FO_OK;
}

static void
export_close(void *view)
{
	free(view);
}

const struct view view_ocsf = { export_open, ocsf_add, export_flush,
	export_flush, export_close };

const struct view view_ecs = { export_open, ecs_add, export_flush,
	export_flush, export_close };
