/**
 * A first-class cryptographic identity for an agent.
 *
 *     import { Identity } from 'firstops';
 *
 *     const me = await Identity.load();
 *     const proof = await me.proof('GET', 'https://api.example.com/builds');
 *
 * A proof is for one request: it is fresh, bound to the method and the
 * target, and used once (RFC 9449). Each failure is a FirstOpsError whose
 * `why` is the word that an auditor reads. Nothing is printed.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/* The TPM's own libraries print what we throw, unless the environment says. */
process.env.TSS2_LOG ??= 'all+NONE';

/*
 * Node has an OpenSSL of its own, whose functions stand before those of the
 * system's libcrypto: libfirstops takes the latter, which it was built for.
 */
const addon = { exports: {} };
process.dlopen(
  addon, fileURLToPath(new URL('./firstops.node', import.meta.url)),
  constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_DEEPBIND);
const native = addon.exports;

export const HTM_PAM = 'PAM';

/** Something that libfirstops would not or could not do. */
export class FirstOpsError extends Error {
  constructor(message, why) {
    super(message);
    this.name = new.target.name;
    this.why = why;
  }
}

export class ArgumentError extends FirstOpsError {}
export class OutOfMemoryError extends FirstOpsError {}
export class CryptoError extends FirstOpsError {}
export class ReadError extends FirstOpsError {}
export class FormatError extends FirstOpsError {}
export class NotFoundError extends FirstOpsError {}
export class TooLongError extends FirstOpsError {}
export class BadKeyError extends FirstOpsError {}
export class WrongTargetError extends FirstOpsError {}
export class LockedError extends FirstOpsError {}
export class RefusedError extends FirstOpsError {}

const BY_WHY = new Map([
  ['arg', ArgumentError],
  ['nomem', OutOfMemoryError],
  ['crypto', CryptoError],
  ['io', ReadError],
  ['format', FormatError],
  ['not_found', NotFoundError],
  ['too_long', TooLongError],
  ['bad_key', BadKeyError],
  ['wrong_htu', WrongTargetError],
  ['locked', LockedError],
  ['refused', RefusedError],
]);

/** What the library said, as an error of its kind. */
function typed(error) {
  if (error?.why === undefined) return error;
  const Kind = BY_WHY.get(error.why) ?? FirstOpsError;
  return new Kind(error.message, error.why);
}

function call(name, ...args) {
  try {
    return native[name](...args);
  } catch (error) {
    throw typed(error);
  }
}

async function work(name, ...args) {
  try {
    return await native[name](...args);
  } catch (error) {
    throw typed(error);
  }
}

/** A passphrase may be a text, or a function that says it. */
async function passphraseOf(passphrase) {
  return typeof passphrase === 'function' ? passphrase() : passphrase;
}

/** The version of libfirstops, "MAJOR.MINOR.PATCH". */
export function libraryVersion() {
  return call('version');
}

/** The target of a PAM service: pam://HOST/SERVICE/ACCOUNT. */
export function pamTarget(host, service, account) {
  return call('targetFormat', host, service, account);
}

/** A private ES256 key (EC P-256). */
export class Identity {
  #key;

  constructor(key) {
    this.#key = key;
  }

  /**
   * The key in a PEM file. Without one it is found as every client of
   * FirstOps finds it: FO_PRIVATE_KEY_PATH, else the signer's (fo signer),
   * else ~/.config/firstops/key.pem.
   */
  static async load(uri, { passphrase } = {}) {
    const path = uri instanceof URL ? fileURLToPath(uri) : uri;
    return new Identity(
      await work('keyLoad', path, await passphraseOf(passphrase)));
  }

  /** The key in a PEM text: SEC1 or PKCS#8, encrypted or not. */
  static async fromPem(pem, { passphrase } = {}) {
    return new Identity(
      await work('keyFromPem', String(pem), await passphraseOf(passphrase)));
  }

  /** A new key. Register its jwk: fo agent create NAME --jwk FILE. */
  static async generate() {
    return new Identity(await work('keyGenerate'));
  }

  /** The RFC 7638 thumbprint of the public key: 43 characters. */
  get thumbprint() {
    return call('keyThumbprint', this.#key);
  }

  /** The public key as a JWK (RFC 7517). */
  get jwk() {
    return JSON.parse(call('keyJwk', this.#key));
  }

  /** The private key as PKCS#8 PEM, unencrypted: for a file of mode 0600. */
  toPem() {
    return call('keyToPem', this.#key);
  }

  /** A fresh proof for one request (RFC 9449 4.2). */
  async proof(method, url, { nonce, accessToken, maxBytes = 0,
                             issuedAt = Math.floor(Date.now() / 1000) } = {}) {
    return work('proofSign', this.#key, method, String(url), nonce,
                accessToken, issuedAt, maxBytes);
  }

  /** A fresh proof for one login by way of PAM: for a password. */
  async pamProof(host, service, account, { nonce } = {}) {
    return this.proof(HTM_PAM, pamTarget(host, service, account), { nonce });
  }

  /**
   * The answer to a prompt that carries a challenge for this target, and for
   * no other: whoever asks for another may be in the middle.
   */
  async answer(prompt, target) {
    const nonce = call('challengeNonce', prompt, target);
    return this.proof(HTM_PAM, target, { nonce });
  }
}

/** Was a request refused only for want of a nonce? (RFC 9449 8 and 9) */
async function asksForNonce(response) {
  if (response.status === 401)
    return (response.headers.get('www-authenticate') ?? '')
      .includes('use_dpop_nonce');
  return response.status === 400 &&
    (await response.clone().text()).includes('use_dpop_nonce');
}

/**
 * fetch, with a proof for each request. A nonce that a server asks for is
 * remembered, and answered once. Redirects are followed by hand, each with
 * a proof of its own, and not to another server: its answer is the caller's.
 */
export function dpopFetch(identity, { accessToken,
                                      fetch: send = globalThis.fetch } = {}) {
  const nonces = new Map();

  async function once(request) {
    const { origin } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.set('DPoP', await identity.proof(request.method, request.url, {
      nonce: nonces.get(origin), accessToken }));
    if (accessToken !== undefined)
      headers.set('Authorization', `DPoP ${accessToken}`);
    const response = await send(new Request(request.clone(), {
      headers, redirect: 'manual' }));
    const nonce = response.headers.get('dpop-nonce');
    const isNew = nonce !== null && nonces.get(origin) !== nonce;
    if (isNew) nonces.set(origin, nonce);
    return { response, isNew };
  }

  async function signed(request) {
    const { response, isNew } = await once(request);
    if (!isNew || !await asksForNonce(response)) return response;
    await response.body?.cancel();
    return (await once(request)).response;
  }

  return async function fetchWithProof(input, init) {
    let request = new Request(input, init);
    for (let hops = 0; ; hops++) {
      const response = await signed(request);
      const next = redirected(request, response);
      if (next === null || hops === REDIRECTS_MAX) return response;
      await response.body?.cancel();
      request = next;
    }
  };
}

const REDIRECTS_MAX = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The request that a redirect asks for; null: none, or not with a proof. */
function redirected(request, response) {
  const location = response.headers.get('location');
  if (request.redirect !== 'follow' || !REDIRECTS.has(response.status) ||
      location === null)
    return null;
  const url = new URL(location, request.url);
  if (url.origin !== new URL(request.url).origin) return null;
  const asGet = response.status === 303 ? request.method !== 'HEAD' :
    [301, 302].includes(response.status) && request.method === 'POST';
  if (!asGet) return new Request(url, request.clone());
  const headers = new Headers(request.headers);
  for (const name of ['content-type', 'content-length', 'content-encoding',
                      'content-language', 'content-location'])
    headers.delete(name);
  return new Request(url, { method: 'GET', headers,
                            signal: request.signal });
}

/**
 * What pg takes for a password: it is called for each connection, and signs
 * then.
 *
 *     new pg.Pool({ host, user, password: pgPassword(me, host, user) })
 */
export function pgPassword(identity, host, user,
                           { service = 'postgresql' } = {}) {
  return () => identity.pamProof(host, service, user);
}

const DECISIONS = new Set(['allow', 'ask', 'deny']);

/** Run fo, found on PATH, without a shell; how it ended and what it said. */
function runFo(words, input, timeoutMs) {
  return new Promise((done, failed) => {
    const child = spawn('fo', words, {
      timeout: timeoutMs, killSignal: 'SIGKILL',
      stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { stdout: [], stderr: [] };
    for (const name of ['stdout', 'stderr'])
      child[name].on('data', (data) => said[name].push(data));
    child.on('error', (error) => failed(error.code === 'ENOENT' ?
      new NotFoundError("fo is not on PATH; install FirstOps' tools",
                        'not_found') :
      new ReadError(`fo: ${error.message}`, 'io')));
    child.on('close', (code, signal) => done({
      code, signal, stdout: Buffer.concat(said.stdout).toString(),
      stderr: Buffer.concat(said.stderr).toString() }));
    child.stdin.on('error', () => {}); // it ended before it read: seen above
    child.stdin.end(input);
  });
}

/** An answer of fo check, if it is one. */
function readDecision({ code, signal, stdout, stderr }, timeoutMs) {
  if (signal === 'SIGKILL')
    throw new ReadError(`fo check gave no answer within ${timeoutMs} ms`,
                        'io');
  let said;
  try {
    said = JSON.parse(stdout);
  } catch {
    said = null;
  }
  if (typeof said?.why !== 'string')
    throw new FirstOpsError(`fo check ended with ${code ?? signal} and no ` +
                            `answer: ${stderr.trim()}`, 'internal');
  const { decision, why, policy = null, rule = null, error } = said;
  if (![0, 1].includes(code) || !DECISIONS.has(decision) ||
      (code === 0) !== (decision === 'allow'))
    throw typed(Object.assign(
      new Error(error ?? `fo check ended with ${code}`),
      { why: why === 'ok' ? 'internal' : why }));
  return Object.freeze({ decision, why, policy, rule,
                         allowed: decision === 'allow',
                         reason: error ?? `rule ${policy}/${rule} allows it` });
}

/**
 * Ask whether whoever's key signs here may do something: fo check, as a hook
 * of a coding agent does. A no is an answer; what kept it from being decided
 * is thrown.
 */
export async function check(channel, what, { cwd, method, config,
                                             timeoutMs = 10000 } = {}) {
  const text = String(what instanceof URL && channel === 'file' ?
    fileURLToPath(what) : what);
  const words = ['check', '--json', '--asks', '--channel', String(channel),
                 '--what', '-'];
  for (const [option, value] of Object.entries({ cwd, method, config }))
    if (value !== undefined) words.push(`--${option}`, String(value));
  const input = Buffer.from(text);
  if (input.toString() !== text || [text, ...words].join().includes('\0'))
    throw new ArgumentError('an argument has a NUL, or half a character, in ' +
                            'it', 'arg');
  return readDecision(await runFo(words, input, timeoutMs), timeoutMs);
}
