/*
 * A service for reload.c: host CONFDIR SERVICE USER CYCLES logs in over and
 * over, each time in a new handle, so that libpam loads and unloads every
 * module. It is linked with nothing but libpam, as most services are.
 *
 * A question is printed as "ask TEXT", and the answer is the next line of
 * standard input. After each handle:
 *
 *   cycle ANSWER DESCRIPTORS LOADED HEAP_BYTES RESIDENT_KB
 *
 * LOADED is how many mappings of the module are left.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>

static int
converse(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct pam_response *response;
	size_t size = 0;

	(void)arg;
	if (n != 1 || (response = calloc(1, sizeof(*response))) == NULL)
		return PAM_BUF_ERR;
	*ret_responses = response;
	if (messages[0]->msg_style != PAM_PROMPT_ECHO_OFF)
		return PAM_SUCCESS;
	printf("ask %s\n", messages[0]->msg);
	if (fflush(stdout) != 0 || getline(&response->resp, &size, stdin) < 1)
		exit(1);
	response->resp[strcspn(response->resp, "\n")] = '\0';
	return PAM_SUCCESS;
}

static size_t
descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	if (dir == NULL)
		exit(1);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

/* How many lines of a file of /proc have this text; *ret_kb of the last. */
static size_t
lines_with(const char *path, const char *text, long *ret_kb)
{
	FILE *f = fopen(path, "r");
	const char *at;
	char line[4096];
	size_t n = 0;

	if (f == NULL)
		exit(1);
	while (fgets(line, sizeof(line), f) != NULL) {
		if ((at = strstr(line, text)) == NULL)
			continue;
		n++;
		if (ret_kb != NULL)
			*ret_kb = strtol(at + strlen(text), NULL, 10);
	}
	(void)fclose(f);
	return n;
}

int
main(int argc, char **argv)
{
	const struct pam_conv conv = { converse, NULL };
	long cycles, resident = 0;

	if (argc != 5)
		return 2;
	cycles = strtol(argv[4], NULL, 10);
	for (long i = 0; i < cycles; i++) {
		pam_handle_t *pamh = NULL;
		struct mallinfo2 heap;
		int r;

		if (pam_start_confdir(argv[2], argv[3], &conv, argv[1],
		    &pamh) != PAM_SUCCESS)
			return 1;
		r = pam_authenticate(pamh, 0);
		if (pam_end(pamh, r) != PAM_SUCCESS)
			return 1;
		heap = mallinfo2();
		(void)lines_with("/proc/self/status", "VmRSS:", &resident);
		printf("cycle %d %zu %zu %zu %ld\n", r, descriptors(),
		    lines_with("/proc/self/maps", "pam_firstops.so", NULL),
		    heap.uordblks + heap.hblkhd, resident);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
