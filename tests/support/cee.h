/*
 * A strict look at an event: is it exactly what the format promises?
 */
#ifndef FO_TEST_CEE_H
#define FO_TEST_CEE_H

/*
 * Ends the test unless text is "@cee:" and one flat object of the 27 keys in
 * their order, strings made of units only, numbers where numbers belong, at
 * most 1000 bytes, nothing after it.
 */
void cee_check(const char *text);

/*
 * The value of a key, without its quotes, of an event that cee_check takes;
 * valid until the next call.
 */
const char *cee_get(const char *text, const char *key);

#endif
