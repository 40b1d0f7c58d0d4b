/*
 * What sudo is about to run, out of the lists of "key=value" that it hands to
 * its plugins (sudo_plugin(5)).
 */
#ifndef FO_SUDO_REQUEST_H
#define FO_SUDO_REQUEST_H

#include <stdbool.h>
#include <sys/types.h>

#include <firstops/error.h>

/* One request. Texts are sudo's, but for those that are owned. */
struct request {
	const char *user;	/* who called sudo */
	const char *tty;
	const char *cwd;	/* absolute, or NULL: not known */
	uid_t uid;		/* of who called */
	uid_t target_uid;
	char *target;		/* owned: the name of that, or "#UID" */
	char **argv;		/* owned: the program's path, its arguments */
	char *what;		/* owned: argv as a person types it, cut */
};

/*
 * Who asks: user, uid, tty. FO_ERR_FORMAT: sudo says too little.
 */
FO_MUST_CHECK fo_err request_caller(char *const user_info[],
    struct request *ret_request);

/*
 * And what for. argv is the program by its path and then what sudo passes to
 * it; for sudoedit, which runs an editor on copies, it is
 * "/usr/bin/sudoedit" and the files.
 *
 * What else the caller chose is part of the command, as somebody would type
 * it: a variable that sudo does not set by itself is "/usr/bin/env NAME=VALUE"
 * before it, another root folder "/usr/sbin/chroot FOLDER", another group
 * "/usr/bin/sudo -g GROUP". So a rule that does not speak of them allows none.
 *
 * FO_ERR_FORMAT: sudo says too little. FO_ERR_IO: the target cannot be looked
 * up. FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err request_command(char *const user_info[],
    char *const command_info[], char *const run_argv[],
    char *const run_envp[], struct request *request);
void request_clear(struct request *request);

/* Is who called root, or in this group? False also where nobody knows. */
bool request_is_member(char *const user_info[], const char *group);

#endif
