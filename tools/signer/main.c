/*
 * fo-signer: holds private keys for one user, and signs proofs with them for
 * that user's programs (sdk/PROTOCOL.md).
 */
#include <sys/socket.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <firstops/firstops.h>

#include "base/diag.h"
#include "base/program.h"
#include "confirm.h"
#include "ring.h"
#include "sandbox.h"
#include "serve.h"

#define BACKLOG 256
#define FIRST_PASSED 3	/* sd_listen_fds(3) */

enum { EXIT_USAGE = 2, EXIT_TROUBLE = 3 };

static const char help[] =
    "usage: fo-signer [--socket PATH] [--askpass PROGRAM] [--load KEY]...\n"
    "\n"
    "Hold private keys, and sign proofs with them for programs of the same"
    " user. It\nends with SIGTERM or SIGINT, and with it all keys.\n"
    "\n"
    "  --socket PATH      default $XDG_RUNTIME_DIR/firstops/signer.sock\n"
    "  --askpass PROGRAM  asks the person before a key that wants it signs:"
    " it gets\n"
    "                     the question and exits with 0 for yes\n"
    "  --load KEY         a key to begin with: a file, handle:0x81000001,"
    " pkcs11:...\n"
    "\n"
    "Example:\n"
    "  fo-signer --askpass /usr/bin/ssh-askpass &\n"
    "  fo signer add ~/.config/firstops/key.pem --lifetime 8h\n";

struct options {
	const char *socket;
	const char *askpass;
	const char *load[FO_SIGNER_KEYS_MAX];
	size_t loads;
};

static int
complain(const struct fo_diag *diag, const char *otherwise)
{
	fprintf(stderr, "fo-signer: %s\n", diag->text[0] != '\0' ?
	    diag->text : otherwise);
	return EXIT_TROUBLE;
}

/* ---- the socket --------------------------------------------------------- */

/* A socket that systemd made and passed, or -1. */
static int
passed_socket(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	struct stat st;

	if (pid == NULL || count == NULL || strcmp(count, "1") != 0 ||
	    strtol(pid, NULL, 10) != (long)getpid() ||
	    fstat(FIRST_PASSED, &st) != 0 || !S_ISSOCK(st.st_mode))
		return -1;
	(void)fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC);
	return FIRST_PASSED;
}

/* The folder is ours alone: who can write to it could put another socket. */
static fo_err
make_folder(const char *path, struct fo_diag *diag)
{
	char *folder = strdup(path);
	char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
	struct stat st;
	fo_err r = FO_OK;

	if (folder == NULL)
		return FO_ERR_NOMEM;
	if (slash == NULL || slash == folder) {
		free(folder);
		return FO_OK;
	}
	*slash = '\0';
	if ((mkdir(folder, 0700) != 0 && errno != EEXIST) ||
	    lstat(folder, &st) != 0) {
		fo_diag_set(diag, "%s: %s", folder, strerror(errno));
		r = FO_ERR_IO;
	} else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0) {
		fo_diag_set(diag, "%s: has to be your own folder, and nobody "
		    "else's to enter: chmod 700 %s", folder, folder);
		r = FO_ERR_IO;
	}
	free(folder);
	return r;
}

/* A socket that nobody listens on is removed; one that is used is not. */
static fo_err
clear_path(const char *path, struct fo_diag *diag)
{
	struct fo_signer *running = NULL;
	struct stat st;

	if (lstat(path, &st) != 0)
		return FO_OK;
	if (!S_ISSOCK(st.st_mode)) {
		fo_diag_set(diag, "%s: is there already, and no socket", path);
		return FO_ERR_EXISTS;
	}
	if (fo_signer_connect(path, NULL, &running) == FO_OK) {
		fo_signer_free(&running);
		fo_diag_set(diag, "%s: a signer runs there already", path);
		return FO_ERR_EXISTS;
	}
	if (unlink(path) != 0) {
		fo_diag_set(diag, "%s: %s", path, strerror(errno));
		return FO_ERR_IO;
	}

	return FO_OK;
}

static fo_err
make_socket(const char *path, struct fo_diag *diag, int *ret_fd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const mode_t before = umask(0177);
	fo_err r;
	int fd = -1;

	if (strlen(path) >= sizeof(at.sun_path)) {
		fo_diag_set(diag, "%s: too long for a socket", path);
		r = FO_ERR_TOO_LONG;
		goto out;
	}
	memcpy(at.sun_path, path, strlen(path));
	umask(077);
	if ((r = make_folder(path, diag)) != FO_OK ||
	    (r = clear_path(path, diag)) != FO_OK)
		goto out;
	umask(0177);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0)) == -1 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		fo_diag_set(diag, "%s: %s", path, strerror(errno));
		if (fd != -1)
			(void)close(fd);
		r = FO_ERR_IO;
		goto out;
	}

	*ret_fd = fd;
out:
	umask(before);
	return r;
}

/* ---- what it starts with ------------------------------------------------ */

static fo_err
load_keys(const struct options *options, struct ring *ring,
    struct fo_diag *diag)
{
	const struct fo_signer_terms terms = { .lifetime_s = 0 };
	char jkt[FO_JKT_SIZE];

	for (size_t i = 0; i < options->loads; i++) {
		struct fo_key *key = NULL;
		fo_err r;

		if ((r = fo_key_load(options->load[i], NULL, NULL, diag,
		    &key)) != FO_OK ||
		    (r = ring_add(ring, &key, &terms, diag, jkt)) != FO_OK)
			return r;
	}

	return FO_OK;
}

static fo_err
catch_signals(struct fo_diag *diag, int *ret_fd)
{
	sigset_t ends;

	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	(void)sigaddset(&ends, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &ends, NULL) != 0 ||
	    (*ret_fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK)) ==
	    -1) {
		fo_diag_set(diag, "signals: %s", strerror(errno));
		return FO_ERR_IO;
	}

	return FO_OK;
}

static fo_err
set_namespace(struct server *server, struct fo_diag *diag)
{
	struct stat st;

	if (stat("/proc/self/ns/user", &st) != 0) {
		fo_diag_set(diag, "/proc/self/ns/user: %s", strerror(errno));
		return FO_ERR_IO;
	}
	server->uid = geteuid();
	server->ns_dev = st.st_dev;
	server->ns_ino = st.st_ino;

	return FO_OK;
}

/* In this order: what it cannot do any more is given up as soon as it can. */
static fo_err
run(const struct options *options, struct ring *ring, struct fo_diag *diag)
{
	struct server server = { .ring = ring, .listener = passed_socket(),
		.confirming = -1 };
	const bool own = server.listener == -1;
	fo_err r;

	if ((r = set_namespace(&server, diag)) != FO_OK ||
	    (own && (r = make_socket(options->socket, diag,
	    &server.listener)) != FO_OK))
		return r;
	if ((options->askpass == NULL ||
	    (r = confirm_start(options->askpass, &server.confirming)) ==
	    FO_OK) &&
	    (r = catch_signals(diag, &server.signals)) == FO_OK &&
	    (r = sandbox_memory(diag)) == FO_OK &&
	    (r = load_keys(options, ring, diag)) == FO_OK &&
	    (r = sandbox_calls(diag)) == FO_OK)
		r = serve(&server);
	ring_clear(ring);
	if (own)
		(void)unlink(options->socket);

	return r;
}

static bool
parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "askpass", required_argument, NULL, 'a' },
		{ "load", required_argument, NULL, 'l' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 's')
			options->socket = optarg;
		else if (c == 'a')
			options->askpass = optarg;
		else if (c == 'l' && options->loads < FO_SIGNER_KEYS_MAX)
			options->load[options->loads++] = optarg;
		else
			return false;
	}

	return optind == argc;
}

int
main(int argc, char **argv)
{
	struct options options = { .socket = NULL };
	char *default_socket = NULL;
	static struct ring ring;
	struct fo_diag diag = { "" };
	fo_err r = FO_OK;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0))
		return fputs(help, stdout) < 0 ? EXIT_TROUBLE : EXIT_SUCCESS;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("fo-signer %s\n", fo_version()) < 0 ?
		    EXIT_TROUBLE : EXIT_SUCCESS;
	if (!parse(argc, argv, &options)) {
		fputs("usage: fo-signer [--socket PATH] [--askpass PROGRAM]"
		    " [--load KEY]... (--help says more)\n", stderr);
		return EXIT_USAGE;
	}
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	if (!fo_program_start())
		return complain(&diag, "libcrypto cannot be used");
	if (options.socket == NULL &&
	    (r = fo_signer_path(&diag, &default_socket)) == FO_OK)
		options.socket = default_socket;
	if (r == FO_OK)
		r = run(&options, &ring, &diag);
	free(default_socket);

	return r == FO_OK ? EXIT_SUCCESS : complain(&diag, fo_err_text(r));
}
