/*
 * The module: whatever service, client, names and store there are, its
 * phases let nobody in but by a proof that is right in every respect, once,
 * and where the store says so by a reading other than ours.
 */
#include "fuzz.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <firstops/firstops.h>

#include "folder.h"
#include "host/config.h"
#include "host/replay.h"
#include "pam.h"
#include "reading.h"
#include "reference.h"
#include "sign.h"
#include "support/forge.h"

#define ID "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define TEXT_MAX 65536
/* Used proofs pile up in the world's folder; they are removed so often. */
#define RUNS_BETWEEN_SWEEPS 256

enum { WAY, FILE_NO, FLAGS, SERVICE, USER, RUSER, RHOST, TTY, TOKEN, ANSWER,
	ARGUMENT, CONTENT, FIELDS };

/* What the client does when it is asked. */
enum way { SAYS, SIGNS, SIGNS_WITHOUT_NONCE, SIGNS_FOR_ANOTHER, SIGNS_FLIPPED,
	FAILS, SAYS_NOTHING, GIVES_NO_RESPONSE, WAYS };

static struct world {
	char folder[FOLDER_SIZE];
	char socket_path[80];
	int syslog_fd;
	unsigned int runs;
} world = { .syslog_fd = -1 };

/* What an input may put in the place of a file. */
enum { CONFIG, PRINCIPAL, GROUP, DEFAULT, POLICY, NO_FILE, LINK, EVERYONE };

/*
 * '~' stands for the world's folder. What lets in at sshd stands in two
 * policies, so that losing one of them loses a no, and not the login.
 */
static const struct {
	const char *name;
	const char *text;
} files[] = {
	[CONFIG] = { "firstops.yaml", "---\nversion: 1\nhost: bastion\n"
	    "reserved_accounts: [deploy, \"agent-*\"]\nservices:\n"
	    "  sshd: {nonce: always, ask: reserved}\n"
	    "  db: {nonce: auto, ask: all}\n"
	    "replay: {folder: ~/run/replay}\n"
	    "audit: {required: [\"file:~/events\"], best_effort: []}\n"
	    "...\n" },
	[PRINCIPAL] = { "principals.d/" ID ".yaml", "---\nversion: 1\n"
	    "status: active\nid: " ID "\nkind: agent\nname: build-bot\n"
	    "owner: team-platform\ngroups: [deployers]\npolicies: []\n"
	    "accounts: [deploy, robot]\nkeys:\n"
	    "  - thumbprint: " FORGE_JKT "\n"
	    "    created: 2026-01-01T00:00:00Z\n...\n" },
	[GROUP] = { "groups.d/deployers.yaml", "---\nversion: 1\n"
	    "group: deployers\ndescription: may deploy\n"
	    "policies: [deployers]\n...\n" },
	[DEFAULT] = { "groups.d/default.yaml", "---\nversion: 1\n"
	    "group: default\ndescription: everybody\n"
	    "policies: [everyone]\n...\n" },
	[POLICY] = { "policies.d/deployers.yaml", "---\nversion: 1\n"
	    "policy: deployers\nrules:\n  - rule: log-in\n    effect: allow\n"
	    "    channel: login\n    when:\n"
	    "      service: [sshd, sudo, db]\n"
	    "  - rule: not-from-there\n    effect: deny\n"
	    "    channel: login\n    when:\n"
	    "      source: [192.0.2.0/24]\n...\n" },
	[NO_FILE] = { NULL, NULL },
	[LINK] = { "keys.d/" FORGE_JKT, "../principals.d/" ID ".yaml" },
	[EVERYONE] = { "policies.d/everyone.yaml", "---\nversion: 1\n"
	    "policy: everyone\nrules:\n  - rule: log-in\n"
	    "    effect: allow\n    channel: login\n    when:\n"
	    "      service: [sshd, sudo]\n...\n" },
};

#define FILES (sizeof(files) / sizeof(files[0]))

/* One try to log in. */
struct attempt {
	struct fuzz_fields in;
	enum way way;
	size_t file;		/* which the input writes, */
	bool placed;		/* and has written */
	int64_t since;
	struct pam_handle pamh;
	/* what the client saw and gave; owned */
	char *asked_htu;
	char *nonce;
	char *proof;
	char *proof_htu;	/* what it says; NULL: nothing was signed */
	bool proof_has_nonce;	/* the one asked for */
	bool flipped;		/* one character of it is another */
	char *told;
};

/* ---- the world --------------------------------------------------------- */

static char *
expand(const char *text)
{
	char *whole = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&whole, &size);

	NEED(f != NULL);
	for (; *text != '\0'; text++)
		if (*text == '~')
			(void)fputs(world.folder, f);
		else
			(void)fputc(*text, f);
	NEED(fclose(f) == 0 && whole != NULL);
	return whole;
}

static void
put(size_t file, const char *text)
{
	char path[FOLDER_PATH_SIZE], *whole;

	if (file == NO_FILE)
		return;
	if (file == LINK) {
		folder_path(world.folder, files[file].name, path);
		(void)unlink(path);
		/* there is none, if the input cannot be one */
		NEED(symlink(text, path) == 0 || text[0] == '\0' ||
		    errno == ENAMETOOLONG);
		return;
	}
	whole = expand(text);
	folder_put(world.folder, files[file].name, 0644, whole,
	    strlen(whole));
	free(whole);
}

static fo_err
earlier(void *arg, struct fo_now *ret)
{
	fo_err r = fo_clock_system.now(arg, ret);

	ret->s -= 120;
	ret->boot_ms -= 120 * 1000;
	return r;
}

static fo_err
same_boot(void *arg, char ret[FO_BOOT_ID_SIZE])
{
	return fo_clock_system.boot_id(arg, ret);
}

/* A folder of used proofs that is two minutes old, and empty. */
static void
make_replay(void)
{
	const struct fo_clock clock = { .now = earlier, .boot_id = same_boot };
	struct fo_diag diag = { "" };
	char path[FOLDER_PATH_SIZE];

	folder_add(world.folder, "run/replay", 0755);
	folder_path(world.folder, "run/replay", path);
	NEED(fo_replay_make(path, geteuid(), getegid(), &clock, &diag) ==
	    FO_OK);
}

static void
make_syslog(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	(void)snprintf(world.socket_path, sizeof(world.socket_path), "%s/log",
	    world.folder);
	memcpy(to.sun_path, world.socket_path, sizeof(world.socket_path));
	world.syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	NEED(world.syslog_fd >= 0);
	NEED(bind(world.syslog_fd, (const struct sockaddr *)&to,
	    sizeof(to)) == 0);
	fuzz_faults_syslog(world.socket_path);
}

static void
world_open(void)
{
	static const char *const folders[] = { "principals.d", "keys.d",
		"groups.d", "policies.d", "run" };

	folder_make(world.folder);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		folder_add(world.folder, folders[i], 0755);
	for (size_t i = 0; i < FILES; i++)
		put(i, files[i].text);
	make_replay();
	make_syslog();
}

static bool
is_ours(const char *path)
{
	return strncmp(path, world.folder, strlen(world.folder)) == 0 &&
	    path[strlen(world.folder)] == '/' && strstr(path, "..") == NULL;
}

static bool
sinks_are_ours(char *const *sinks)
{
	for (; *sinks != NULL; sinks++)
		if (strncmp(*sinks, "file:", 5) == 0 && !is_ours(*sinks + 5))
			return false;
	return true;
}

/* A configuration that names no file of the machine to be written. */
static bool
is_harmless(const char *text)
{
	struct fo_config *config = NULL;
	char *whole = expand(text);
	bool harmless = true;

	if (fo_config_parse("/f", whole, strlen(whole), NULL, &config) ==
	    FO_OK)
		harmless = is_ours(config->replay_folder) &&
		    sinks_are_ours(config->audit_required) &&
		    sinks_are_ours(config->audit_best_effort);
	fo_config_free(&config);
	free(whole);
	return harmless;
}

/* ---- the client -------------------------------------------------------- */

static char *
copy(const char *text)
{
	char *made = strdup(text);

	NEED(made != NULL);
	return made;
}

static void
keep(char **where, const char *text)
{
	free(*where);
	*where = copy(text);
}

/* Where it is no text that can be signed, what is offered says nothing. */
static void
sign(struct attempt *a, const char *htu, const char *nonce)
{
	NEED(a->proof == NULL); /* nobody is asked twice */
	a->proof = sign_proof(htu, nonce);
	a->proof_has_nonce = nonce != NULL;
	if (fo_proof_looks_like(a->proof, strlen(a->proof)))
		keep(&a->proof_htu, htu);
}

static void
flip(struct attempt *a, size_t at)
{
	at %= strlen(a->proof);
	a->proof[at] = a->proof[at] == 'A' ? 'B' : 'A';
	a->flipped = true;
}

/* What the client answers to a challenge, or to any other prompt. */
static char *
answer_to(struct attempt *a, const char *prompt)
{
	const char *text = a->in.text[ANSWER];
	struct fo_challenge *challenge = NULL;
	const char *htu = SIGN_HTU, *nonce = NULL;

	if (a->way == SAYS_NOTHING)
		return NULL;
	if (a->way == SAYS)
		return copy(text);
	if (fo_challenge_parse(prompt, &challenge) == FO_OK) {
		keep(&a->asked_htu, challenge->htu);
		keep(&a->nonce, challenge->nonce);
		htu = challenge->htu;
		nonce = challenge->nonce;
	}
	if (a->way == SIGNS_FOR_ANOTHER && text[0] != '\0')
		htu = text;
	if (a->way == SIGNS_WITHOUT_NONCE)
		nonce = NULL;
	sign(a, htu, nonce);
	if (a->way == SIGNS_FLIPPED)
		flip(a, fuzz_number(text));
	fo_challenge_free(&challenge);
	return copy(a->proof);
}

static int
converse(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	const bool held = fuzz_faults_hold();
	struct attempt *a = arg;
	int answer = PAM_SUCCESS;

	NEED(n == 1);
	if (messages[0]->msg_style == PAM_ERROR_MSG) {
		keep(&a->told, messages[0]->msg);
	} else {
		NEED(messages[0]->msg_style == PAM_PROMPT_ECHO_OFF);
		NEED(strlen(messages[0]->msg) < PAM_MAX_MSG_SIZE);
	}
	if (a->way == FAILS) {
		answer = PAM_CONV_ERR;
	} else if (a->way == GIVES_NO_RESPONSE) {
		*ret_responses = NULL;
	} else {
		*ret_responses = calloc(1, sizeof(**ret_responses));
		NEED(*ret_responses != NULL);
		(*ret_responses)->resp =
		    messages[0]->msg_style == PAM_ERROR_MSG ? NULL :
		    answer_to(a, messages[0]->msg);
	}
	fuzz_faults_release(held);
	return answer;
}

/* ---- what must hold ---------------------------------------------------- */

/* The end of a proof is its signature, the start may be anybody's. */
static void
check_secrets(const struct attempt *a, const char *text)
{
	const char *signature = a->proof != NULL ?
	    strrchr(a->proof, '.') : NULL;

	if (signature != NULL && strlen(signature) > 16)
		NEED(strstr(text, signature + 1) == NULL);
	if (a->nonce != NULL && strcmp(a->nonce, a->in.text[USER]) != 0)
		NEED(strstr(text, a->nonce) == NULL);
}

/* Events of the file sink since the last try; how many say permit. */
static size_t
check_file(const struct attempt *a)
{
	char *text = calloc(1, TEXT_MAX), *rest = text, *line;
	char path[FOLDER_PATH_SIZE];
	size_t permits = 0;
	ssize_t n;
	int fd;

	NEED(text != NULL);
	folder_path(world.folder, "events", path);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) >= 0) {
		n = read(fd, text, TEXT_MAX - 1);
		NEED(n >= 0 && n < TEXT_MAX - 1);
		NEED(ftruncate(fd, 0) == 0 && close(fd) == 0);
	}
	check_secrets(a, text);
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '\0' || strstr(line, "@cee:") == NULL)
			continue;
		line = strstr(line, "@cee:");
		reference_event(line);
		permits += strstr(line, "\"ev\":\"auth\",\"res\":\"permit\"")
		    != NULL;
	}
	free(text);
	return permits;
}

static size_t
check_syslog(const struct attempt *a)
{
	char text[2048];
	size_t permits = 0;
	ssize_t n;

	while ((n = recv(world.syslog_fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		check_secrets(a, text);
		NEED(strstr(text, "@cee:") != NULL);
		reference_event(strstr(text, "@cee:"));
		permits += strstr(text, "\"ev\":\"auth\",\"res\":\"permit\"")
		    != NULL;
	}
	return permits;
}

static bool
is_placed(const struct attempt *a, size_t file)
{
	return a->placed && a->file == file;
}

/* The text of a file as it stands now. */
static char *
text_now(const struct attempt *a, size_t file)
{
	return file == NO_FILE ? NULL : expand(is_placed(a, file) ?
	    a->in.text[CONTENT] : files[file].text);
}

/* What a permit needs, read from the store as it stands now. */
struct said {
	bool leads;		/* the key's link to its principal */
	bool in_force;
	bool permits;
	bool is_target;
	bool needs_nonce;
	bool to_events, to_syslog;
};

static void
read_texts(const struct attempt *a, char *const *texts, struct said *ret)
{
	const struct reading_store store = {
		.config = texts[CONFIG], .id = ID,
		.principal = texts[PRINCIPAL],
		.groups = (const struct reading_file[]) {
			{ "deployers", texts[GROUP] },
			{ "default", texts[DEFAULT] }, { NULL, NULL } },
		.policies = (const struct reading_file[]) {
			{ "deployers", texts[POLICY] },
			{ "everyone", texts[EVERYONE] }, { NULL, NULL } },
	};
	struct reading_login login = { .jkt = FORGE_JKT,
		.service = a->pamh.items[PAM_SERVICE],
		.account = a->pamh.items[PAM_USER],
		.rhost = a->pamh.items[PAM_RHOST], .now = a->since };
	char sink[256];

	*ret = (struct said){
		.leads = !is_placed(a, LINK) ||
		    strcmp(a->in.text[CONTENT], files[LINK].text) == 0,
		.in_force = reading_in_force(&store, &login),
		.permits = reading_permits(&store, &login),
		.is_target = a->proof_htu != NULL && reading_is_target(
		    store.config, a->proof_htu, &login),
		.needs_nonce = reading_needs_nonce(store.config,
		    login.service),
		.to_syslog = reading_requires(store.config, "syslog"),
	};
	/* hours may have begun or ended meanwhile */
	login.now = time(NULL);
	ret->permits = ret->permits || reading_permits(&store, &login);
	(void)snprintf(sink, sizeof(sink), "file:%s/events", world.folder);
	ret->to_events = reading_requires(store.config, sink);
}

static void
read_store(const struct attempt *a, struct said *ret)
{
	char *texts[FILES];

	for (size_t i = 0; i < FILES; i++)
		texts[i] = text_now(a, i);
	read_texts(a, texts, ret);
	for (size_t i = 0; i < FILES; i++)
		free(texts[i]);
}

/* Is a login from db without a nonce let in by all that is read? */
static bool
is_said(struct attempt *a)
{
	struct said said;

	a->proof_htu = copy("pam://bastion/db/deploy");
	a->pamh.items[PAM_SERVICE] = copy("db");
	a->pamh.items[PAM_USER] = copy("deploy");
	a->pamh.items[PAM_RHOST] = copy("10.2.3.4");
	a->since = time(NULL);
	read_store(a, &said);
	free(a->proof_htu);
	fake_pam_clear(&a->pamh);
	return said.leads && said.in_force && said.permits &&
	    said.is_target && !said.needs_nonce && said.to_events &&
	    !said.to_syslog;
}

/* The text of a file with one place of it changed; the caller frees. */
static char *
change(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *changed = NULL;

	NEED(at != NULL && asprintf(&changed, "%.*s%s%s", (int)(at - text),
	    text, to, at + strlen(from)) > 0);
	return changed;
}

/* The reading says yes to the world's store, and no to each change. */
static void
check_reading(void)
{
	static const char key[] = "created: 2026-01-01T00:00:00Z\n";
	static const struct {
		size_t file;
		const char *from;
		const char *to;
	} changes[] = {
		{ CONFIG, "host: bastion", "host: other" },
		{ CONFIG, "nonce: auto", "nonce: always" },
		{ CONFIG, "[\"file:~/events\"]", "[]" },
		{ PRINCIPAL, "active", "suspended" },
		{ PRINCIPAL, "active", "revoked" },
		{ PRINCIPAL, "id: " ID, "id: other" },
		{ PRINCIPAL, FORGE_JKT, "x" FORGE_JKT },
		{ PRINCIPAL, key, "revoked: 2999-01-01T00:00:00Z\n" },
		{ PRINCIPAL, key, "expires: 2026-01-01T00:00:00Z\n" },
		{ PRINCIPAL, "[deploy, robot]", "[deploy2, \"sshd:deploy\"]" },
		{ PRINCIPAL, "[deployers]", "[]" },
		{ PRINCIPAL, "[deployers]", "[deployers, other]" },
		{ PRINCIPAL, "policies: []", "policies: [other]" },
		{ GROUP, "[deployers]", "[]" },
		{ GROUP, "group: deployers", "group: other" },
		{ DEFAULT, "[everyone]", "[everyone, other]" },
		{ POLICY, "policy: deployers", "policy: other" },
		{ POLICY, "effect: allow", "effect: deny" },
		{ POLICY, "effect: allow", "effect: ask" },
		{ POLICY, "channel: login", "channel: http" },
		{ POLICY, "sudo, db]", "sudo]" },
		{ POLICY, "rules:\n", "rules:\n  - {rule: no, effect: deny, "
		    "channel: login, when: {account: [\"dep*\"]}}\n" },
		{ POLICY, "rules:\n", "rules:\n  - {rule: no, effect: ask, "
		    "channel: login, when: {source: [10.0.0.0/8]}}\n" },
		{ EVERYONE, "policy: everyone", "policy: other" },
		{ EVERYONE, "allow\n    channel: login\n    when:\n"
		    "      service: [sshd, sudo]\n",
		    "deny\n    channel: login\n" },
		{ LINK, "principals.d", "principals.e" },
	};

	NEED(is_said(&(struct attempt){ .file = NO_FILE }));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct attempt a = { .file = changes[i].file, .placed = true };

		a.in.text[CONTENT] = change(files[a.file].text,
		    changes[i].from, changes[i].to);
		NEED(!is_said(&a));
		free(a.in.text[CONTENT]);
	}
}

/* Nobody gets in but by a right proof, and not without an event. */
static void
check_permit(struct attempt *a, size_t in_file, size_t in_syslog)
{
	const char *user = a->pamh.items[PAM_USER];
	const char *service = a->pamh.items[PAM_SERVICE];
	struct said said;

	NEED(user != NULL && user[0] != '\0');
	NEED(service != NULL && service[0] != '\0');
	NEED(a->proof != NULL && !a->flipped);
	read_store(a, &said);
	NEED(said.is_target);
	NEED(a->proof_has_nonce || !said.needs_nonce);
	NEED(said.leads);
	NEED(said.in_force);
	NEED(said.permits);
	NEED(in_file > 0 || !said.to_events);
	NEED(in_syslog > 0 || !said.to_syslog);
	NEED(in_file + in_syslog == 1 || is_placed(a, CONFIG));
	NEED(pam_getenv(&a->pamh, "FIRSTOPS_SID") != NULL);
	NEED(strcmp(pam_getenv(&a->pamh, "FIRSTOPS_ID"), ID) == 0);
}

/*
 * Is it the login that the world is made for? Without a failure it has to be
 * let in, or whoever is refused is so for another reason than we think.
 */
static bool
is_right(const struct attempt *a)
{
	struct said said;

	if (a->way != SIGNS || a->asked_htu == NULL || a->placed ||
	    a->in.text[ARGUMENT][0] != '\0')
		return false;
	read_store(a, &said);
	return said.permits;
}

static void
check_auth(struct attempt *a, int answer)
{
	const char *left = a->pamh.items[PAM_AUTHTOK];
	const bool held = fuzz_faults_hold();
	const size_t in_file = check_file(a), in_syslog = check_syslog(a);

	NEED(answer == PAM_SUCCESS || fuzz_faulted() || !is_right(a));
	switch (answer) {
	case PAM_SUCCESS:
		check_permit(a, in_file, in_syslog);
		break;
	case PAM_AUTH_ERR:
	case PAM_CRED_INSUFFICIENT:
	case PAM_AUTHINFO_UNAVAIL:
	case PAM_BUF_ERR:
	case PAM_SERVICE_ERR:
		NEED(pam_getenv(&a->pamh, "FIRSTOPS_ID") ==
		    NULL);
		/* one sink may have it, where a second did not take it */
		NEED(in_file + in_syslog == 0 || is_placed(a, CONFIG) ||
		    fuzz_faulted());
		break;
	default:
		NEED(answer == PAM_ABORT && fuzz_faulted());
	}
	NEED(left == NULL || !fo_proof_looks_like(left, strlen(left)));
	if (a->told != NULL) {
		check_secrets(a, a->told);
		NEED(strncmp(a->told, "FirstOps: access refused (ref ",
		    30) == 0);
	}
	fuzz_faults_release(held);
}

/* A later phase let somebody on: the store still says so, as it stands now. */
static void
check_still(const struct attempt *a, bool is_account)
{
	const bool held = fuzz_faults_hold();
	struct said said;

	read_store(a, &said);
	NEED(said.in_force);
	NEED(said.permits || !is_account);
	fuzz_faults_release(held);
}

/* ---- a try -------------------------------------------------------------- */

static int
lowest_descriptor(void)
{
	const bool held = fuzz_faults_hold();
	const int fd = fcntl(2, F_DUPFD_CLOEXEC, 3);

	NEED(fd >= 0 && close(fd) == 0);
	fuzz_faults_release(held);
	return fd;
}

/* What happens between the phases: a service becomes another process, of which
 * only the environment comes along; the user becomes another; the store does,
 * and until then was as it should be. */
enum { OTHER_PROCESS = 1, OTHER_USER = 2, OTHER_STORE = 4 };

static bool
happens(const struct attempt *a, uint32_t what)
{
	return (fuzz_number(a->in.text[FLAGS]) & what) != 0;
}

static void
place(struct attempt *a)
{
	const bool held = fuzz_faults_hold();

	put(a->file, a->in.text[CONTENT]);
	a->placed = a->file != NO_FILE;
	fuzz_faults_release(held);
}

/*
 * The same proof once more, as a token, in a conversation of its own: whatever
 * fails, it is spent.
 */
static void
offer_again(const struct attempt *a, int argc, const char **argv)
{
	static const int items[] = { PAM_SERVICE, PAM_USER, PAM_RUSER,
		PAM_RHOST, PAM_TTY };
	const bool held = fuzz_faults_hold();
	struct attempt again = { .in = a->in, .way = FAILS, .file = a->file,
		.placed = a->placed, .nonce = a->nonce, .proof = a->proof };
	int answer;

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		if (a->pamh.items[items[i]] != NULL)
			again.pamh.items[items[i]] =
			    copy(a->pamh.items[items[i]]);
	again.pamh.items[PAM_AUTHTOK] = copy(a->proof);
	again.pamh.conv = (struct pam_conv){ converse, &again };
	fuzz_faults_release(held);
	answer = pam_sm_authenticate(&again.pamh, 0, argc, argv);
	(void)fuzz_faults_hold();
	NEED(answer != PAM_SUCCESS);
	NEED(check_file(&again) == 0 && check_syslog(&again) == 0);
	fake_pam_clear(&again.pamh);
	free(again.told);
	fuzz_faults_release(held);
}

static void
account_phase(struct attempt *a, int auth, int argc, const char **argv)
{
	const char *user = a->pamh.items[PAM_USER];
	const char *other = a->in.text[RUSER];
	const bool held = fuzz_faults_hold();
	int answer;

	if (!happens(a, OTHER_USER) || user == NULL ||
	    strcmp(user, other) == 0)
		other = NULL;
	else
		keep(&a->pamh.items[PAM_USER], other);
	fuzz_faults_release(held);
	answer = pam_sm_acct_mgmt(&a->pamh, 0, argc, argv);
	if (answer != PAM_SUCCESS)
		return;
	NEED(auth == PAM_SUCCESS && other == NULL);
	check_still(a, true);
}

/* The phases after auth, in the order in which services call them. */
static void
later_phases(struct attempt *a, int auth, int argc, const char **argv)
{
	pam_handle_t *pamh = &a->pamh;
	int answer;

	account_phase(a, auth, argc, argv);
	if (happens(a, OTHER_PROCESS))
		fake_pam_forget(pamh);
	(void)pam_sm_setcred(pamh, PAM_ESTABLISH_CRED, argc, argv);
	answer = pam_sm_open_session(pamh, 0, argc, argv);
	if (answer == PAM_SUCCESS) {
		NEED(auth == PAM_SUCCESS);
		check_still(a, false);
	}
	answer = pam_sm_close_session(pamh, 0, argc, argv);
	NEED(answer != PAM_SUCCESS || auth == PAM_SUCCESS);
	(void)pam_sm_setcred(pamh, PAM_DELETE_CRED, argc, argv);
}

static void
set_items(struct attempt *a)
{
	static const struct {
		int item;
		int field;
	} items[] = {
		{ PAM_SERVICE, SERVICE }, { PAM_USER, USER },
		{ PAM_RUSER, RUSER }, { PAM_RHOST, RHOST }, { PAM_TTY, TTY },
		{ PAM_AUTHTOK, TOKEN },
	};
	char *text;

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		text = a->in.text[items[i].field];
		if (text[0] != '\0')
			a->pamh.items[items[i].item] = copy(text);
	}
	/* a token that another module asked for, signed for its text */
	if (strncmp(a->in.text[TOKEN], "pam://", 6) == 0) {
		sign(a, a->in.text[TOKEN], NULL);
		free(a->pamh.items[PAM_AUTHTOK]);
		a->pamh.items[PAM_AUTHTOK] = copy(a->proof);
	}
	a->pamh.typed_user = fuzz_known(a->in.text[ANSWER]);
	a->pamh.conv = (struct pam_conv){ converse, a };
}

static void
attempt_clear(struct attempt *a)
{
	const bool held = fuzz_faults_hold();

	fake_pam_clear(&a->pamh);
	free(a->asked_htu);
	free(a->nonce);
	free(a->proof);
	free(a->proof_htu);
	free(a->told);
	put(a->file, files[a->file].text);
	(void)check_file(&(struct attempt){ .file = NO_FILE });
	while (recv(world.syslog_fd, &(char){ 0 }, 1, 0) >= 0)
		continue;
	if (++world.runs % RUNS_BETWEEN_SWEEPS == 0) {
		folder_remove(world.folder, "run/replay");
		folder_remove(world.folder, "run/pending");
		folder_remove(world.folder, "run/sessions");
		make_replay();
	}
	fuzz_fields_clear(&a->in);
	fuzz_faults_release(held);
}

static void
run(struct attempt *a)
{
	char config[128];
	const char *argv[3] = { config, NULL, NULL };
	int argc = 1, fd = lowest_descriptor(), answer;

	(void)snprintf(config, sizeof(config), "config=%s/firstops.yaml",
	    world.folder);
	if (a->in.text[ARGUMENT][0] != '\0')
		argv[argc++] = a->in.text[ARGUMENT];
	answer = pam_sm_authenticate(&a->pamh,
	    (int)(fuzz_number(a->in.text[FLAGS]) & PAM_SILENT), argc, argv);
	check_auth(a, answer);
	if (answer == PAM_SUCCESS)
		offer_again(a, argc, argv);
	if (happens(a, OTHER_STORE))
		place(a);
	later_phases(a, answer, argc, argv);
	NEED(lowest_descriptor() == fd);
}

void
fuzz_on_module(const uint8_t *data, size_t size)
{
	const bool held = fuzz_faults_hold();
	struct attempt a = { .proof = NULL };
	bool harmless;

	if (world.syslog_fd < 0) {
		world_open();
		check_reading();
	}
	fuzz_fields_split(data, size, FIELDS, &a.in);
	a.way = (enum way)(fuzz_number(a.in.text[WAY]) % WAYS);
	a.file = fuzz_number(a.in.text[FILE_NO]) % FILES;
	harmless = strstr(a.in.text[ARGUMENT], "config") == NULL &&
	    (a.file != CONFIG || is_harmless(a.in.text[CONTENT]));
	if (harmless && !happens(&a, OTHER_STORE))
		place(&a);
	set_items(&a);
	a.since = time(NULL);
	fuzz_faults_release(held);
	if (harmless)
		run(&a);
	attempt_clear(&a);
}
