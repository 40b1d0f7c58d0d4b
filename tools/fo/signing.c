/*
 * A proof signed within a time.
 */
#include "signing.h"

#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <firstops/key.h>

#include "base/diag.h"
#include "base/safeopen.h"
#include "base/wipe.h"

#define PROOF_MAX_BYTES 2048

/* What comes back; in one piece, as a pipe has it. */
struct result {
	fo_err r;
	struct fo_diag diag;
	char proof[PROOF_MAX_BYTES];
};

_Static_assert(sizeof(struct result) <= PIPE_BUF, "a result's size");

static fo_err
sign(const struct fo_request *request, char **ret_proof)
{
	struct fo_key *key = NULL;
	char *uri = NULL;
	fo_err r;

	if ((r = fo_key_find(NULL, request->diag, &uri)) == FO_OK &&
	    (r = fo_key_load(uri, NULL, NULL, request->diag, &key)) == FO_OK)
		r = fo_proof_sign(key, request, ret_proof);
	fo_key_free(&key);
	free(uri);
	return r;
}

/* ---- the process --------------------------------------------------------- */

/* It ends with its parent, also where that is killed. */
static _Noreturn void
be_signing(const struct fo_request *request, pid_t parent, int fd)
{
	struct fo_request mine = *request;
	struct result result = { .r = FO_ERR_INTERNAL };
	char *proof = NULL;

	/* one that was gone before sends no signal */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	mine.diag = &result.diag;
	result.r = sign(&mine, &proof);
	if (result.r == FO_OK && strlen(proof) < sizeof(result.proof))
		memcpy(result.proof, proof, strlen(proof) + 1);
	else if (result.r == FO_OK)
		result.r = FO_ERR_TOO_LONG;
	_exit(write(fd, &result, sizeof(result)) == sizeof(result) ? 0 : 1);
}

static fo_err
cannot(const char *what, struct fo_diag *diag)
{
	fo_diag_set(diag, "%s: %s; %s", what, strerror(errno),
	    fo_diag_remedy(errno));
	return FO_ERR_IO;
}

/*
 * A pipe beside the standard descriptors, whichever of those are closed. Both
 * ends are to be closed in every case.
 */
static fo_err
make_pipe(struct fo_diag *diag, int ret_ends[2])
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return cannot("a pipe", diag);
	ret_ends[0] = fo_above_2(ends[0]);
	ret_ends[1] = fo_above_2(ends[1]);

	return ret_ends[0] != -1 && ret_ends[1] != -1 ? FO_OK :
	    cannot("a pipe", diag);
}

static void
close_end(int *end)
{
	if (*end != -1)
		(void)close(*end);
	*end = -1;
}

/* No signal of ours comes back: whoever waits here has one that ends it. */
static fo_err
await(int fd, int limit_ms, struct fo_diag *diag, struct result *ret_result)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };

	if (poll(&end, 1, limit_ms) != 1) {
		fo_diag_set(diag, "the key did not sign within %d ms: see"
		    " whether the signer, or who has to confirm, answers",
		    limit_ms);
		return FO_ERR_IO;
	}
	if (read(fd, ret_result, sizeof(*ret_result)) !=
	    sizeof(*ret_result)) {
		fo_diag_set(diag, "the process that signs ended without a"
		    " word");
		return FO_ERR_IO;
	}

	return FO_OK;
}

fo_err
signing_proof(const struct fo_request *request, int limit_ms,
    char **ret_proof)
{
	struct result result = { .r = FO_ERR_INTERNAL };
	const pid_t self = getpid();
	int ends[2] = { -1, -1 };
	pid_t pid;
	fo_err r;

	if (limit_ms == 0)
		return sign(request, ret_proof);
	if ((r = make_pipe(request->diag, ends)) != FO_OK)
		goto out;
	if ((pid = fork()) == -1) {
		r = cannot("a process", request->diag);
		goto out;
	}
	if (pid == 0)
		be_signing(request, self, ends[1]);
	close_end(&ends[1]);
	r = await(ends[0], limit_ms, request->diag, &result);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	if (r == FO_OK && (r = result.r) != FO_OK && request->diag != NULL)
		*request->diag = result.diag;
	if (r == FO_OK && (*ret_proof = strdup(result.proof)) == NULL)
		r = FO_ERR_NOMEM;
out:
	fo_wipe(&result, sizeof(result));
	close_end(&ends[0]);
	close_end(&ends[1]);
	return r;
}
