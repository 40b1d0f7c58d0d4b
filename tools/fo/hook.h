/*
 * What coding agents tell their hooks, as a question.
 */
#ifndef FO_TOOL_HOOK_H
#define FO_TOOL_HOOK_H

#include "consult.h"
#include "json.h"

/* Texts of the question are the input's. What it lacks is its trouble. */
void hook_read_claude(const struct json *input, struct question *question);
void hook_read_cursor(const struct json *input, struct question *question);

#endif
