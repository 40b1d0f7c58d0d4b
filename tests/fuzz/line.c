/*
 * Lines of a log: what is taken for an event is strict JSON that says what was
 * read, and what is not taken leaves the result as it was.
 */
#include "fuzz.h"

#include <string.h>

#include "host/event_read.h"
#include "reference.h"

void
fuzz_on_line(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct fo_event_read read = { .len = 4711 };
	struct fo_diag diag = { "" };
	char copy[8];

	if (fo_event_read(text, size, &diag, &read) != FO_OK) {
		NEED(read.len == 4711 && read.text == NULL);
		NEED(diag.text[0] != '\0');
		return;
	}
	NEED(read.text == text && read.len <= size);
	NEED(read.t_us >= -1);
	reference_read(&read);
	for (fo_event_key key = 0; key < FO_KEYS; key++) {
		fo_value_copy(&read.value[key], copy, sizeof(copy));
		NEED(strlen(copy) < sizeof(copy));
		NEED(fo_value_missing(&read.value[key]) ==
		    (strcmp(copy, "-") == 0));
	}
}
