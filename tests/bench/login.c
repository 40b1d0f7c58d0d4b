/*
 * One login in a process of its own, linked with libpam and nothing else:
 *
 *   bench-login SERVICE USER FILE [--memory]
 *
 * pam_start, pam_authenticate and pam_end, with the answer in FILE. SERVICE
 * is one of /etc/pam.d, or the path of a stack. With --memory it prints how
 * many KiB were resident at most.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>

#define ANSWER_MAX 8192

static void
must(int ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "bench-login: %s\n", what);
		exit(1);
	}
}

static char *
read_answer(const char *path)
{
	static char text[ANSWER_MAX];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	must(n >= 0, path);
	(void)close(fd);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct pam_response *responses;

	if ((responses = calloc((size_t)count, sizeof(*responses))) == NULL)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		if (messages[i]->msg_style == PAM_PROMPT_ECHO_OFF &&
		    (responses[i].resp = strdup(arg)) == NULL)
			abort();
	*ret_responses = responses;
	return PAM_SUCCESS;
}

/* The most that was resident, in KiB. */
static void
print_memory(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	must(status != NULL, "no /proc");
	while (fgets(line, sizeof(line), status) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			printf("%ld\n", strtol(line + 6, NULL, 10));
	(void)fclose(status);
}

/* A service of /etc/pam.d, or the path of its stack. */
static int
start(char *service, const char *user, const struct pam_conv *conv,
    pam_handle_t **ret_pamh)
{
	char *slash = strrchr(service, '/');

	if (slash == NULL)
		return pam_start(service, user, conv, ret_pamh);
	*slash = '\0';
	return pam_start_confdir(slash + 1, user, conv, service, ret_pamh);
}

int
main(int argc, char **argv)
{
	const bool memory = argc == 5 && strcmp(argv[4], "--memory") == 0;
	struct pam_conv conv = { .conv = converse };
	pam_handle_t *pamh = NULL;
	int r;

	must(argc == 4 || memory, "bench-login SERVICE USER FILE [--memory]");
	conv.appdata_ptr = read_answer(argv[3]);
	must(start(argv[1], argv[2], &conv, &pamh) == PAM_SUCCESS &&
	    pam_set_item(pamh, PAM_RHOST, "198.51.100.7") == PAM_SUCCESS,
	    "pam_start failed");
	r = pam_authenticate(pamh, 0);
	if (memory)
		print_memory();
	must(pam_end(pamh, r) == PAM_SUCCESS, "pam_end failed");
	return r == PAM_SUCCESS ? 0 : 1;
}
