/*
 * Entries of a log: what their values are, and what they count as.
 */
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "file.h"

const char *
trust_word(trust of)
{
	switch (of) {
	case TRUST_VERIFIED:
		return "verified";
	case TRUST_UNVERIFIED:
		return "unverified";
	case TRUST_UNVERIFIABLE:
		break;
	}

	return "unverifiable";
}

char *
entry_text(const struct audit_entry *entry, fo_event_key key)
{
	const struct fo_value *value = &entry->event.value[key];

	return value->at != NULL ? text_copy(value->at, value->len) :
	    strdup("-");
}

bool
entry_is(const struct audit_entry *entry, fo_event_key key, const char *word)
{
	return fo_value_is(&entry->event.value[key], word);
}

bool
entry_is_permit(const struct audit_entry *entry)
{
	return entry_is(entry, FO_KEY_RES, "permit") &&
	    (entry_is(entry, FO_KEY_EV, "auth") ||
	    entry_is(entry, FO_KEY_EV, "action"));
}

bool
entry_is_denial(const struct audit_entry *entry)
{
	return entry_is(entry, FO_KEY_RES, "deny");
}
