/*
 * Results in words: each number has one, and it is the number's own name.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/firstops.h>

#define ERROR_H TEST_VECTORS "/../../sdk/include/firstops/error.h"

/* "FO_ERR_BAD_KEY = -26," to "bad_key" and -26. */
static int
read_entry(const char *line, char word[64], int *number)
{
	const char *name = strstr(line, "FO_ERR_");
	char *end;
	size_t n = 0;

	if (name == NULL || strncmp(line, "\tFO_ERR_", 8) != 0)
		return 0;
	for (name += strlen("FO_ERR_"); *name == '_' || isupper(
	    (unsigned char)*name); name++)
		word[n++] = (char)tolower((unsigned char)*name);
	word[n] = '\0';
	cr_assert_eq(strncmp(name, " = ", 3), 0, "%s", line);
	*number = (int)strtol(name + 3, &end, 10);
	cr_assert(end != name + 3, "%s", line);
	return 1;
}

Test(error, every_number_has_the_word_of_its_own_name_and_a_sentence)
{
	FILE *f = fopen(ERROR_H, "r");
	char line[256], word[64];
	int number, seen = 0;

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (!read_entry(line, word, &number))
			continue;
		seen++;
		cr_expect_str_eq(fo_err_word((fo_err)number), word);
		cr_expect(fo_err_text((fo_err)number)[0] != '\0', "%s", word);
		cr_expect_str_neq(fo_err_text((fo_err)number),
		    "unknown result", "%s", word);
	}
	(void)fclose(f);
	cr_expect_geq(seen, 41, "only %d", seen);
}

Test(error, ok_is_ok_and_a_number_out_of_the_list_is_unknown)
{
	cr_expect_str_eq(fo_err_word(FO_OK), "ok");
	cr_expect_str_eq(fo_err_word((fo_err)1), "unknown");
	cr_expect_str_eq(fo_err_word((fo_err)-9999), "unknown");
	cr_expect_str_eq(fo_err_text((fo_err)-9999), "unknown result");
}

Test(error, sentences_begin_in_lower_case_without_a_full_stop)
{
	const char *text;

	for (int i = 0; i > -100; i--) {
		text = fo_err_text((fo_err)i);
		cr_expect(!isupper((unsigned char)text[0]), "%s", text);
		cr_expect_neq(text[strlen(text) - 1], '.', "%s", text);
	}
}

Test(version, the_library_is_the_one_of_the_headers)
{
	cr_expect_str_eq(fo_version(), FO_VERSION);
}
