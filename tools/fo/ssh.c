/*
 * fo ssh: log in by proof, to the host that was meant and no other.
 *
 * What ssh would connect to is asked of ssh itself (ssh -G); from that the
 * target is fixed before anything is sent, and fo-askpass signs for this
 * target only, whatever a server's prompt says.
 */
#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <firstops/target.h>

#include "base/buf.h"

#include "out.h"
#include "process.h"
#include "targets.h"
#include "verb.h"

enum { OPT_KEY };

static const struct verb_option options[] = {
	[OPT_KEY] = { "key", "FILE", "the private key" },
	{ NULL, NULL, NULL }
};

#define ASKPASS "fo-askpass"
#define TEXT_MAX_BYTES 4096

/* What ssh makes of the command line. */
struct destination {
	char *typed;	/* the host as typed: no user, scheme or port */
	char *hostname;
	char *port;
	char *user;
};

static void
destination_clear(struct destination *dest)
{
	free(dest->typed);
	free(dest->hostname);
	free(dest->port);
	free(dest->user);
	memset(dest, 0, sizeof(*dest));
}

/* ---- asking ssh ------------------------------------------------------ */

/* The host in HOST, USER@HOST or ssh://USER@HOST:PORT. */
static char *
typed_host(const char *dest)
{
	const char *host = dest, *at;
	bool uri = strncmp(dest, "ssh://", 6) == 0;
	size_t len;

	if (uri)
		host += 6;
	if ((at = strrchr(host, '@')) != NULL)
		host = at + 1;
	len = strlen(host);
	if (uri && host[0] == '[' && strchr(host, ']') != NULL) {
		host++;
		len = strcspn(host, "]");
	} else if (uri) {
		len = strcspn(host, ":/");
	}

	return strndup(host, len);
}

/* The command: words, then the caller's words; NULL if memory is short. */
static char **
command(const struct call *call, const char *const *words)
{
	char **argv;
	size_t n = 0, i;

	while (words[n] != NULL)
		n++;
	argv = calloc(n + (size_t)call->argc + 1, sizeof(*argv));
	if (argv == NULL)
		return NULL;
	/* execvp does not write to them; its type is older than const */
	memcpy(argv, words, n * sizeof(*argv));
	for (i = 0; i < (size_t)call->argc; i++)
		argv[n + i] = call->argv[i];

	return argv;
}

/* The value of a line "key value"; NULL if there is none. */
static char *
line_value(const char *text, const char *key)
{
	const size_t n = strlen(key);
	const char *line = text;

	while (line != NULL && *line != '\0') {
		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return strndup(line + n + 1,
			    strcspn(line + n + 1, "\n"));
		if ((line = strchr(line, '\n')) != NULL)
			line++;
	}

	return NULL;
}

static int
resolve(const struct call *call, struct destination *ret)
{
	static const char *const words[] = { "ssh", "-G", NULL };
	const char *more = call->argc > 1 ? " ..." : "";
	char **argv, *text = NULL;
	fo_err r = FO_ERR_NOMEM;

	if ((argv = command(call, words)) != NULL)
		r = process_read(argv, false, &text);
	free(argv);
	if (r != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, r, "ssh -G %s%s did not"
		    " answer: is ssh installed, and are its configuration and"
		    " these words right?", call->argv[0], more);
	/* an older one does not repeat it: it has to come first there */
	ret->typed = line_value(text, "host");
	if (ret->typed == NULL && call->argv[0][0] != '-')
		ret->typed = typed_host(call->argv[0]);
	ret->hostname = line_value(text, "hostname");
	ret->port = line_value(text, "port");
	ret->user = line_value(text, "user");
	free(text);
	if (ret->hostname == NULL || ret->port == NULL || ret->user == NULL)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_FORMAT, "ssh -G %s%s"
		    " names no hostname, port and user", call->argv[0], more);
	if (ret->typed == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "%s: with this"
		    " ssh the destination comes first, options after it",
		    call->argv[0]);

	return FO_EXIT_DONE;
}

/* ---- which host that is ---------------------------------------------- */

/* "HOST:PORT", with brackets where the host has colons. */
static char *
with_port(const char *host, const char *port)
{
	const bool colons = strchr(host, ':') != NULL;
	struct fo_buf buf;
	char *text = NULL;

	fo_buf_init(&buf, TEXT_MAX_BYTES);
	fo_buf_addf(&buf, "%s%s%s:%s", colons ? "[" : "", host,
	    colons ? "]" : "", port);

	return fo_buf_take(&buf, &text) == FO_OK ? text : NULL;
}

/*
 * An entry for what was typed or for what it resolves to, with this port;
 * at port 22 an entry may leave the port out, and without one the host is
 * what was typed. Elsewhere any account of a machine can listen, so another
 * port is another server until somebody says who that is.
 */
static int
choose_host(const struct call *call, const struct destination *dest,
    const struct targets *targets, const char **ret_host)
{
	const bool well_known = strcmp(dest->port, "22") == 0;
	char *typed = with_port(dest->typed, dest->port);
	char *resolved = with_port(dest->hostname, dest->port);
	const char *host = NULL;
	int code = FO_EXIT_DONE;

	if (typed == NULL || resolved == NULL) {
		code = fail_err(call, FO_ERR_NOMEM, NULL, NULL);
		goto out;
	}
	if ((host = targets_find(targets, typed)) == NULL)
		host = targets_find(targets, resolved);
	if (host == NULL && well_known &&
	    (host = targets_find(targets, dest->typed)) == NULL)
		host = dest->typed;
	if (host == NULL)
		code = fail(call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND, "which"
		    " host answers at %s is not known, and a proof must name"
		    " it; if you know, say so once:\n\n"
		    "    fo target add %s --host NAME\n", resolved, resolved);
	else
		*ret_host = host;
out:
	free(typed);
	free(resolved);
	return code;
}

static int
choose_target(const struct call *call, const struct destination *dest,
    char **ret_htu)
{
	struct targets targets;
	struct fo_diag diag = { "" };
	const char *host = NULL;
	int code;
	fo_err r;

	if ((r = targets_load(&diag, &targets)) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, r, "%s",
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
	code = choose_host(call, dest, &targets, &host);
	if (code == FO_EXIT_DONE &&
	    (r = fo_target_format(host, "sshd", dest->user, ret_htu)) !=
	    FO_OK)
		code = fail_err(call, r, NULL, dest->typed);
	targets_clear(&targets);

	return code;
}

/* ---- going there ----------------------------------------------------- */

/* fo-askpass beside this program, else where PATH finds it. */
static char *
find_askpass(void)
{
	char self[TEXT_MAX_BYTES], *path = NULL;
	const char *p = getenv("PATH");
	struct fo_buf buf;
	size_t len;
	ssize_t n;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		if (asprintf(&path, "%s/" ASKPASS, dirname(self)) == -1)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	for (; p != NULL && *p != '\0'; p += len + (p[len] == ':')) {
		len = strcspn(p, ":");
		if (len == 0 || *p != '/')
			continue;
		fo_buf_init(&buf, TEXT_MAX_BYTES);
		fo_buf_add(&buf, p, len);
		fo_buf_adds(&buf, "/" ASKPASS);
		if (fo_buf_take(&buf, &path) != FO_OK)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}

	return NULL;
}

/*
 * FO_TARGET_PID names this process, which becomes ssh: the ssh of a jump
 * host inherits FO_TARGET, and must not have it answered.
 */
static int
set_environment(const struct call *call, const char *htu)
{
	const char *key = call->option[OPT_KEY];
	char pid[24];
	char *askpass = find_askpass();
	int bad;

	if (askpass == NULL)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_NOT_FOUND,
		    ASKPASS " is neither beside fo nor in PATH; install it"
		    " there");
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	bad = setenv("SSH_ASKPASS", askpass, 1) != 0 ||
	    setenv("SSH_ASKPASS_REQUIRE", "force", 1) != 0 ||
	    setenv("FO_TARGET", htu, 1) != 0 ||
	    setenv("FO_TARGET_PID", pid, 1) != 0 ||
	    (key != NULL && setenv("FO_PRIVATE_KEY_PATH", key, 1) != 0);
	free(askpass);

	return bad ? fail_err(call, FO_ERR_NOMEM, NULL, NULL) : FO_EXIT_DONE;
}

/*
 * ssh takes the first value that it meets, so ours stand first. The server's
 * key is checked, on localhost too, where anybody may listen. A connection
 * of its own: a shared one is the login of whoever opened it, maybe by
 * another key. The challenge is asked for and answered also where whoever
 * runs us has turned questions off, as programs do that have nobody to ask.
 * One attempt: a proof is good once, and a second would be refused anyway.
 */
static int
go(const struct call *call)
{
	static const char *const words[] = { "ssh",
		"-o", "StrictHostKeyChecking=yes",
		"-o", "NoHostAuthenticationForLocalhost=no",
		"-o", "ControlPath=none",
		"-o", "KbdInteractiveAuthentication=yes",
		"-o", "PreferredAuthentications=keyboard-interactive",
		"-o", "BatchMode=no",
		"-o", "NumberOfPasswordPrompts=1", NULL };
	char **argv;

	if ((argv = command(call, words)) == NULL)
		return fail_err(call, FO_ERR_NOMEM, NULL, NULL);
	execvp(argv[0], argv);
	free(argv);

	return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "ssh: %s",
	    strerror(errno));
}

/*
 * What is asked of ssh itself, without a login: git asks ssh -G which options
 * it takes.
 */
static bool
is_question(const char *word)
{
	return strcmp(word, "-G") == 0 || strcmp(word, "-V") == 0 ||
	    strcmp(word, "-Q") == 0;
}

static int
run(const struct call *call)
{
	struct destination dest = { 0 };
	char *htu = NULL;
	int code;

	if (is_question(call->argv[0]))
		return go(call);
	if ((code = resolve(call, &dest)) == FO_EXIT_DONE &&
	    (code = choose_target(call, &dest, &htu)) == FO_EXIT_DONE &&
	    (code = set_environment(call, htu)) == FO_EXIT_DONE)
		code = go(call);
	destination_clear(&dest);
	free(htu);

	return code;
}

const struct verb verb_ssh = {
	.name = "ssh",
	.synopsis = "[--key FILE] [ssh's own options] DEST [command]",
	.summary = "Log in by proof instead of a password",
	.text =
	    "Run ssh so that it answers the server's challenge with a proof"
	    " signed by your key.\nThe proof is for the host that DEST names,"
	    " fixed before the first byte is sent; a\nserver that asks for"
	    " another one gets none. The host's key must be known already.\n\n"
	    "At port 22 the name as typed is the host. For another port or an"
	    " alias say once\nwhich host it is: fo target add.\n\n"
	    "Programs can run it in the place of ssh: git, rsync, scp, sftp"
	    " and ansible, as\netc/services/command-line.md shows. Each run is"
	    " a login of its own: ControlPath and\nBatchMode have no effect."
	    " Where ssh -G does not name the host, as in versions older\n"
	    "than Debian 12's, DEST has to come before ssh's options.\n",
	.example =
	    "  fo ssh deploy@bastion uptime\n"
	    "  GIT_SSH_COMMAND=\"fo ssh\" git fetch\n"
	    "  rsync -e \"fo ssh\" -a site/ deploy@bastion:site/\n",
	.exits =
	    "  what ssh exits with; before it runs:\n"
	    "  1  which host it is cannot be known\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: ssh or fo-askpass is missing\n",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.rest = true,
	.foreign = true,
	.run = run,
};
