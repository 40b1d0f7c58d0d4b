/*
 * Who may say what: events out of the lines of a log, and whether the sender
 * of one may be believed.
 */
#ifndef FO_TOOL_SPEAKER_H
#define FO_TOOL_SPEAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>

#include "host/config.h"

#include "audit.h"
#include "log.h"

struct speaker;

/* The users that services run as, by firstops.yaml. */
struct speakers {
	struct speaker *list;
	size_t count;
};

/*
 * config: NULL knows root alone; borrowed as long as the speakers are used.
 * The caller clears *ret with speakers_clear in every case.
 */
FO_MUST_CHECK fo_err speakers_read(const struct fo_config *config,
    struct speakers *ret);
void speakers_clear(struct speakers *speakers);

/* Is this the uid of root, or of any service's user? */
bool speakers_know(const struct speakers *speakers, int64_t uid);

/*
 * The event of a line. FO_ERR_NOT_FOUND: it is another program's line.
 * FO_ERR_FORMAT: it should be an event, and the reason says what is wrong
 * with it. A reason with FO_OK is about one that was torn before this one.
 */
FO_MUST_CHECK fo_err speakers_entry(const struct speakers *speakers,
    const struct log_line *line, struct fo_diag *diag,
    struct audit_entry *ret);

#endif
