/*
 * A small world for the module: see fixture.h.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/replay.h"

#define ANSWER_MAX_MS 3000

#define NEED(e) cr_assert((e), "%s: %s", #e, strerror(errno))

/* ---- the store ----------------------------------------------------------- */

static void
path_of(const struct world *w, const char *name, char ret[256])
{
	int n = name[0] == '/' ? snprintf(ret, 256, "%s", name) :
	    snprintf(ret, 256, "%s/%s", w->folder, name);

	cr_assert(n > 0 && n < 256);
}

void
world_put(const struct world *w, const char *name, const char *fmt, ...)
{
	char path[256];
	va_list ap;
	FILE *f;

	path_of(w, name, path);
	NEED((f = fopen(path, "w")) != NULL);
	va_start(ap, fmt);
	NEED(vfprintf(f, fmt, ap) >= 0);
	va_end(ap);
	NEED(fclose(f) == 0);
}

void
world_config(const struct world *w, const char *sinks)
{
	world_put(w, "firstops.yaml",
	    "---\n"
	    "version: 1\n"
	    "host: bastion\n"
	    "reserved_accounts: [deploy, \"agent-*\"]\n"
	    "services:\n"
	    "  sshd: {nonce: always, ask: reserved}\n"
	    "  sudo: {nonce: always, ask: reserved}\n"
	    "  db: {nonce: auto, ask: all}\n"
	    "replay: {folder: %s/run/replay}\n"
	    "audit: {required: [%s], best_effort: []}\n"
	    "...\n", w->folder, sinks);
}

void
world_agent(const struct world *w, const char *status, const char *key_more)
{
	world_put(w, "principals.d/" AGENT_ID ".yaml",
	    "---\n"
	    "version: 1\n"
	    "status: %s\n"
	    "id: " AGENT_ID "\n"
	    "kind: agent\n"
	    "name: build-bot\n"
	    "owner: team-platform\n"
	    "groups: [deployers]\n"
	    "policies: []\n"
	    "accounts: [deploy, robot]\n"
	    "keys:\n"
	    "  - thumbprint: %s\n"
	    "    created: 2026-01-01T00:00:00Z\n"
	    "%s"
	    "...\n", status, w->jkt, key_more);
}

static void
make_store(const struct world *w)
{
	static const char *const folders[] = { "principals.d", "keys.d",
		"groups.d", "policies.d", "pam.d", "run", "run/replay" };
	char path[256], link[256];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		path_of(w, folders[i], path);
		NEED(mkdir(path, 0755) == 0);
	}
	world_agent(w, "active", "");
	(void)snprintf(path, sizeof(path), "%s/keys.d/%s", w->folder, w->jkt);
	(void)snprintf(link, sizeof(link),
	    "../principals.d/" AGENT_ID ".yaml");
	NEED(symlink(link, path) == 0);
	world_put(w, "groups.d/deployers.yaml", "---\nversion: 1\n"
	    "group: deployers\ndescription: may deploy\n"
	    "policies: [deployers]\n...\n");
	world_put(w, "groups.d/default.yaml", "---\nversion: 1\n"
	    "group: default\ndescription: everybody\npolicies: []\n...\n");
	world_put(w, "policies.d/deployers.yaml", "---\nversion: 1\n"
	    "policy: deployers\nrules:\n"
	    "  - rule: log-in\n    effect: allow\n    channel: login\n"
	    "    when:\n      service: [sshd, sudo, db]\n...\n");
}

/*
 * The replay folder accepts what was issued since its birth. It is born by
 * the first proof it is asked about, so one that is offered by a clock of
 * two minutes ago, and refused, makes it two minutes old.
 */
static fo_err
earlier(void *arg, struct fo_now *ret)
{
	struct fo_now now;
	fo_err r = fo_clock_system.now(arg, &now);

	if (r != FO_OK)
		return r;
	now.s -= 120;
	now.boot_ms -= 120 * 1000;
	*ret = now;
	return FO_OK;
}

static fo_err
boot_id(void *arg, char ret[FO_BOOT_ID_SIZE])
{
	return fo_clock_system.boot_id(arg, ret);
}

static void
age_replay(const struct world *w)
{
	const struct fo_clock clock = { .now = earlier, .boot_id = boot_id };
	struct fo_diag diag = { "" };
	char folder[256];
	struct fo_now now;
	struct fo_spend spend = { .folder = folder, .max_age_s = 60,
		.clock_skew_s = 15, .clock = &clock, .diag = &diag,
		.hash = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };

	if (geteuid() != 0) {
		(void)snprintf(folder, sizeof(folder), "%s/run/replay/%u",
		    w->folder, (unsigned int)geteuid());
		NEED(mkdir(folder, 0700) == 0);
	}
	path_of(w, "run/replay", folder);
	cr_assert_eq(earlier(NULL, &now), FO_OK);
	spend.iat = now.s;
	cr_assert_eq(fo_replay_spend(&spend), FO_ERR_REPLAY_NEWBORN, "%s",
	    diag.text);
}

/*
 * A line of pam.d cannot name a module by a path with spaces, and the build
 * folder may well have some: links in the world lead there.
 */
static void
link_modules(struct world *w)
{
	(void)snprintf(w->module, sizeof(w->module), "%s/pam_firstops.so",
	    w->folder);
	NEED(symlink(MODULE, w->module) == 0);
	(void)snprintf(w->probe, sizeof(w->probe), "%s/pam_probe.so",
	    w->folder);
	NEED(symlink(PROBE, w->probe) == 0);
}

void
world_open(struct world *w)
{
	char sink[128];

	memset(w, 0, sizeof(*w));
	w->syslog_fd = -1;
	umask(022);
	(void)snprintf(w->folder, sizeof(w->folder), "/tmp/fo-pam-XXXXXX");
	NEED(mkdtemp(w->folder) != NULL);
	NEED(chmod(w->folder, 0755) == 0);
	(void)snprintf(w->confdir, sizeof(w->confdir), "%s/pam.d", w->folder);
	link_modules(w);
	cr_assert_eq(fo_key_generate(&w->key), FO_OK);
	cr_assert_eq(fo_key_thumbprint(w->key, w->jkt), FO_OK);
	make_store(w);
	(void)snprintf(sink, sizeof(sink), "\"file:%s/events\"", w->folder);
	world_config(w, sink);
	world_put(w, "events", "%s", "");
	age_replay(w);
	world_put(w, "pam.d/other", "auth required pam_deny.so\n");
	world_service(w, "sshd", "");
	world_service(w, "sudo", "");
	world_service(w, "db", "");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What is mounted on cannot be removed. */
static void
leave_private_dev(const struct world *w)
{
	char dev[256];

	(void)close(w->syslog_fd);
	path_of(w, "dev", dev);
	(void)umount2("/dev", MNT_DETACH);
	(void)umount2(dev, MNT_DETACH);
}

void
world_close(struct world *w)
{
	fo_key_free(&w->key);
	free(w->events_text);
	if (w->syslog_fd >= 0)
		leave_private_dev(w);
	(void)nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
world_empty(const struct world *w, const char *folder)
{
	char path[256];
	DIR *dir;

	path_of(w, folder, path);
	if ((dir = opendir(path)) == NULL)
		return;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		if (e->d_name[0] != '.')
			NEED(unlinkat(dirfd(dir), e->d_name, 0) == 0);
	(void)closedir(dir);
}

size_t
world_files(const struct world *w, const char *folder)
{
	char path[256];
	size_t n = 0;
	DIR *dir;

	path_of(w, folder, path);
	if ((dir = opendir(path)) == NULL)
		return 0;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

/*
 * libpam makes a record of its own for the kernel's audit: it looks host
 * names up on the network for that, and fails where they are long. Here the
 * kernel has no audit: this stands before libaudit's function.
 */
FO_API int audit_open(void);

int
audit_open(void)
{
	errno = EPROTONOSUPPORT;
	return -1;
}

/* ---- PAM ----------------------------------------------------------------- */

void
world_service(const struct world *w, const char *service,
    const char *arguments)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "pam.d/%s", service);
	world_put(w, path,
	    "auth optional %s give\n"
	    "auth required %s config=%s/firstops.yaml %s\n"
	    "auth optional %s show\n"
	    "account [success=done ignore=ignore default=die]"
	    " %s config=%s/firstops.yaml %s\n"
	    "account requisite %s unknown\n"
	    "session optional %s hostile\n"
	    "session [success=done ignore=ignore default=die]"
	    " %s config=%s/firstops.yaml %s\n"
	    "session requisite %s unknown\n",
	    w->probe, w->module, w->folder, arguments, w->probe,
	    w->module, w->folder, arguments, w->probe, w->probe,
	    w->module, w->folder, arguments, w->probe);
}

char *
world_proof(const struct world *w, const char *htu, const char *nonce)
{
	struct fo_diag diag = { "" };
	struct fo_request request = { .htm = FO_HTM_PAM, .htu = htu,
		.nonce = nonce, .iat = time(NULL), .max_bytes = 1023,
		.diag = &diag };
	char *proof = NULL;

	cr_assert_eq(fo_proof_sign(w->key, &request, &proof), FO_OK, "%s",
	    diag.text);
	return proof;
}

static char *
answer_of(struct client *client)
{
	struct fo_challenge *challenge = NULL;
	char *proof;

	if (client->way == CLIENT_SAYS)
		return strdup(client->text);
	if (client->way != CLIENT_SIGNS)
		return NULL;
	if (fo_challenge_parse(client->prompt, &challenge) != FO_OK) {
		cr_assert_not_null(client->text, "no challenge: %s",
		    client->prompt);
		return strdup(client->text);
	}
	proof = world_proof(client->world,
	    client->htu != NULL ? client->htu : challenge->htu,
	    client->omits_nonce ? NULL : challenge->nonce);
	fo_challenge_free(&challenge);
	cr_assert_lt(strlen(proof), sizeof(client->proof));
	memcpy(client->proof, proof, strlen(proof) + 1);
	return proof;
}

static int
converse(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct client *client = arg;
	struct pam_response *response;

	cr_assert_eq(n, 1, "one message at a time");
	if (messages[0]->msg_style == PAM_ERROR_MSG) {
		client->told++;
		(void)snprintf(client->message, sizeof(client->message), "%s",
		    messages[0]->msg);
		if (client->refuses_texts)
			return PAM_CONV_ERR;
		*ret_responses = calloc(1, sizeof(**ret_responses));
		return *ret_responses != NULL ? PAM_SUCCESS : PAM_BUF_ERR;
	}
	if (messages[0]->msg_style == PAM_PROMPT_ECHO_ON) {
		if ((response = calloc(1, sizeof(*response))) == NULL)
			return PAM_BUF_ERR;
		cr_assert_not_null(client->name, "asked for a name");
		response->resp = strdup(client->name);
		*ret_responses = response;
		return PAM_SUCCESS;
	}
	cr_assert_eq(messages[0]->msg_style, PAM_PROMPT_ECHO_OFF);
	client->asked++;
	(void)snprintf(client->prompt, sizeof(client->prompt), "%s",
	    messages[0]->msg);
	if (client->way == CLIENT_FAILS)
		return PAM_CONV_ERR;
	if ((response = calloc(1, sizeof(*response))) == NULL)
		return PAM_BUF_ERR;
	response->resp = answer_of(client);
	if (client->meanwhile != NULL)
		client->meanwhile(client->world);
	*ret_responses = response;
	return PAM_SUCCESS;
}

pam_handle_t *
world_start(const struct world *w, const char *service, const char *user,
    struct client *client)
{
	struct pam_conv conv = { converse, client };
	pam_handle_t *pamh = NULL;

	cr_assert_eq(pam_start_confdir(service, user, &conv, w->confdir,
	    &pamh), PAM_SUCCESS);
	return pamh;
}

static int64_t
milliseconds(void)
{
	struct timespec t;

	NEED(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int
world_phase(int (*phase)(pam_handle_t *, int), pam_handle_t *pamh, int flags)
{
	const int64_t before = milliseconds();
	const int answer = phase(pamh, flags);

	cr_expect_lt(milliseconds() - before, ANSWER_MAX_MS);
	return answer;
}

static void
put_variable(pam_handle_t *pamh, const char *name, const char *value)
{
	char *text = NULL;

	NEED(asprintf(&text, "%s=%s", name, value) > 0);
	cr_assert_eq(pam_putenv(pamh, text), PAM_SUCCESS);
	free(text);
}

void
world_token(pam_handle_t *pamh, const char *token)
{
	put_variable(pamh, "PROBE_GIVE", token);
}

const char *
world_left(pam_handle_t *pamh)
{
	return pam_getenv(pamh, "PROBE_LEFT");
}

/* ---- events -------------------------------------------------------------- */

void
world_events(struct world *w)
{
	char path[256];
	size_t size = 64 * 1024, n;
	char *rest, *line;
	FILE *f;

	path_of(w, "events", path);
	free(w->events_text);
	NEED((w->events_text = calloc(1, size)) != NULL);
	NEED((f = fopen(path, "r")) != NULL);
	n = fread(w->events_text, 1, size - 1, f);
	cr_assert_lt(n, size - 1);
	(void)fclose(f);

	w->events_count = 0;
	rest = w->events_text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] == '\0')
			continue;
		cr_assert_lt(w->events_count, (size_t)EVENTS_MAX);
		w->events[w->events_count++] = line;
	}
}

bool
world_event_has(const struct world *w, size_t i, ...)
{
	bool all = true;
	const char *text;
	va_list ap;

	cr_assert_lt(i, w->events_count, "there are %zu events",
	    w->events_count);
	va_start(ap, i);
	while ((text = va_arg(ap, const char *)) != NULL)
		all = all && strstr(w->events[i], text) != NULL;
	va_end(ap);
	if (!all)
		cr_log_error("event %zu: %s", i, w->events[i]);
	return all;
}

void
world_keeps_secrets(struct world *w, const struct client *client)
{
	struct fo_challenge *challenge = NULL;
	const char *signature = strrchr(client->proof, '.');

	world_events(w);
	if (signature != NULL) {
		cr_expect_null(strstr(w->events_text, signature + 1));
		cr_expect_null(strstr(client->message, signature + 1));
	}
	if (fo_challenge_parse(client->prompt, &challenge) == FO_OK) {
		cr_expect_null(strstr(w->events_text, challenge->nonce));
		cr_expect_null(strstr(client->message, challenge->nonce));
	}
	fo_challenge_free(&challenge);
}

/* ---- a /dev of its own --------------------------------------------------- */

static void
bind_device(const char *source, const char *path)
{
	int fd;

	NEED((fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) >= 0);
	NEED(close(fd) == 0);
	NEED(mount(source, path, NULL, MS_BIND, NULL) == 0);
}

void
world_private_dev(struct world *w)
{
	static const char *const devices[] = { "null", "random", "urandom" };
	struct sockaddr_un address = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	char dev[256], path[300], source[64];

	if (geteuid() != 0)
		cr_skip_test("needs root for a /dev of its own");
	NEED(unshare(CLONE_NEWNS) == 0);
	NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	path_of(w, "dev", dev);
	NEED(mkdir(dev, 0755) == 0);
	NEED(mount("tmpfs", dev, "tmpfs", 0, "mode=755") == 0);
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dev, devices[i]);
		(void)snprintf(source, sizeof(source), "/dev/%s", devices[i]);
		bind_device(source, path);
	}
	NEED(mount(dev, "/dev", NULL, MS_BIND | MS_REC, NULL) == 0);
	NEED((w->syslog_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0)) >= 0);
	NEED(bind(w->syslog_fd, (const struct sockaddr *)&address,
	    sizeof(address)) == 0);
	NEED(chmod("/dev/log", 0666) == 0);
}

const char *
world_syslog(struct world *w, char *buf, size_t size)
{
	ssize_t n = recv(w->syslog_fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}
