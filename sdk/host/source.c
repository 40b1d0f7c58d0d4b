/*
 * Where a client comes from: addresses and CIDR blocks, IPv4-mapped
 * addresses folded to IPv4. Names are never resolved.
 */
#include "source.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stddef.h>
#include <string.h>

/* ::ffff:0:0/96 holds IPv4 addresses (RFC 4291 2.5.5.2). */
#define MAPPED_PREFIX 96

/* Fold an IPv4-mapped address; anything else stays as it is. */
static void
fold(struct fo_source *source)
{
	static const unsigned char mapped[MAPPED_PREFIX / 8] = {
		[10] = 0xff, [11] = 0xff,
	};

	if (source->bits != 128 ||
	    memcmp(source->bytes, mapped, sizeof(mapped)) != 0)
		return;
	memmove(source->bytes, source->bytes + sizeof(mapped), 4);
	memset(source->bytes + 4, 0, sizeof(source->bytes) - 4);
	source->bits = 32;
}

/* An address without brackets or zone, not folded; bits 0: none. */
static void
parse_plain(const char *text, struct fo_source *ret)
{
	*ret = (struct fo_source){ .bits = 0 };
	if (inet_pton(AF_INET, text, ret->bytes) == 1)
		ret->bits = 32;
	else if (inet_pton(AF_INET6, text, ret->bytes) == 1)
		ret->bits = 128;
	else
		memset(ret->bytes, 0, sizeof(ret->bytes));
}

/* The n bytes at text as a text of their own; false: too long for one. */
static bool
copy_address(const char *text, size_t n, char ret[INET6_ADDRSTRLEN])
{
	if (n > INET6_ADDRSTRLEN - 1)
		return false;
	memcpy(ret, text, n);
	ret[n] = '\0';
	return true;
}

void
fo_source_parse(const char *text, struct fo_source *ret)
{
	char plain[INET6_ADDRSTRLEN];
	const char *end, *zone;
	bool v6_only;

	*ret = (struct fo_source){ .bits = 0 };
	if (text == NULL)
		return;
	end = text + strlen(text);
	v6_only = text[0] == '[';
	if (v6_only) {
		if (end[-1] != ']')
			return;
		text++;
		end--;
	}
	if ((zone = memchr(text, '%', (size_t)(end - text))) != NULL) {
		if (zone + 1 == end)
			return;
		v6_only = true;
		end = zone;
	}
	if (!copy_address(text, (size_t)(end - text), plain))
		return;
	parse_plain(plain, ret);
	if (v6_only && ret->bits != 128)
		*ret = (struct fo_source){ .bits = 0 };
	fold(ret);
}

/* One to three digits without a leading zero, at most max; -1 otherwise. */
static int
parse_prefix(const char *text, int max)
{
	const size_t n = strspn(text, "0123456789");
	int v = 0;
	size_t i;

	if (n < 1 || n > 3 || text[n] != '\0' || (text[0] == '0' && n > 1))
		return -1;
	for (i = 0; i < n; i++)
		v = v * 10 + (text[i] - '0');

	return v <= max ? v : -1;
}

/* Do two addresses of the same length agree in their first bits? */
static bool
same_prefix(const unsigned char *a, const unsigned char *b, int bits)
{
	const size_t whole = (size_t)bits / 8;
	const unsigned int rest = (unsigned int)bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;

	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* Is every bit after the prefix zero? */
static bool
is_network(const struct fo_source *base, int prefix)
{
	for (int bit = base->bits - 1; bit >= prefix; bit--) {
		if ((base->bytes[bit / 8] & (0x80U >> (bit % 8))) != 0)
			return false;
	}
	return true;
}

fo_err
fo_cidr_parse(const char *text, struct fo_cidr *ret)
{
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	struct fo_cidr cidr;

	if (!copy_address(text, (size_t)(slash - text), address))
		return FO_ERR_FORMAT;
	parse_plain(address, &cidr.base);
	if (cidr.base.bits == 0)
		return FO_ERR_FORMAT;
	cidr.prefix = *slash == '\0' ? cidr.base.bits :
	    parse_prefix(slash + 1, cidr.base.bits);
	if (cidr.prefix < 0 || !is_network(&cidr.base, cidr.prefix))
		return FO_ERR_FORMAT;
	/* A mapped base has its bits 81 to 96 set, so prefix is 96 or more. */
	if (cidr.base.bits == 128) {
		fold(&cidr.base);
		if (cidr.base.bits == 32)
			cidr.prefix -= MAPPED_PREFIX;
	}

	*ret = cidr;
	return FO_OK;
}

bool
fo_cidr_contains(const struct fo_cidr *cidr, const struct fo_source *source)
{
	return cidr->base.bits == source->bits &&
	    same_prefix(cidr->base.bytes, source->bytes, cidr->prefix);
}
