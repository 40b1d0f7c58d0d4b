/*
 * A login record as auth makes it, for tests: build-bot of team-platform, in
 * by sshd as deploy from 10.2.3.4, at MACHINE_NOW.
 */
#ifndef FO_TEST_RECORD_H
#define FO_TEST_RECORD_H

#include "host/session.h"

#define RECORD_SID "4f9c2a1bq0T9b2c7dE1xYw"
#define RECORD_OTHER_SID "4AAAAAAAAAAAAAAAAAAAAA"

/* Held by a process that runs. Its texts are static: not to be cleared. */
struct fo_login_record record_of(pid_t pid);

#endif
