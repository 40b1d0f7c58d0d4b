/** The method of every proof for a PAM service. */
export const HTM_PAM: 'PAM';

/** Something that libfirstops would not or could not do. */
export class FirstOpsError extends Error {
  constructor(message: string, why: string);
  /** The word of the result, as the audit log has it: "bad_key", ... */
  readonly why: string;
}
/** An argument that cannot be used. */
export class ArgumentError extends FirstOpsError {}
/** There was not memory enough. */
export class OutOfMemoryError extends FirstOpsError {}
/** libcrypto failed: this says nothing about a key or a proof. */
export class CryptoError extends FirstOpsError {}
/** Reading, writing or randomness failed. */
export class ReadError extends FirstOpsError {}
/** No key, a damaged one, or a wrong passphrase. */
export class FormatError extends FirstOpsError {}
/** What was named does not exist. */
export class NotFoundError extends FirstOpsError {}
/** A proof that would not arrive whole. */
export class TooLongError extends FirstOpsError {}
/** A key, but not one of EC P-256. */
export class BadKeyError extends FirstOpsError {}
/** A prompt that asks for a proof for another target than is meant. */
export class WrongTargetError extends FirstOpsError {}
/** The signer is locked: fo signer unlock. */
export class LockedError extends FirstOpsError {}
/** The signer does not sign this: another target, or the person said no. */
export class RefusedError extends FirstOpsError {}

/** The version of libfirstops, "MAJOR.MINOR.PATCH". */
export function libraryVersion(): string;

/**
 * The target of a PAM service: pam://HOST/SERVICE/ACCOUNT.
 *
 * @param host what the machine's firstops.yaml calls itself, or an alias
 * @param service sshd, sudo, postgresql, ...
 * @param account whom to log in as
 */
export function pamTarget(host: string, service: string,
                          account: string): string;

export type Passphrase = string | (() => string | Promise<string>);

export interface Jwk {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
}

export interface ProofOptions {
  /** What the server asked for last, if it did. */
  nonce?: string;
  /** What goes along: the claim ath. */
  accessToken?: string;
  /** What arrives whole; 0: 511 for pam:, otherwise 4096. */
  maxBytes?: number;
  /** Seconds since 1970; now. */
  issuedAt?: number;
}

/** A private ES256 key (EC P-256). */
export class Identity {
  private constructor(key: unknown);
  static load(uri?: string | URL,
              options?: { passphrase?: Passphrase }): Promise<Identity>;
  static fromPem(pem: string | Buffer,
                 options?: { passphrase?: Passphrase }): Promise<Identity>;
  static generate(): Promise<Identity>;
  /** The RFC 7638 thumbprint of the public key: 43 characters. */
  readonly thumbprint: string;
  /** The public key as a JWK (RFC 7517). */
  readonly jwk: Jwk;
  /** The private key as PKCS#8 PEM, unencrypted. */
  toPem(): string;
  /** A fresh proof for one request (RFC 9449 4.2). */
  proof(method: string, url: string | URL,
        options?: ProofOptions): Promise<string>;
  /** A fresh proof for one login by way of PAM: for a password. */
  pamProof(host: string, service: string, account: string,
           options?: { nonce?: string }): Promise<string>;
  /** The answer to a prompt with a challenge for this target. */
  answer(prompt: string, target: string): Promise<string>;
}

/** fetch, with a proof for each request. */
export function dpopFetch(identity: Identity, options?: {
  accessToken?: string;
  fetch?: typeof fetch;
}): typeof fetch;

/** What pg takes for a password: a proof for each connection. */
export function pgPassword(identity: Identity, host: string, user: string,
                           options?: { service?: string }
                           ): () => Promise<string>;

/** What the policies say to an action. */
export interface Decision {
  /** ask: a person is to be asked first; go on only if they say yes. */
  readonly decision: 'allow' | 'ask' | 'deny';
  /** Is it allow? */
  readonly allowed: boolean;
  /** The word of the event: "ok", "ask", "policy", "suspended", ... */
  readonly why: string;
  /** Those that decided; null: none did. */
  readonly policy: string | null;
  readonly rule: string | null;
  /** The same for people. */
  readonly reason: string;
}

export interface CheckOptions {
  /** Where a command runs, or what a path is relative to. */
  cwd?: string;
  /** Of a request; GET. */
  method?: string;
  /** Another firstops.yaml than /etc/firstops/firstops.yaml. */
  config?: string;
  /** 10000; a person who has to confirm with the signer needs some. */
  timeoutMs?: number;
}

/**
 * Ask whether whoever's key signs here may do something: fo check.
 *
 * @param channel command (a text for a shell), file, tool or http
 * @param what the command, path, name or URL
 * @throws FirstOpsError for what kept it from being decided: do not go on
 */
export function check(channel: 'command' | 'file' | 'tool' | 'http',
                      what: string | URL,
                      options?: CheckOptions): Promise<Decision>;
