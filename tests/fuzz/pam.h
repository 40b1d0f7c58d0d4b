/*
 * A libpam for the module alone: a handle with items, data and environment,
 * whose calls fail for want of memory when faults.c says so.
 *
 * libpam itself would load the module as a file, out of reach of the linker
 * and of libFuzzer's counters, and a name-service and log of this machine.
 */
#ifndef FO_FUZZ_PAM_H
#define FO_FUZZ_PAM_H

#include <security/pam_modules.h>

#define FAKE_ITEMS 16
#define FAKE_VARIABLES 16
#define FAKE_DATA 2 /* a login, and an open session */

struct pam_handle {
	struct pam_conv conv;
	char *items[FAKE_ITEMS];		/* by PAM_SERVICE ... */
	char *variables[FAKE_VARIABLES];	/* "NAME=value" */
	struct fake_data {
		char *name;
		void *data;
		void (*cleanup)(pam_handle_t *pamh, void *data, int status);
	} data[FAKE_DATA];
	const char *typed_user;	/* the answer to "login:"; NULL: none */

	/* what fails */
	const char *no_data;	/* data of this name finds no memory, */
	const char *no_variable;	/* nor does this variable; */
	const char *kept_data;	/* data of this name cannot be dropped; */
	int no_item;		/* this item cannot be read; */
	int kept_item;		/* this one cannot be changed */
};

/* Loses the data, as a handle in another process has none. */
void fake_pam_forget(struct pam_handle *pamh);
/* Ends the handle as pam_end does, its data first. */
void fake_pam_clear(struct pam_handle *pamh);

#endif
