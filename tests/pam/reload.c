/*
 * A service that loads the module, uses it and unloads it, thousands of
 * times: nothing of ours stays behind, neither descriptors nor memory.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CYCLES 300
#define CYCLES_DEEP 20000
#define HEAP_NOISE_BYTES 8192
#define RESIDENT_NOISE_KB 128

static struct world w;

static void
open_world(void)
{
	world_open(&w);
}

static void
close_world(void)
{
	world_close(&w);
}

TestSuite(reload, .init = open_world, .fini = close_world);

/* What the service says of itself after a handle. */
struct cycle {
	int answer;
	size_t descriptors;
	size_t loaded;
	size_t heap_bytes;
	size_t resident_kb;
};

/* The service, and the other end of its standard input and output. */
struct service {
	pid_t pid;
	FILE *to, *from;
};

static void
start(struct service *service, size_t cycles)
{
	char number[32];
	int ends[2];

	(void)snprintf(number, sizeof(number), "%zu", cycles);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
	    0);
	if ((service->pid = fork()) == 0) {
		if (dup2(ends[1], 0) == 0 && dup2(ends[1], 1) == 1)
			(void)execl(HOST, HOST, w.confdir, "sshd", "deploy",
			    number, (char *)NULL);
		_exit(127);
	}
	cr_assert_gt(service->pid, 0);
	cr_assert_eq(close(ends[1]), 0);
	cr_assert_not_null(service->from = fdopen(ends[0], "r"));
	cr_assert_not_null(service->to = fdopen(dup(ends[0]), "w"));
}

static void
end(struct service *service)
{
	int status;

	cr_assert_eq(fclose(service->to), 0);
	cr_assert_eq(fclose(service->from), 0);
	cr_assert_eq(waitpid(service->pid, &status, 0), service->pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d",
	    status);
}

/* Sign what the service's module asks for, right or wrong. */
static void
answer(struct service *service, const char *prompt, bool right)
{
	struct fo_challenge *challenge = NULL;
	char *proof;

	cr_assert_eq(fo_challenge_parse(prompt, &challenge), FO_OK, "%s",
	    prompt);
	proof = world_proof(&w, right ? challenge->htu :
	    "pam://elsewhere/sshd/deploy", challenge->nonce);
	cr_assert_gt(fprintf(service->to, "%s\n", proof), 0);
	cr_assert_eq(fflush(service->to), 0);
	fo_proof_text_free(&proof);
	fo_challenge_free(&challenge);
}

/* The numbers of a line "cycle ...". */
static void
read_cycle(const char *line, struct cycle *ret)
{
	size_t *const numbers[] = { &ret->descriptors, &ret->loaded,
		&ret->heap_bytes, &ret->resident_kb };
	char *rest;

	cr_assert_eq(strncmp(line, "cycle ", 6), 0, "%s", line);
	ret->answer = (int)strtol(line + 6, &rest, 10);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		*numbers[i] = strtoul(rest, &rest, 10);
}

/* One login; every second is refused. */
static void
turn(struct service *service, bool right, struct cycle *ret)
{
	char line[2048];

	cr_assert_not_null(fgets(line, sizeof(line), service->from));
	cr_assert_eq(strncmp(line, "ask ", 4), 0, "%s", line);
	line[strcspn(line, "\n")] = '\0';
	answer(service, line + 4, right);
	cr_assert_not_null(fgets(line, sizeof(line), service->from));
	read_cycle(line, ret);
	cr_assert_eq(ret->answer, right ? PAM_SUCCESS : PAM_AUTH_ERR);
	cr_assert_eq(ret->loaded, 0, "the module stays");
}

/*
 * Growth that is allowed over the second half: libcrypto keeps some bytes
 * for each use and stops at a plateau, and the allocator has its own ways. A
 * single byte lost a login would be seen in the long form, a structure in
 * the short one.
 */
static void
expect_plateau(const struct cycle *half, const struct cycle *last)
{
#ifdef __SANITIZE_ADDRESS__
	/* Its allocator keeps what was freed; leaks it finds itself. */
	(void)half;
	(void)last;
#else
	cr_expect(last->heap_bytes <= half->heap_bytes + HEAP_NOISE_BYTES,
	    "%zu bytes of heap, %zu half way", last->heap_bytes,
	    half->heap_bytes);
	cr_expect(last->resident_kb <= half->resident_kb + RESIDENT_NOISE_KB,
	    "%zu KB resident, %zu half way", last->resident_kb,
	    half->resident_kb);
#endif
}

Test(reload, leaves_nothing_behind_however_often)
{
	const size_t cycles = getenv("FIRSTOPS_DEEP") != NULL ? CYCLES_DEEP :
	    CYCLES;
	struct cycle first = { 0 }, half = { 0 }, now = { 0 };
	struct service service;

	start(&service, cycles);
	for (size_t i = 0; i < cycles; i++) {
		turn(&service, i % 2 == 0, &now);
		if (i == 0)
			first = now;
		cr_assert_eq(now.descriptors, first.descriptors);
		if (i == cycles / 2)
			half = now;
		world_empty(&w, "run/pending"); /* each holds two minutes */
	}
	end(&service);
	expect_plateau(&half, &now);
}
