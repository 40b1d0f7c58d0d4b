/*
 * A service in trouble:
 *
 *   service CHANNEL SERVICE USER [TROUBLE]...
 *
 * has libpam load its modules, gets into each trouble (trouble.h) in turn,
 * and then goes through the phases as far as they succeed. CHANNEL is an
 * open descriptor on which it tells line by line what happens, and reads the
 * client's answers: nothing here stands on descriptors 0, 1 and 2, on more
 * memory than it began with, or on the file system.
 *
 *   state TEXT       all of the process that is its own, before and after
 *   ask PROMPT       and the answer is the next line; none: no answer
 *   tell TEXT
 *   auth CODE        and so on
 *
 * Exit code: 0 if it lived to say all this, whatever PAM said; 2 if a trouble
 * could not be had.
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "trouble.h"

#define LINE_SIZE 8192
#define DESCRIPTORS 256

extern char **environ;

static int channel = -1;
/* Made in good time: memory may be what the service runs out of. */
static struct pam_response *spare_response;
static char *spare_answer;

/* ---- the channel --------------------------------------------------------- */

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	char line[LINE_SIZE];
	size_t len, done = 0;
	va_list ap;
	ssize_t n;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (r < 0 || (size_t)r >= sizeof(line))
		_exit(3);
	len = (size_t)r;
	while (done < len) {
		n = write(channel, line + done, len - done);
		if (n < 0 && errno != EINTR)
			_exit(3);
		done += n > 0 ? (size_t)n : 0;
	}
}

/* One line of at most LINE_SIZE - 1 bytes; false: the client went away. */
static bool
hear(char line[LINE_SIZE])
{
	size_t len = 0;
	ssize_t n;

	while (len < LINE_SIZE - 1) {
		if ((n = read(channel, line + len, 1)) < 0 && errno == EINTR)
			continue;
		if (n != 1)
			return false;
		if (line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		len++;
	}
	return false;
}

/* ---- what is the service's own ------------------------------------------- */

static uint64_t
hash_text(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);

	return h * 31;
}

static void
tell_state(void)
{
	uint64_t env = 14695981039346656037u, files = env, signals = env;
	struct sigaction action;
	struct stat st;
	char text[128];
	sigset_t mask;
	mode_t own;

	for (char **p = environ; *p != NULL; p++)
		env = hash_text(env, *p);
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (fstat(fd, &st) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%d %lx %lx %x %x", fd,
		    (unsigned long)st.st_dev, (unsigned long)st.st_ino,
		    (unsigned int)fcntl(fd, F_GETFD),
		    (unsigned int)fcntl(fd, F_GETFL));
		files = hash_text(files, text);
	}
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int s = 1; s < 65; s++) {
		if (sigaction(s, NULL, &action) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "%d %d %jx %x", s,
		    sigismember(&mask, s), (uintmax_t)(uintptr_t)
		    action.sa_handler, (unsigned int)action.sa_flags);
		signals = hash_text(signals, text);
	}
	own = umask(0);
	(void)umask(own);
	if (stat(".", &st) != 0)
		memset(&st, 0, sizeof(st));
	say("state env %jx files %jx signals %jx umask %o cwd %lx:%lx "
	    "locale %s point %s%s\n", (uintmax_t)env, (uintmax_t)files,
	    (uintmax_t)signals, (unsigned int)own, (unsigned long)st.st_dev,
	    (unsigned long)st.st_ino, setlocale(LC_ALL, NULL),
	    localeconv()->decimal_point, uselocale((locale_t)0) ==
	    LC_GLOBAL_LOCALE ? "" : " of its own thread");
}

/* ---- PAM ----------------------------------------------------------------- */

/* One question, to which the spare answer is given, or texts. */
static int
converse(int count, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	const bool asks = messages[0]->msg_style == PAM_PROMPT_ECHO_OFF ||
	    messages[0]->msg_style == PAM_PROMPT_ECHO_ON;

	(void)arg;
	say("%s %s\n", asks ? "ask" : "tell", messages[0]->msg);
	if (!asks) {
		*ret_responses = NULL;
		return PAM_SUCCESS;
	}
	if (count != 1 || spare_answer == NULL || !hear(spare_answer))
		return PAM_CONV_ERR;

	spare_response->resp = spare_answer;
	*ret_responses = spare_response;
	spare_answer = NULL;
	spare_response = NULL;
	return PAM_SUCCESS;
}

static int
report(const char *phase, int result)
{
	say("%s %d\n", phase, result);
	return result;
}

static int
phases(pam_handle_t *pamh)
{
	int r;

	if ((r = report("auth", pam_authenticate(pamh, 0))) != PAM_SUCCESS ||
	    (r = report("account", pam_acct_mgmt(pamh, 0))) != PAM_SUCCESS ||
	    (r = report("setcred", pam_setcred(pamh, PAM_ESTABLISH_CRED))) !=
	    PAM_SUCCESS ||
	    (r = report("open", pam_open_session(pamh, 0))) != PAM_SUCCESS)
		return r;

	return report("close", pam_close_session(pamh, 0));
}

int
main(int argc, char **argv)
{
	const struct pam_conv conv = { converse, NULL };
	pam_handle_t *pamh = NULL;
	int r;

	if (argc < 4)
		return 2;
	(void)setlocale(LC_ALL, ""); /* as most services do */
	channel = (int)strtol(argv[1], NULL, 10);
	if ((spare_response = calloc(1, sizeof(*spare_response))) == NULL ||
	    (spare_answer = malloc(LINE_SIZE)) == NULL ||
	    pam_start(argv[2], argv[3], &conv, &pamh) != PAM_SUCCESS)
		return 2;
	for (int i = 4; i < argc; i++) {
		if (!trouble(argv[i])) {
			say("no %s: %s\n", argv[i], strerror(errno));
			return 2;
		}
	}
	tell_state();
	r = phases(pamh);
	tell_state();
	say("alarms %d\n", trouble_alarms());
	if (pam_end(pamh, r) != PAM_SUCCESS)
		return 3;
	free(spare_answer);
	free(spare_response);

	return 0;
}
