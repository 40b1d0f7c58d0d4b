/*
 * Proofs that targets offer, right ones and wrong ones, signed with the key
 * of support/forge.h; nothing that happens in here is made to fail.
 */
#ifndef FO_FUZZ_SIGN_H
#define FO_FUZZ_SIGN_H

/* What the known good proof is for. */
#define SIGN_HTU "pam://bastion/sshd/deploy"
#define SIGN_NONCE "Q2hhbGxlbmdlMTIz"
#define SIGN_NOW INT64_C(1795458600)	/* 2026-11-23T18:30:00Z */
#define SIGN_CLAIMS \
	"{\"jti\":\"Zm9ydHktdHdvLWJ5\",\"htm\":\"PAM\",\"htu\":\"" SIGN_HTU \
	"\",\"iat\":1795458600,\"nonce\":\"" SIGN_NONCE "\"}"

/* header "." claims "." signature, the texts as they are. Free it. */
char *sign_texts(const char *header, const char *claims);

/* A proof made now, for a target; nonce NULL: without. Free it. */
char *sign_proof(const char *htu, const char *nonce);

#endif
