/*
 * fo-signer: holds private keys for one user, and signs proofs with them for
 * that user's programs (sdk/PROTOCOL.md).
 */
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
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
#include "src/key.h"

#define BACKLOG 1024
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

/* Is the descriptor a stream socket of this machine that listens? */
static bool
listens(int fd)
{
	int domain = 0, type = 0, accepting = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &len) == 0 &&
	    domain == AF_UNIX && type == SOCK_STREAM && accepting != 0;
}

/* A socket that systemd made and passed, or -1 if it passed nothing. */
static fo_err
passed_socket(struct fo_diag *diag, int *ret_fd)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	int flags;

	*ret_fd = -1;
	if (pid == NULL || count == NULL ||
	    strtol(pid, NULL, 10) != (long)getpid())
		return FO_OK;
	if (strcmp(count, "1") != 0 || !listens(FIRST_PASSED)) {
		fo_diag_set(diag, "LISTEN_FDS: one socket is taken, of "
		    "ListenStream= and a path");
		return FO_ERR_ARG;
	}
	/* a client that is gone before it is accepted must not hold us */
	flags = fcntl(FIRST_PASSED, F_GETFL);
	if (flags == -1 || fcntl(FIRST_PASSED, F_SETFL, flags | O_NONBLOCK) ==
	    -1 || fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC) == -1) {
		fo_diag_set(diag, "LISTEN_FDS: %s", strerror(errno));
		return FO_ERR_IO;
	}
	/* not for the askpass program */
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");

	*ret_fd = FIRST_PASSED;
	return FO_OK;
}

/* The folder of a path, for the caller to free. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return strdup(".");
	return slash == path ? strdup("/") :
	    strndup(path, (size_t)(slash - path));
}

/*
 * Open the folder, made if need be. It is ours alone: who can write to it could
 * put another socket. One at a time looks at what is in there: else two that
 * start at once would take each other's socket for one that is left over.
 */
static fo_err
take_folder(const char *path, struct fo_diag *diag, int *ret_fd)
{
	char *folder = folder_of(path);
	fo_err r = FO_ERR_IO;
	struct stat st;
	int fd = -1;

	if (folder == NULL)
		return FO_ERR_NOMEM;
	if ((mkdir(folder, 0700) != 0 && errno != EEXIST) ||
	    (fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC)) == -1 || fstat(fd, &st) != 0) {
		fo_diag_set(diag, "%s: %s", folder, strerror(errno));
	} else if (st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
		fo_diag_set(diag, "%s: has to be your own folder, and nobody "
		    "else's to enter: chmod 700 %s", folder, folder);
	} else if (flock(fd, LOCK_EX) != 0) {
		fo_diag_set(diag, "%s: cannot be locked: %s", folder,
		    strerror(errno));
	} else {
		*ret_fd = fd;
		fd = -1;
		r = FO_OK;
	}
	if (fd != -1)
		(void)close(fd);
	free(folder);
	return r;
}

/* A socket that nobody listens on is removed; one that is used is not. */
static fo_err
clear_path(const char *path, struct fo_diag *diag)
{
	struct fo_signer *running = NULL;
	struct fo_diag why = { "" };
	struct stat st;
	fo_err r;

	if (lstat(path, &st) != 0)
		return FO_OK;
	if (!S_ISSOCK(st.st_mode)) {
		fo_diag_set(diag, "%s: is there already, and no socket", path);
		return FO_ERR_EXISTS;
	}
	r = fo_signer_connect(path, &why, &running);
	fo_signer_free(&running);
	if (r == FO_OK) {
		fo_diag_set(diag, "%s: a signer runs there already", path);
		return FO_ERR_EXISTS;
	}
	if (r != FO_ERR_NOT_FOUND) {
		/* it may be busy, or not ours to judge */
		fo_diag_set(diag, "%s", why.text);
		return r;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		fo_diag_set(diag, "%s: %s", path, strerror(errno));
		return FO_ERR_IO;
	}

	return FO_OK;
}

/* A socket at a path, and which file that is. */
struct own_socket {
	const char *path;
	int fd;
	dev_t dev;
	ino_t ino;
};

static fo_err
listen_at(struct own_socket *own, struct fo_diag *diag)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const size_t len = strlen(own->path);
	struct stat st;
	fo_err r;

	if (len == 0 || len >= sizeof(at.sun_path)) {
		fo_diag_set(diag, "%s: too long for a socket, or no path",
		    own->path);
		return FO_ERR_TOO_LONG;
	}
	memcpy(at.sun_path, own->path, len);
	if ((r = clear_path(own->path, diag)) != FO_OK)
		return r;
	if ((own->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0)) == -1 ||
	    bind(own->fd, (const struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(own->fd, BACKLOG) != 0 || lstat(own->path, &st) != 0) {
		fo_diag_set(diag, "%s: %s", own->path, strerror(errno));
		if (own->fd != -1)
			(void)close(own->fd);
		return FO_ERR_IO;
	}

	own->dev = st.st_dev;
	own->ino = st.st_ino;
	return FO_OK;
}

static fo_err
make_socket(struct own_socket *own, struct fo_diag *diag)
{
	const mode_t before = umask(077);
	int folder = -1;
	fo_err r;

	if ((r = take_folder(own->path, diag, &folder)) == FO_OK) {
		(void)umask(0177);
		r = listen_at(own, diag);
		(void)close(folder); /* and let the next one look */
	}
	(void)umask(before);
	return r;
}

/* Unless it is another's by now. */
static void
remove_socket(const struct own_socket *own)
{
	struct stat st;

	if (lstat(own->path, &st) == 0 && st.st_dev == own->dev &&
	    st.st_ino == own->ino)
		(void)unlink(own->path);
}

/* ---- what it starts with ------------------------------------------------ */

/* A key that the command line names; *devices turns true if one holds it. */
static fo_err
load_key(const char *name, struct ring *ring, struct fo_diag *diag,
    bool *devices)
{
	const struct fo_signer_terms terms = { .lifetime_s = 0 };
	struct fo_key *key = NULL;
	char jkt[FO_JKT_SIZE];
	fo_err r;

	if ((r = fo_key_load(name, NULL, NULL, diag, &key)) != FO_OK)
		return r;
	if (key->signer != NULL) {
		fo_key_free(&key);
		fo_diag_set(diag, "%s: another signer's key cannot be loaded",
		    name);
		return FO_ERR_BAD_KEY;
	}
	*devices = *devices || key->device != NULL;

	return ring_add(ring, &key, &terms, diag, jkt);
}

static fo_err
load_keys(const struct options *options, struct ring *ring,
    struct fo_diag *diag, bool *devices)
{
	fo_err r = FO_OK;

	for (size_t i = 0; r == FO_OK && i < options->loads; i++)
		r = load_key(options->load[i], ring, diag, devices);
	return r;
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

/* As many clients as it may have. */
static void
raise_descriptors(void)
{
	struct rlimit limit = { 0, 0 };

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* In this order: what it cannot do any more is given up as soon as it can. */
static fo_err
run(const struct options *options, struct ring *ring, struct fo_diag *diag)
{
	struct own_socket own = { .path = options->socket, .fd = -1 };
	struct server server = { .ring = ring, .confirming = -1 };
	bool devices = false, passed;
	fo_err r;

	if ((r = catch_signals(diag, &server.signals)) != FO_OK ||
	    (r = set_namespace(&server, diag)) != FO_OK ||
	    (r = passed_socket(diag, &server.listener)) != FO_OK)
		return r;
	passed = server.listener != -1;
	if (!passed) {
		if ((r = make_socket(&own, diag)) != FO_OK)
			return r;
		server.listener = own.fd;
	}
	if ((options->askpass == NULL ||
	    (r = confirm_start(options->askpass, diag, &server.confirming)) ==
	    FO_OK) &&
	    (r = sandbox_memory(diag)) == FO_OK &&
	    (r = load_keys(options, ring, diag, &devices)) == FO_OK) {
		raise_descriptors();
		if ((r = sandbox_calls(devices, diag)) == FO_OK)
			r = serve(&server);
	}
	ring_clear(ring);
	if (!passed)
		remove_socket(&own);

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

/* Standard input, output and error are there, so that no socket is one. */
static bool
fill_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd < STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
	return fd != -1;
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
	if (!fill_descriptors() || !sandbox_begin() || !fo_program_start())
		return complain(&diag, "libcrypto cannot be used");
	if (options.socket == NULL &&
	    (r = fo_signer_path(&diag, &default_socket)) == FO_OK)
		options.socket = default_socket;
	if (r == FO_OK)
		r = run(&options, &ring, &diag);
	free(default_socket);

	return r == FO_OK ? EXIT_SUCCESS : complain(&diag, fo_err_text(r));
}
