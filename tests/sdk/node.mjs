/*
 * The package for Node: its proofs hold before another verifier, its fetch
 * signs each request and answers nonces, and what goes wrong is an error with
 * the word of the audit log. Prints TAP; tests/sdk/test_node.py runs it.
 *
 *   node node.mjs PACKAGE KEY ENCRYPTED-KEY PASSPHRASE MODULES CONFIG
 *
 * CONFIG is of a store in which KEY is an agent's, with the policy of
 * test_node.py, and fo is on PATH.
 */
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [folder, keyPath, lockedPath, passphrase, modules, config] =
  process.argv.slice(2);
const firstops = await import(`${folder}/index.js`);
const jose = createRequire(`${modules}/`)('jose');
const { Identity, dpopFetch } = firstops;

const NONCE = 'eyJ7S_zG.eyJH0-Z.HX4w-7v';
const TOKEN = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
const URL_ = 'https://api.example.com/builds';

/** By a verifier of somebody else's; the claims. */
async function check(proof, me, method, url, { nonce, token } = {}) {
  const { payload, protectedHeader } = await jose.compactVerify(
    proof, jose.EmbeddedJWK, { algorithms: ['ES256'] });
  const claims = JSON.parse(new TextDecoder().decode(payload));
  assert.equal(protectedHeader.typ, 'dpop+jwt');
  assert.equal(await jose.calculateJwkThumbprint(protectedHeader.jwk),
               me.thumbprint);
  assert.equal(claims.htm, method);
  assert.equal(claims.htu, String(url));
  assert.equal(claims.nonce, nonce);
  assert.equal(claims.ath, token && crypto.createHash('sha256')
    .update(token).digest('base64url'));
  assert.ok(Math.abs(claims.iat - Date.now() / 1000) < 30);
  return claims;
}

async function raises(Kind, why, does) {
  try {
    await does();
  } catch (error) {
    assert.equal(error.constructor, Kind, error.stack);
    assert.ok(error instanceof firstops.FirstOpsError);
    assert.equal(error.why, why);
    return error.message;
  }
  return assert.fail(`${Kind.name} was not raised`);
}

/** A server that notes what came, and answers by the path. */
async function withServer(does, nonce) {
  const seen = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    const proof = request.headers.dpop;
    seen.push({ method: request.method, path: request.url, proof, body,
                token: request.headers.authorization });
    const claims = proof ? jose.decodeJwt(proof) : {};
    if (nonce) response.setHeader('DPoP-Nonce', nonce);
    const { pathname } = new URL(request.url, 'http://h');
    const refused = claims.nonce !== nonce;
    if (pathname === '/nonce' && refused) {
      response.writeHead(401, {
        'WWW-Authenticate': 'DPoP error="use_dpop_nonce"' });
      response.end();
    } else if (pathname === '/token' && refused) {
      response.writeHead(400);
      response.end('{"error":"use_dpop_nonce"}');
    } else if (pathname === '/never') {
      response.writeHead(401, {
        'DPoP-Nonce': `n${seen.length}`,
        'WWW-Authenticate': 'DPoP error="use_dpop_nonce"' });
      response.end();
    } else if (pathname === '/moved' || pathname === '/see') {
      response.writeHead(pathname === '/see' ? 303 : 307,
                         { Location: '/ok' });
      response.end();
    } else if (pathname === '/away') {
      response.writeHead(302, { Location: 'http://localhost:9/ok' });
      response.end();
    } else {
      response.end('fine');
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const url = (path) => `http://127.0.0.1:${server.address().port}${path}`;
  try {
    await does(url, seen);
  } finally {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
}

const scratch = fs.mkdtempSync(`${os.tmpdir()}/firstops-node-`);
process.on('exit', () => fs.rmSync(scratch, { recursive: true }));

async function withEnvironment(more, does) {
  const before = { ...process.env };
  Object.assign(process.env, more);
  try {
    await does();
  } finally {
    Object.assign(process.env, before);
  }
}

/** Another fo stands before the real one. */
async function withFo(text, does) {
  fs.writeFileSync(`${scratch}/fo`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await withEnvironment({ PATH: `${scratch}:/usr/bin:/bin` }, does);
  fs.rmSync(`${scratch}/fo`);
}

const tests = {
  async 'a proof holds before another verifier'() {
    const me = await Identity.generate();
    await check(await me.proof('POST', `${URL_}?page=2#top`), me, 'POST',
                URL_);
    await check(await me.proof('GET', new URL(URL_),
                               { nonce: NONCE, accessToken: TOKEN }),
                me, 'GET', URL_, { nonce: NONCE, token: TOKEN });
    const old = await me.proof('GET', URL_, { issuedAt: 1700000000 });
    assert.equal(jose.decodeJwt(old).iat, 1700000000);
  },

  async 'many proofs are signed at once and no two are the same'() {
    const me = await Identity.generate();
    const made = await Promise.all(
      Array.from({ length: 200 }, () => me.proof('GET', URL_)));
    assert.equal(new Set(made.map((p) => jose.decodeJwt(p).jti)).size, 200);
  },

  async 'a key is the one that fo made'() {
    const pem = fs.readFileSync(keyPath, 'utf8');
    for (const me of [await Identity.load(keyPath),
                      await Identity.load(pathToFileURL(keyPath)),
                      await Identity.load(),
                      await Identity.fromPem(pem),
                      await Identity.fromPem(Buffer.from(pem))]) {
      assert.equal(me.toPem(), pem);
      assert.equal(await jose.calculateJwkThumbprint(me.jwk),
                   me.thumbprint);
      assert.ok(!JSON.stringify(me).includes('PRIVATE'));
    }
  },

  async 'an encrypted key asks for its passphrase'() {
    const want = (await Identity.load(keyPath)).thumbprint;
    for (const said of [passphrase, () => passphrase,
                        async () => passphrase])
      assert.equal((await Identity.load(lockedPath, { passphrase: said }))
        .thumbprint, want);
    for (const said of [undefined, 'wrong', 'x'.repeat(100000)]) {
      const text = await raises(firstops.FormatError, 'format', () =>
        Identity.load(lockedPath, { passphrase: said }));
      assert.ok(text.includes(lockedPath) && !text.includes(passphrase));
    }
  },

  async 'a proof for PAM has its target and fits'() {
    const me = await Identity.generate();
    const target = firstops.pamTarget('bastion', 'sshd', 'de ploy/x');
    assert.equal(target, 'pam://bastion/sshd/de%20ploy%2Fx');
    const proof = await me.pamProof('bastion', 'sshd', 'de ploy/x',
                                    { nonce: NONCE });
    await check(proof, me, 'PAM', target, { nonce: NONCE });
    assert.ok(proof.length <= 511);
    await check(await firstops.pgPassword(me, 'db', 'etl')(), me, 'PAM',
                'pam://db/postgresql/etl');
  },

  async 'a challenge is answered for its target alone'() {
    const me = await Identity.generate();
    const target = firstops.pamTarget('bastion', 'sshd', 'deploy');
    const prompt = `[FirstOps DPoP htu=${target} nonce=${NONCE}] ` +
      'Password or proof: ';
    await check(await me.answer(prompt, target), me, 'PAM', target,
                { nonce: NONCE });
    await raises(firstops.WrongTargetError, 'wrong_htu', () =>
      me.answer(prompt, firstops.pamTarget('bastion', 'sshd', 'root')));
    await raises(firstops.NotFoundError, 'not_found', () =>
      me.answer('Password: ', target));
  },

  async 'each failure is an error with its word'() {
    const me = await Identity.generate();
    const text = await raises(firstops.NotFoundError, 'not_found', () =>
      Identity.load('/none.pem'));
    assert.ok(text.includes('/none.pem'), text);
    await raises(firstops.FormatError, 'format', () =>
      Identity.fromPem('no key'));
    const other = crypto.generateKeyPairSync('ec', { namedCurve: 'P-384' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' });
    await raises(firstops.BadKeyError, 'bad_key', () =>
      Identity.fromPem(other));
    for (const words of [['', URL_], ['GET', 'https://h/\0'],
                         ['GET', URL_, { maxBytes: -1 }],
                         ['GET', URL_, { nonce: 7 }]])
      await raises(firstops.ArgumentError, 'arg', () => me.proof(...words));
    await raises(firstops.ArgumentError, 'arg', async () =>
      firstops.pamTarget('h', '..', 'u'));
    await raises(firstops.ArgumentError, 'arg', async () =>
      new Identity(undefined).thumbprint);
    await raises(firstops.ArgumentError, 'arg', () =>
      new Identity({}).proof('GET', URL_));
  },

  async 'a proof that would not arrive whole is not made'() {
    const me = await Identity.generate();
    const text = await raises(firstops.TooLongError, 'too_long', () =>
      me.pamProof('a-host.with.a-long.name'.repeat(4), 'postgresql',
                  'u'.repeat(60)));
    assert.ok(text.includes('511'), text);
  },

  async 'each request is signed anew and a token goes along'() {
    const me = await Identity.generate();
    await withServer(async (url, seen) => {
      const fetch = dpopFetch(me, { accessToken: TOKEN });
      for (const method of ['GET', 'POST', 'GET'])
        assert.equal((await fetch(url('/ok?a=b'), { method })).status, 200);
      for (const { method, proof, token } of seen) {
        await check(proof, me, method, url('/ok'), { token: TOKEN });
        assert.equal(token, `DPoP ${TOKEN}`);
      }
      assert.equal(new Set(seen.map((s) => s.proof)).size, 3);
    });
  },

  async 'a nonce that is asked for is answered and remembered'() {
    const me = await Identity.generate();
    for (const path of ['/nonce', '/token'])
      await withServer(async (url, seen) => {
        const fetch = dpopFetch(me);
        for (const body of ['one', 'two'])
          assert.equal((await fetch(url(path), { method: 'POST', body }))
            .status, 200);
        assert.deepEqual(
          seen.map((s) => [jose.decodeJwt(s.proof).nonce, s.body]),
          [[undefined, 'one'], [NONCE, 'one'], [NONCE, 'two']]);
      }, NONCE);
  },

  async 'a nonce is answered once and then it is the callers'() {
    const me = await Identity.generate();
    await withServer(async (url, seen) => {
      assert.equal((await dpopFetch(me)(url('/never'))).status, 401);
      assert.equal(seen.length, 2);
    });
  },

  async 'a redirect is signed for where it leads'() {
    const me = await Identity.generate();
    for (const [path, then, body] of [['/moved', 'POST', 'text'],
                                      ['/see', 'GET', '']])
      await withServer(async (url, seen) => {
        const done = await dpopFetch(me)(url(path), {
          method: 'POST', body: 'text' });
        assert.equal(await done.text(), 'fine');
        assert.deepEqual(seen.map((s) => [s.method, s.path, s.body]),
                         [['POST', path, 'text'], [then, '/ok', body]]);
        await check(seen[1].proof, me, then, url('/ok'));
      });
  },

  async 'another server is the callers to follow'() {
    const me = await Identity.generate();
    await withServer(async (url, seen) => {
      const done = await dpopFetch(me)(url('/away'));
      assert.equal(done.status, 302);
      assert.equal(seen.length, 1);
      const manual = await dpopFetch(me)(url('/moved'),
                                         { redirect: 'manual' });
      assert.equal(manual.status, 307);
    });
  },

  async 'keys and jobs leave no memory behind'() {
    const rounds = async (count) => {
      for (let i = 0; i < count * 50; i++) {
        const me = await Identity.fromPem(fs.readFileSync(keyPath));
        await me.proof('GET', URL_);
        if (i % 10 === 9) {
          globalThis.gc();
          await new Promise((done) => setImmediate(done));
        }
      }
      return process.memoryUsage().rss;
    };
    const before = await rounds(4);
    const grown = await rounds(8) - before;
    // 400 keys that stay would be some 40 MiB
    assert.ok(grown < 12 << 20, `${grown} bytes more`);
  },

  async 'the policies are asked and answer'() {
    for (const [channel, what, more, want] of [
      ['command', 'ls -l', {}, ['allow', 'ok', 'agents', 'run']],
      ['command', 'rm -rf /', {}, ['deny', 'policy', 'agents', 'never']],
      ['file', '.env', { cwd: '/srv' }, ['ask', 'ask', 'agents', 'first-ask']],
      ['file', new URL('file:///srv/.env'), {},
       ['ask', 'ask', 'agents', 'first-ask']],
      ['tool', 'any', {}, ['deny', 'policy', null, null]],
      ['http', 'https://h/', {}, ['deny', 'policy', null, null]],
      ['http', new URL('https://h/'), { method: 'POST' },
       ['allow', 'ok', 'agents', 'post']]]) {
      const said = await firstops.check(channel, what, { config, ...more });
      assert.deepEqual([said.decision, said.why, said.policy, said.rule],
                       want);
      assert.equal(said.allowed, want[0] === 'allow');
      assert.ok(want[3] === null || said.reason.includes(want[3]));
      assert.ok(Object.isFrozen(said));
    }
  },

  async 'no shell and no list of processes sees what is asked'() {
    const mark = `${scratch}/mark`;
    for (const what of [`$(touch ${mark})`, `'; touch ${mark}; '`, '-',
                        '--help', 'two\nlines', `ü ${'x'.repeat(10000)}`])
      await firstops.check('command', what, { config });
    assert.ok(!fs.existsSync(mark));
    await withFo('printf "%s\\n" "$@" >"${0%/*}/args"; cat >"${0%/*}/in"',
                 async () => raises(
                   firstops.FirstOpsError, 'internal',
                   () => firstops.check('command', 'a secret', { config })));
    assert.equal(fs.readFileSync(`${scratch}/in`, 'utf8'), 'a secret');
    assert.deepEqual(
      fs.readFileSync(`${scratch}/args`, 'utf8').trim().split('\n'),
      ['check', '--json', '--asks', '--channel', 'command', '--what', '-',
       '--config', config]);
  },

  async 'what kept it from being decided is thrown'() {
    const ask = (channel, what, more) => () =>
      firstops.check(channel, what, { config, ...more });
    await raises(firstops.FirstOpsError, 'config',
                 ask('tool', 'x', { config: '/none/firstops.yaml' }));
    await raises(firstops.ArgumentError, 'arg', ask('login', 'x'));
    await raises(firstops.ArgumentError, 'arg', ask('file', 'relative'));
    for (const bad of ['a\0b', '\ud800']) {
      await raises(firstops.ArgumentError, 'arg', ask('command', bad));
    }
    await raises(firstops.ArgumentError, 'arg',
                 ask('command', 'ls', { cwd: '/a\0b' }));
    await withEnvironment({ FO_PRIVATE_KEY_PATH: '/none.pem' }, () =>
      raises(firstops.NotFoundError, 'not_found', ask('command', 'ls')));
    await withEnvironment({ PATH: '/none' }, () =>
      raises(firstops.NotFoundError, 'not_found', ask('command', 'ls')));
  },

  async 'an answer that is none is never a yes'() {
    const allow = '{"ok":true,"decision":"allow","why":"ok"}';
    for (const [text, Kind, why] of [
      ['exit 0', firstops.FirstOpsError, 'internal'],
      ['exit 1', firstops.FirstOpsError, 'internal'],
      ['exit 127', firstops.FirstOpsError, 'internal'],
      ['kill -15 $$', firstops.FirstOpsError, 'internal'],
      ['kill -9 $$', firstops.ReadError, 'io'],
      ['echo allow', firstops.FirstOpsError, 'internal'],
      ['echo null', firstops.FirstOpsError, 'internal'],
      ['echo "{\\"decision\\":\\"allow\\"}"', firstops.FirstOpsError,
       'internal'],
      [`echo '${allow}'; exit 1`, firstops.FirstOpsError, 'internal'],
      [`echo '${allow}'; exit 3`, firstops.FirstOpsError, 'internal'],
      [`echo '${allow}${allow}'`, firstops.FirstOpsError, 'internal'],
      [`echo '${allow.replace('allow', 'deny')}'`, firstops.FirstOpsError,
       'internal'],
      [`echo '{"decision":"deny","why":"store"}'; exit 3`,
       firstops.FirstOpsError, 'store']]) {
      await withFo(text, () =>
        raises(Kind, why, () => firstops.check('tool', 'x', { config })));
    }
  },

  async 'who does not answer in time is ended'() {
    await withFo('exec sleep 60', async () => {
      const said = await raises(
        firstops.ReadError, 'io',
        () => firstops.check('tool', 'x', { config, timeoutMs: 200 }));
      assert.ok(said.includes('within 200 ms'), said);
    });
  },

  async 'its version is the librarys'() {
    const { version } = JSON.parse(
      fs.readFileSync(`${folder}/package.json`, 'utf8'));
    assert.equal(version, firstops.libraryVersion());
  },

  async 'its types name what it exports'() {
    const types = fs.readFileSync(`${folder}/index.d.ts`, 'utf8');
    const named = [...types.matchAll(
      /^export (?:const|class|function) (\w+)/gm)].map((m) => m[1]);
    assert.deepEqual(named.sort(), Object.keys(firstops).sort());
  },
};

let count = 0;
let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  count++;
  try {
    await test();
    console.log(`ok ${count} - ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${count} - ${name}`);
    console.log(String(error.stack).replace(/^/gm, '# '));
  }
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
