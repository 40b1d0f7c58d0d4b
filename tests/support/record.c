#include "record.h"

#include <criterion/criterion.h>

#include "host/process.h"
#include "machine.h"

struct fo_login_record
record_of(pid_t pid)
{
	static char service[] = "sshd", user[] = "deploy", src[] = "10.2.3.4",
	    tty[] = "ssh";
	struct fo_login_record record = {
		.sid = RECORD_SID,
		.id = "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77",
		.kind = "agent",
		.name = "build-bot",
		.owner = "team-platform",
		.jkt = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		.service = service,
		.user = user,
		.src = src,
		.tty = tty,
		.since = MACHINE_NOW,
		.pid = pid,
	};

	cr_assert_eq(fo_process_start(pid, &record.pid_start), FO_OK);
	return record;
}
