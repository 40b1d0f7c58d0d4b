/*
 * Addresses and blocks of addresses.
 */
#include <string.h>

#include <criterion/criterion.h>

#include "host/source.h"

Test(source, reads_addresses_and_leaves_anything_else_unknown)
{
	static const struct {
		const char *text;
		int bits;
	} cases[] = {
		{ "10.2.3.4", 32 }, { "fd00::1", 128 }, { "::", 128 },
		{ "[fd00::1]", 128 }, { "fe80::1%eth0", 128 },
		{ "[fe80::1%eth0]", 128 }, { "::ffff:10.2.3.4", 32 },
		{ "::ffff:a02:304", 32 }, { "::10.2.3.4", 128 },
		{ "", 0 }, { "web-1", 0 }, { "localhost", 0 }, { "10.1", 0 },
		{ "0x7f.0.0.1", 0 }, { "010.0.0.1", 0 }, { "10.2.3.4 ", 0 },
		{ " 10.2.3.4", 0 }, { "10.2.3.4%eth0", 0 },
		{ "[10.2.3.4]", 0 }, { "[", 0 }, { "[]", 0 }, { "[::1", 0 },
		{ "::1]", 0 }, { "::1%", 0 }, { "%eth0", 0 },
		{ "[::1]:22", 0 }, { "10.2.3.4:22", 0 }, { "10.0.0.0/8", 0 },
		{ "10.2.3.4.example.com", 0 },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
		    0 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 128 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555", 0 },
	};
	struct fo_source source = { .bits = 32 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fo_source_parse(cases[i].text, &source);
		cr_expect_eq(source.bits, cases[i].bits, "'%s'",
		    cases[i].text);
	}
	source.bits = 32;
	fo_source_parse(NULL, &source);
	cr_expect_eq(source.bits, 0);
}

Test(source, a_block_contains_its_addresses_and_no_others)
{
	static const struct {
		const char *block;
		const char *address;
		bool want;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.2.3.4", "10.2.3.4", true },
		{ "10.2.3.4", "10.2.3.5", false },
		{ "10.2.3.4/32", "10.2.3.4", true },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "10.2.3.128/25", "10.2.3.128", true },
		{ "10.2.3.128/25", "10.2.3.127", false },
		{ "10.2.3.4/31", "10.2.3.5", true },
		{ "fd00::/8", "fdff::1", true },
		{ "fd00::/8", "fe00::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::", true },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		/* IPv4-mapped on either side is IPv4 */
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "::ffff:10.0.0.0/104", "11.1.2.3", false },
		{ "::ffff:0:0/96", "11.1.2.3", true },
		/* the two families never meet otherwise */
		{ "::/0", "10.1.2.3", false },
		{ "0.0.0.0/0", "fd00::1", false },
		{ "::/0", "fd00::1", true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_source source;
		struct fo_cidr cidr;

		cr_assert_eq(fo_cidr_parse(cases[i].block, &cidr), FO_OK,
		    "%s", cases[i].block);
		fo_source_parse(cases[i].address, &source);
		cr_assert_neq(source.bits, 0);
		cr_expect_eq(fo_cidr_contains(&cidr, &source), cases[i].want,
		    "%s %s", cases[i].block, cases[i].address);
	}
}

Test(source, refuses_blocks_that_are_not_exactly_a_network)
{
	static const char *const bad[] = {
		"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/08", "10.0.0.0/ 8", "10.0.0.0/8 ", "10.0.0.0/8/8",
		"10.0.0.0/1000", "0.0.0.0/", "::/",
		"10.2.3.128/24", "10.128.0.0/8", "8000::/0",
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555/128",
		"10.0.0/8", "10.1.0.0/8", "10.2.3.4/31x",
		"10.2.3.5/31", "fd00::1/8", "fd00::/129", "[fd00::]/8",
		"fe80::%eth0/64", "::ffff:10.0.0.0/95", "::ffff:10.0.0.0/8",
		"web-1", "*",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fo_cidr cidr = { .prefix = 42 };

		cr_expect_eq(fo_cidr_parse(bad[i], &cidr), FO_ERR_FORMAT,
		    "%s", bad[i]);
		cr_expect_eq(cidr.prefix, 42, "%s", bad[i]);
	}
}
