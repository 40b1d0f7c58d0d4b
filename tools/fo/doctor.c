/*
 * fo doctor: is everything on this machine as it has to be?
 */
#include "doctor.h"

#include <string.h>

#include "out.h"
#include "store_check.h"

enum { OPT_ROOT };

static const struct verb_option options[] = {
	[OPT_ROOT] = { "root", "DIR", "look at /etc, /usr and /dev/log below"
	    " this folder" },
	{ NULL, NULL, NULL }
};

static int
examine(const struct admin *admin)
{
	const char *root = admin->call->option[OPT_ROOT];
	struct findings findings = { 0 };
	struct doctor doctor = { admin, "", &findings };
	struct fo_diag diag = { "" };
	char log[DOCTOR_PATH_SIZE];
	int code;
	fo_err r;

	if (root != NULL && strcmp(root, "/") != 0)
		doctor.root = root;
	doctor_module(&doctor);
	doctor_pam(&doctor);
	doctor_sshd(&doctor);
	doctor_sudo(&doctor);
	doctor_sudoers(&doctor);
	doctor_ways(&doctor);
	doctor_replay(&doctor);
	doctor_clock(&doctor);
	doctor_store(&doctor);
	doctor_log_path(&doctor, log);
	audit_check(admin, log, &findings);
	doctor_log(&doctor);
	doctor_journald(&doctor);
	doctor_rsyslog(&doctor);
	r = store_check(admin, &findings, &diag);
	if (r != FO_OK && !finding_short(&findings, r))
		finding(&findings, LEVEL_FAIL, "mend it, then: fo store"
		    " check", "store: %s", diag.text[0] != '\0' ?
		    diag.text : fo_err_text(r));
	code = findings_print(admin->call, &findings, true);
	findings_clear(&findings);

	return code;
}

static int
run(const struct call *call)
{
	struct admin admin;
	int code;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = examine(&admin);
	admin_close(&admin);

	return code;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.synopsis = "[--config PATH] [--root DIR] [--json]",
	.summary = "Examine this machine's set-up",
	.text =
	    "Look at everything that a login by proof depends on, and say for"
	    " each thing\nwhether it is fine, doubtful or broken, and how to"
	    " mend it: the module, the lines\nof pam.d and their order, options"
	    " of sshd and ProFTPD, sudo's plugin, other\nways into reserved"
	    " accounts, the replay folders, the clock, the audit sinks,"
	    "\nwhether the log daemon reads and what it drops for coming too"
	    " fast, and the\nstore as fo store check does. Nothing is changed;"
	    " the log gets one line of\npriority debug.\n",
	.example = "  sudo fo doctor\n",
	.exits =
	    "  0  no failure (there may be warnings)\n"
	    "  1  at least one failure\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: firstops.yaml cannot be read\n",
	.options = options,
	.store = true,
	.json = true,
	.run = run,
};
