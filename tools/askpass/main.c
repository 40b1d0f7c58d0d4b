/*
 * fo-askpass: answers the FirstOps challenge of sshd and sudo with a proof,
 * as SSH_ASKPASS or SUDO_ASKPASS, and no other prompt.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <firstops/firstops.h>

#include "base/diag.h"
#include "base/program.h"

#include "asker.h"
#include "prompt.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 2

static const char help[] =
"usage: fo-askpass PROMPT\n"
"\n"
"Answers a FirstOps challenge with a proof signed by your key, when ssh or\n"
"sudo runs it. It answers only if the challenge is for the very server that\n"
"ssh connects to, on port 22 and by its FirstOps name, or for sudo on this\n"
"machine. Any other prompt, a host-key question or a password prompt, is\n"
"refused, and nothing is printed on standard output.\n"
"\n"
"  -h, --help     print this and exit\n"
"      --version  print the version and exit\n"
"\n"
"Examples:\n"
"  SUDO_ASKPASS=/usr/bin/fo-askpass sudo -A systemctl restart web\n"
"  SSH_ASKPASS=/usr/bin/fo-askpass SSH_ASKPASS_REQUIRE=force ssh deploy@web\n"
"  fo ssh deploy@web             (another port, an alias, an older ssh)\n"
"\n"
"Environment:\n"
"  FO_PRIVATE_KEY_PATH  your key; otherwise that of the signer (fo signer),\n"
"                       or ~/.config/firstops/key.pem\n"
"  FO_TARGET            the one target to answer, fixed before connecting,\n"
"                       pam://HOST/SERVICE/USER; \"fo ssh\" sets it\n"
"  FO_TARGET_PID        the process id of the ssh that FO_TARGET is for\n"
"\n"
"Exit status: 0 answered, 1 refused or trouble (the reason is on standard\n"
"error), 2 wrong usage.\n";

/* The key is in this process' memory: no core file, no debugger. */
static bool
hide_memory(struct fo_diag *diag)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 &&
	    setrlimit(RLIMIT_CORE, &none) == 0)
		return true;

	fo_diag_set(diag, "core dumps cannot be turned off: %s",
	    strerror(errno));
	return false;
}

/* A process id in decimal, nothing else. */
static bool
parse_pid(const char *text, pid_t *ret_pid)
{
	char *end;
	long pid;

	if (text[0] < '1' || text[0] > '9')
		return false;
	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || pid > INT_MAX)
		return false;

	*ret_pid = (pid_t)pid;
	return true;
}

/* What is known of the process that asks: our parent, before and after. */
static fo_err
look_at_asker(struct fo_asking *asking, struct fo_asker *asker)
{
	const pid_t pid = getppid();

	asking->asker_pid = pid;
	if (fo_asker_read(pid, asker) != FO_OK || getppid() != pid)
		return FO_ERR_IO;

	asking->asker_euid = asker->euid;
	asking->asker_name = asker->name;
	asking->asker_port = asker->port;
	return FO_OK;
}

/* Judge the prompt by what environment, kernel and parent say. */
static fo_err
judge(const char *prompt, struct fo_diag *diag,
    struct fo_challenge **ret_challenge)
{
	char hostname[HOST_NAME_MAX + 1] = "";
	const char *pid = getenv("FO_TARGET_PID");
	struct fo_asker asker;
	struct fo_asking asking = {
		.target = getenv("FO_TARGET"),
		.hostname = hostname,
		.asker_euid = (uid_t)-1,
		.asker_name = "",
	};

	if (pid != NULL && !parse_pid(pid, &asking.target_pid)) {
		fo_diag_set(diag, "FO_TARGET_PID is \"%.32s\", not a process "
		    "id; unset it", pid);
		return FO_ERR_ARG;
	}
	if (gethostname(hostname, sizeof(hostname)) != 0)
		hostname[0] = '\0';
	hostname[sizeof(hostname) - 1] = '\0';
	if (look_at_asker(&asking, &asker) != FO_OK) {
		fo_diag_set(diag, "/proc does not show the process that asks "
		    "(is it mounted with hidepid?); FirstOps cannot tell who "
		    "would get the answer");
		return FO_ERR_IO;
	}
	return fo_prompt_judge(prompt, &asking, diag, ret_challenge);
}

/* Sign a proof for a challenge that was judged to be ours to answer. */
static fo_err
sign(const struct fo_challenge *challenge, struct fo_diag *diag,
    char **ret_proof)
{
	const time_t now = time(NULL);
	struct fo_key *key = NULL;
	char *uri = NULL;
	fo_err r;
	const struct fo_request request = {
		.htm = FO_HTM_PAM,
		.htu = challenge->htu,
		.nonce = challenge->nonce,
		.iat = now,
		.diag = diag,
	};

	if ((r = fo_key_find(NULL, diag, &uri)) != FO_OK)
		goto out;
	if ((r = fo_key_load(uri, NULL, NULL, diag, &key)) != FO_OK)
		goto out;
	r = fo_proof_sign(key, &request, ret_proof);
out:
	fo_key_free(&key);
	free(uri);
	return r;
}

static bool
write_all(int fd, const char *text, size_t len)
{
	ssize_t n;

	while (len > 0) {
		if ((n = write(fd, text, len)) < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* From prompt to proof on standard output. */
static fo_err
answer(const char *prompt, struct fo_diag *diag)
{
	struct fo_challenge *challenge = NULL;
	char *proof = NULL;
	fo_err r;

	if (!hide_memory(diag))
		return FO_ERR_IO;
	/* the TPM's libraries print what we report */
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	if (!fo_program_start())
		return FO_ERR_CRYPTO;
	if ((r = judge(prompt, diag, &challenge)) != FO_OK)
		goto out;
	if ((r = sign(challenge, diag, &proof)) != FO_OK)
		goto out;
	if (!write_all(STDOUT_FILENO, proof, strlen(proof)) ||
	    !write_all(STDOUT_FILENO, "\n", 1)) {
		fo_diag_set(diag, "standard output: %s", strerror(errno));
		r = FO_ERR_IO;
	}
out:
	fo_proof_text_free(&proof);
	fo_challenge_free(&challenge);
	return r;
}

int
main(int argc, char **argv)
{
	struct fo_diag diag = { "" };
	fo_err r;

	if (argc == 2 && (strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0))
		return fputs(help, stdout) < 0 ? EXIT_REFUSED : EXIT_SUCCESS;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("fo-askpass %s\n", fo_version()) < 0 ?
		    EXIT_REFUSED : EXIT_SUCCESS;
	if (argc != 2) {
		fputs("usage: fo-askpass PROMPT (ssh and sudo run it; see "
		    "fo-askpass --help)\n", stderr);
		return EXIT_USAGE;
	}
	if ((r = answer(argv[1], &diag)) == FO_OK)
		return EXIT_SUCCESS;

	fprintf(stderr, "fo-askpass: %s\n",
	    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
	return EXIT_REFUSED;
}
