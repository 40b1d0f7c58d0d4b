/*
 * fo run: a command that is given a fresh proof for a password, in the
 * variable or the descriptor where it looks for one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "host/clock.h"

#include "key.h"
#include "options.h"
#include "out.h"
#include "verb.h"

enum { OPT_SERVICE, OPT_ACCOUNT, OPT_HOST, OPT_ENV, OPT_FD, OPT_KEY };

static const struct verb_option options[] = {
	[OPT_SERVICE] = { "service", "NAME", "the PAM service (required)" },
	[OPT_ACCOUNT] = { "account", "NAME", "whom to log in as (required)" },
	[OPT_HOST] = { "host", "NAME", "the host, as its firstops.yaml calls"
	    " it; this one" },
	[OPT_ENV] = { "env", "NAME", "the variable that the command reads" },
	[OPT_FD] = { "fd", "NUMBER", "the descriptor that the command reads,"
	    " instead" },
	[OPT_KEY] = { "key", "FILE", "the private key" },
	{ NULL, NULL, NULL }
};

#define FD_MAX 1023
#define HOST_SIZE 256

/* What the clients of a service read a password from. */
static const struct {
	const char *service;
	const char *variable;
} readers[] = {
	{ "pgbouncer", "PGPASSWORD" },
	{ "postgresql", "PGPASSWORD" },
};

/* ---- what to sign ------------------------------------------------------- */

/* This machine, as fo init --host "$(hostname -s)" calls it. */
static int
own_host(const struct call *call, char ret[HOST_SIZE])
{
	if (gethostname(ret, HOST_SIZE) != 0)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "this machine"
		    " has no name; say which host it is: --host NAME");
	ret[strcspn(ret, ".")] = '\0';

	return FO_EXIT_DONE;
}

static int
find_target(const struct call *call, char **ret_htu)
{
	const char *host = call->option[OPT_HOST];
	char own[HOST_SIZE] = "";
	int code;
	fo_err r;

	if (call->option[OPT_SERVICE] == NULL ||
	    call->option[OPT_ACCOUNT] == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--service and"
		    " --account say what the proof is for");
	if (host == NULL) {
		if ((code = own_host(call, own)) != FO_EXIT_DONE)
			return code;
		host = own;
	}
	if ((r = fo_target_format(host, call->option[OPT_SERVICE],
	    call->option[OPT_ACCOUNT], ret_htu)) == FO_ERR_ARG)
		return fail(call, FO_EXIT_USAGE, r, "host, service and"
		    " account have to be names");

	return r == FO_OK ? FO_EXIT_DONE : fail_err(call, r, NULL, NULL);
}

static int
sign(const struct call *call, const char *htu, char **ret_proof)
{
	struct fo_diag diag = { "" };
	struct fo_request req = { .htm = FO_HTM_PAM, .htu = htu,
		.diag = &diag };
	struct fo_key *key = NULL;
	struct fo_now now;
	int code;
	fo_err r;

	if (fo_clock_system.now(fo_clock_system.arg, &now) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "the clock cannot be read");
	req.iat = now.s;
	if ((code = key_load(call, call->option[OPT_KEY], &key)) !=
	    FO_EXIT_DONE)
		return code;
	r = fo_proof_sign(key, &req, ret_proof);
	fo_key_free(&key);

	return r == FO_OK ? FO_EXIT_DONE : fail_err(call, r, &diag, NULL);
}

/* ---- where it is read --------------------------------------------------- */

static const char *
variable_of(const char *service)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(readers[i].service, service) == 0)
			return readers[i].variable;

	return NULL;
}

static int
give_by_variable(const struct call *call, const char *name, const char *proof)
{
	if (name[0] == '\0' || strchr(name, '=') != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "\"%s\" cannot"
		    " be a variable", name);
	if (setenv(name, proof, 1) != 0)
		return fail_err(call, FO_ERR_NOMEM, NULL, NULL);

	return FO_EXIT_DONE;
}

/* A pipe that holds a line and its end: a proof fits into it whole. */
static int
give_by_descriptor(const struct call *call, int fd, const char *proof)
{
	const size_t len = strlen(proof);
	int ends[2], bad;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "pipe: %s",
		    strerror(errno));
	bad = write(ends[1], proof, len) != (ssize_t)len ||
	    write(ends[1], "\n", 1) != 1 || close(ends[1]) != 0;
	/* the one that the command has is not closed when it begins */
	if (ends[0] == fd)
		bad |= fcntl(fd, F_SETFD, 0) != 0;
	else
		bad |= dup2(ends[0], fd) != fd || close(ends[0]) != 0;

	return bad ? fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "descriptor %d:"
	    " %s", fd, strerror(errno)) : FO_EXIT_DONE;
}

/* Is it known where the command looks? Before anything is signed. */
static int
check_reader(const struct call *call, const char **ret_variable, int *ret_fd)
{
	const char *fd = call->option[OPT_FD];
	int64_t number = -1;

	*ret_variable = call->option[OPT_ENV];
	if (fd != NULL && *ret_variable != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--env and --fd"
		    " say two things: where does the command look?");
	if (fd != NULL && (!number_parse(fd, 0, FD_MAX, &number) ||
	    number == STDOUT_FILENO || number == STDERR_FILENO))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--fd %s is not"
		    " 0, nor a number from 3 to %d", fd, FD_MAX);
	*ret_fd = (int)number;
	if (fd == NULL && *ret_variable == NULL &&
	    (*ret_variable = variable_of(call->option[OPT_SERVICE])) == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "where clients"
		    " of %s look for a password is not known here; say it:"
		    " --env NAME, or --fd NUMBER",
		    call->option[OPT_SERVICE]);

	return FO_EXIT_DONE;
}

/* ---- the command -------------------------------------------------------- */

static int
become(const struct call *call)
{
	(void)signal(SIGPIPE, SIG_DFL); /* ours is ignored; theirs is not */
	execvp(call->argv[0], call->argv);

	return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "%s: %s",
	    call->argv[0], strerror(errno));
}

static int
run(const struct call *call)
{
	const char *variable = NULL;
	char *htu = NULL, *proof = NULL;
	int fd = -1, code;

	if ((code = find_target(call, &htu)) == FO_EXIT_DONE &&
	    (code = check_reader(call, &variable, &fd)) == FO_EXIT_DONE)
		code = sign(call, htu, &proof);
	if (proof != NULL)
		code = variable != NULL ?
		    give_by_variable(call, variable, proof) :
		    give_by_descriptor(call, fd, proof);
	fo_proof_text_free(&proof);
	free(htu);

	return code == FO_EXIT_DONE ? become(call) : code;
}

const struct verb verb_run = {
	.name = "run",
	.synopsis = "--service NAME --account NAME [options] COMMAND [ARG ...]",
	.summary = "Run a command with a fresh proof for a password",
	.text =
	    "Sign a proof for one login and run COMMAND, which finds it where"
	    " it looks for a\npassword: in the variable that clients of the"
	    " service read (PGPASSWORD for\npostgresql and pgbouncer), or in"
	    " the one that --env names, or as a line of the\ndescriptor --fd."
	    "\n\n"
	    "The proof is good once: a command that logs in twice is refused"
	    " the second time.\n"
	    "Others of the same user can read a command's variables while it"
	    " runs, not its\ndescriptors.\n\n"
	    "Where --host is not given it is this machine's name, up to the"
	    " first dot.\n",
	.example =
	    "  fo run --host db --service postgresql --account etl"
	    " psql -h db -U etl\n"
	    "  fo run --service sshd --account deploy --fd 3"
	    " sshpass -d 3 ssh deploy@bastion\n",
	.exits =
	    "  what COMMAND exits with; before it runs:\n"
	    "  1  the proof would be too long for the service\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: no key, or COMMAND cannot be run\n",
	.options = options,
	.min_operands = 1,
	.max_operands = -1,
	.rest = true,
	.run = run,
};
