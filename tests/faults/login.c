/*
 * Logins by the real module, each in a process of its own, in which one
 * thing goes wrong.
 *
 *   login CONFDIR LOG RUN KEY MODULE
 *
 * LOG is the socket that /dev/log is for them, RUN the folder that
 * /run/firstops is, KEY the private key of the agent. Each line of standard
 * input is an order:
 *
 *   SERVICE USER WAY KIND AT VALUE
 *
 * WAY is what the client does (struct client), KIND none, list, error, short,
 * before, after (tracer.h), alloc or alloc+ (alloc.h). What happened comes
 * back as lines "NAME VALUE", the last of them is "end". "stopped" waits for
 * a line before the login goes on. The login's own standard output and error
 * go to RUN.out.
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include <firstops/challenge.h>
#include <firstops/key.h>
#include <firstops/proof.h>
#include <firstops/target.h>

#include "alloc.h"
#include "tracer.h"
#include "window.h"

#define PHASES 5
#define SIGNATURE_LEN 86 /* of ES256, in base64url */
#define LIMIT_S 60	/* a login that takes longer is killed */
#define HEAP (4 << 20)	/* more than a login takes */

/* What a login tells this program. */
struct report {
	int count;
	int answer[PHASES];
	long longest_ms;
	int fds;	/* more at the end than at the beginning */
	int sessions;	/* records while the session was open */
	long allocs;
	char nonce[FO_NONCE_SIZE];
	char proof[4096];
};

struct order {
	char *service;
	char *user;
	/*
	 * "challenge": a proof for the challenge; "plain": one without nonce;
	 * "target": for another service; "stale": too old; "unknown": by a key
	 * that is not registered; "revoked" and "rotated": by the key in the
	 * file KEY.revoked or KEY.rotated; "forged": with another signature;
	 * "again": the proof of the login before; "garbled": no proof, but
	 * looks like one; "password": not even that; "silence": no answer.
	 * With "," behind it the session is opened with another handle, as
	 * sshd does it.
	 */
	char *way;
	char *kind;
	long at;
	long value;
};

static const char *confdir, *run_folder, *key_path;
static struct fo_key *key;
static struct report *report;
static void (*window)(bool open);

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

static void
need(bool held, const char *what)
{
	if (!held)
		die(what);
}

/* ---- what window.so calls ------------------------------------------------ */

void
fault_window(bool open)
{
	window(open);
}

void
fault_answer(int answer)
{
	if (report->count < PHASES)
		report->answer[report->count++] = answer;
}

/* ---- the client ---------------------------------------------------------- */

static bool
goes(const struct order *order, const char *way)
{
	return strncmp(order->way, way, strlen(way)) == 0;
}

/* Another key than the agent's, or NULL. */
static struct fo_key *
other_key(const struct order *order)
{
	struct fo_key *other = NULL;
	char path[256];

	if (goes(order, "unknown")) {
		need(fo_key_generate(&other) == FO_OK, "a key");
	} else if (goes(order, "revoked") || goes(order, "rotated")) {
		(void)snprintf(path, sizeof(path), "%s.%s", key_path,
		    order->way);
		need(fo_key_load(path, NULL, NULL, NULL, &other) == FO_OK,
		    path);
	}
	return other;
}

static char *
sign(const struct order *order, const char *htu, const char *nonce)
{
	struct fo_request request = { .htm = FO_HTM_PAM, .htu = htu,
		.nonce = nonce,
		.iat = time(NULL) - (goes(order, "stale") ? 3600 : 0) };
	struct fo_key *other = other_key(order);
	char *proof = NULL;

	need(fo_proof_sign(other != NULL ? other : key, &request, &proof) ==
	    FO_OK, "a proof");
	fo_key_free(&other);
	return proof;
}

/* Another first character of the signature, which stays one in form. */
static void
forge(char *proof)
{
	const size_t at = strlen(proof) - SIGNATURE_LEN;

	proof[at] = proof[at] == 'B' ? 'C' : 'B';
}

static char *
answer_to(const struct order *order, const char *prompt)
{
	struct fo_challenge *challenge = NULL;
	char htu[256];
	char *text;

	if (goes(order, "silence"))
		return NULL;
	if (goes(order, "password"))
		return strdup("correct horse");
	if (goes(order, "again"))
		return strdup(report->proof);
	(void)snprintf(htu, sizeof(htu), "pam://bastion/%s/%s",
	    goes(order, "target") ? "other" : order->service, order->user);
	if (fo_challenge_parse(prompt, &challenge) == FO_OK)
		(void)snprintf(report->nonce, sizeof(report->nonce), "%s",
		    challenge->nonce);
	text = sign(order, htu, challenge != NULL && !goes(order, "plain") ?
	    challenge->nonce : NULL);
	fo_challenge_free(&challenge);
	if (goes(order, "garbled"))
		memset(text + 10, 'A', 20);
	else if (goes(order, "forged"))
		forge(text);
	(void)snprintf(report->proof, sizeof(report->proof), "%s", text);
	return text;
}

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	const struct order *order = arg;
	struct pam_response *response;
	int r = PAM_SUCCESS;

	window(false);
	response = calloc(1, sizeof(*response));
	need(count == 1 && response != NULL, "one message");
	if (messages[0]->msg_style == PAM_PROMPT_ECHO_OFF) {
		response->resp = answer_to(order, messages[0]->msg);
		if (response->resp == NULL)
			r = PAM_CONV_ERR;
	} else {
		(void)dprintf(STDOUT_FILENO, "told: %s\n", messages[0]->msg);
	}
	if (r == PAM_SUCCESS)
		*ret_responses = response;
	else
		free(response);
	window(true);
	return r;
}

/* ---- one login ----------------------------------------------------------- */

/* Entries of a folder, without "." and "..". */
static int
count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (dir == NULL)
		return -1;
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

static long
now_ms(void)
{
	struct timespec t;

	need(clock_gettime(CLOCK_MONOTONIC, &t) == 0, "clock_gettime");
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Did this phase do its work? */
static bool
phase(int (*function)(pam_handle_t *, int), pam_handle_t *pamh)
{
	const long begin = now_ms();
	const int before = report->count;
	const int r = function(pamh, 0);
	const long ms = now_ms() - begin;

	if (ms > report->longest_ms)
		report->longest_ms = ms;
	/* libpam may have failed of itself, where nothing is disturbed. */
	need(report->count == before + 1, "the module was not called");
	return r == PAM_SUCCESS && report->answer[before] == PAM_SUCCESS;
}

/* Go on with another handle, which has the environment of the first. */
static pam_handle_t *
hand_over(pam_handle_t *pamh, const struct order *order,
    const struct pam_conv *conv)
{
	char **list = pam_getenvlist(pamh);
	pam_handle_t *next = NULL;

	need(pam_start_confdir(order->service, order->user, conv, confdir,
	    &next) == PAM_SUCCESS, "pam_start");
	for (char **e = list; *e != NULL; e++) {
		need(pam_putenv(next, *e) == PAM_SUCCESS, "pam_putenv");
		free(*e);
	}
	free(list);
	need(pam_end(pamh, PAM_SUCCESS) == PAM_SUCCESS, "pam_end");
	return next;
}

static void
log_in(struct order *order)
{
	const struct pam_conv conv = { converse, order };
	pam_handle_t *pamh = NULL;
	int fds;

	/* libpam's own words go to syslog(3), which keeps its socket. */
	openlog("login", LOG_NDELAY, LOG_AUTHPRIV);
	fds = count_entries("/proc/self/fd");
	need(pam_start_confdir(order->service, order->user, &conv, confdir,
	    &pamh) == PAM_SUCCESS, "pam_start");
	if (!phase(pam_authenticate, pamh) || !phase(pam_acct_mgmt, pamh))
		goto out;
	if (strchr(order->way, ',') != NULL)
		pamh = hand_over(pamh, order, &conv);
	if (!phase(pam_setcred, pamh) || !phase(pam_open_session, pamh))
		goto out;
	report->sessions = count_entries("/run/firstops/sessions");
	(void)phase(pam_close_session, pamh);
out:
	need(pam_end(pamh, PAM_SUCCESS) == PAM_SUCCESS, "pam_end");
	report->fds = count_entries("/proc/self/fd") - fds;
	report->allocs = alloc_count();
}

/* ---- orders -------------------------------------------------------------- */

static void
tell_hit(const char *call)
{
	printf("call %s\n", call);
}

static void
wait_for_word(void)
{
	char line[16];

	printf("stopped\n");
	need(fflush(stdout) == 0 && fgets(line, sizeof(line), stdin) != NULL,
	    "a word to go on");
}

static fault_kind
kind_of(const char *word)
{
	static const char *const words[] = { [FAULT_NONE] = "none",
		[FAULT_LIST] = "list", [FAULT_ERROR] = "error",
		[FAULT_SHORT] = "short", [FAULT_BEFORE] = "before",
		[FAULT_AFTER] = "after" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i], word) == 0)
			return (fault_kind)i;
	die(word);
	return FAULT_NONE;
}

/* The process of one login: never returns. */
static _Noreturn void
become_login(struct order *order, bool traced)
{
	char out[256];
	int fd;

	(void)snprintf(out, sizeof(out), "%s.out", run_folder);
	if ((fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600)) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || close(fd) != 0)
		die(out);
	(void)alarm(LIMIT_S);
	window = traced ? tracer_window : alloc_window;
	if (traced)
		tracer_follow();
	else
		alloc_arm(order->at, order->kind[5] == '+');
	log_in(order);
	_exit(0);
}

static void
tell(int status)
{
	static const char *const names[PHASES] = { "auth", "account",
		"setcred", "open", "close" };

	for (int i = 0; i < report->count; i++)
		printf("%s %d\n", names[i], report->answer[i]);
	printf("ms %ld\nfds %d\nsessions %d\nallocs %ld\n",
	    report->longest_ms, report->fds, report->sessions,
	    report->allocs);
	printf("nonce %s\nproof %s\n", report->nonce, report->proof);
	printf("died %d\nend\n", status);
	need(fflush(stdout) == 0, "standard output");
}

/* Nothing but the proof of the login before, if that is to be kept. */
static void
begin_report(bool keep_proof)
{
	const struct report last = *report;

	memset(report, 0, sizeof(*report));
	if (keep_proof)
		memcpy(report->proof, last.proof, sizeof(report->proof));
}

static void
obey(struct order *order)
{
	const bool traced = strncmp(order->kind, "alloc", 5) != 0;
	struct fault fault = { .at = order->at, .value = order->value,
		.hit = tell_hit, .stopped = wait_for_word };
	int status;
	pid_t pid;

	if (traced)
		fault.kind = kind_of(order->kind);
	begin_report(goes(order, "again"));
	if ((pid = fork()) == 0)
		become_login(order, traced);
	need(pid > 0, "fork");
	printf("pid %d\n", (int)pid);
	if (traced)
		status = tracer_run(pid, &fault);
	else
		need(waitpid(pid, &status, 0) == pid, "waitpid");
	tell(status);
}

static void
private_mounts(const char *log)
{
	need(unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount(log, "/dev/log", NULL, MS_BIND, NULL) == 0 &&
	    mount(run_folder, "/run/firstops", NULL, MS_BIND, NULL) == 0,
	    "mounts of its own");
}

/* Loaded once here, the module does not have to be loaded by each login. */
static void
load(const char *module)
{
	if (dlopen(module, RTLD_NOW) == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
}

/* Have the heap of every login from the beginning. Where it had to grow, it
 * would do so now here and now there, and the calls after that would have
 * other numbers. */
static void
grow_heap(void)
{
	void *a, *b;

	need(mallopt(M_TOP_PAD, HEAP) == 1, "M_TOP_PAD");
	need(mallopt(M_TRIM_THRESHOLD, 2 * HEAP) == 1, "M_TRIM_THRESHOLD");
	/* Together more than the heap can have by now. */
	a = malloc(100 << 10);
	b = malloc(100 << 10);
	need(a != NULL && b != NULL, "memory");
	free(a);
	free(b);
}

int
main(int argc, char **argv)
{
	char line[512];
	char *rest, *number;

	need(argc == 6, "usage: login CONFDIR LOG RUN KEY MODULE");
	confdir = argv[1];
	run_folder = argv[3];
	private_mounts(argv[2]);
	grow_heap();
	key_path = argv[4];
	need(fo_key_load(key_path, NULL, NULL, NULL, &key) == FO_OK, key_path);
	load(argv[5]);
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	need(report != MAP_FAILED, "mmap");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct order order;

		rest = line;
		order.service = strsep(&rest, " ");
		order.user = strsep(&rest, " ");
		order.way = strsep(&rest, " ");
		order.kind = strsep(&rest, " ");
		number = strsep(&rest, " ");
		need(number != NULL && rest != NULL, "an order");
		order.at = strtol(number, NULL, 10);
		order.value = strtol(rest, NULL, 10);
		obey(&order);
	}
	return 0;
}
