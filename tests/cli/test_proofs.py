#!/usr/bin/python3
"""fo key, fo proof and fo verify: making proofs and judging them."""

import base64
import hashlib
import json
import os
import subprocess
import time

import fo
import tap
import tpm

VECTORS = fo.TOP / "tests" / "vectors" / "rfc-proofs.json"
HTU = "pam://bastion/postgresql/etl"

# What the published rows call a reason, where our word is another one.
WORDS = {"expired": "stale", "missing_nonce": "no_nonce",
         "wrong_key": "unknown_key", "ath_missing": "no_ath",
         "ath_mismatch": "wrong_ath"}


def claims(proof):
    part = proof.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Keys(fo.Case):
    def test_generate_prints_a_key_that_thumbprint_reads(self):
        done = self.expect(0, "key", "generate")
        (self.dir / "k").write_text(done.stdout)
        jkt = self.ok("key", "thumbprint", "k").strip()
        self.assertRegex(jkt, r"^[\w-]{43}$")
        self.assertIn(jkt, done.stderr)
        self.assertEqual(self.ok("key", "thumbprint", "-",
                                 input=done.stdout).strip(), jkt)

    def test_generate_writes_for_the_owner_alone_and_never_over_a_file(self):
        jkt = self.ok("key", "generate", "--out", "k").strip()
        self.assertEqual((self.dir / "k").stat().st_mode & 0o777, 0o600)
        before = (self.dir / "k").read_bytes()
        self.refused(1, "k: exists already", "key", "generate", "--out", "k")
        self.assertEqual((self.dir / "k").read_bytes(), before)
        self.assertEqual(self.ok("key", "thumbprint", "k").strip(), jkt)
        self.refused(3, "nowhere/k", "key", "generate", "--out", "nowhere/k")

    def test_generate_json_has_the_thumbprint(self):
        made = self.json(0, "key", "generate", "--out", "k")
        self.assertEqual(made["file"], "k")
        self.assertEqual(made["thumbprint"],
                         self.json(0, "key", "thumbprint", "k")["thumbprint"])

    def test_the_public_half_is_what_an_admin_registers(self):
        self.store()
        jkt = self.ok("key", "generate", "--out", "k").strip()
        (self.dir / "k.jwk").write_text(self.ok("key", "jwk", "k"))
        self.assertEqual(self.ok("key", "thumbprint", "k.jwk").strip(), jkt)
        self.assertEqual(set(json.loads((self.dir / "k.jwk").read_text())),
                         {"crv", "kty", "x", "y"})
        made = self.json(0, "agent", "create", "bot", "--owner", "team",
                         "--jwk", "k.jwk", config=True)
        self.assertEqual(made["thumbprint"], jkt)

    def test_a_tpm_makes_a_key_that_signs_where_it_is(self):
        if tpm.missing():
            self.skipTest(f"needs {tpm.missing()}")
        with tpm.Tpm() as device:
            self.env.update(device.env)
            jkt = self.ok("key", "generate", "--tpm", "--out", "k").strip()
            text = (self.dir / "k").read_text()
            self.assertIn("-----BEGIN TSS2 PRIVATE KEY-----", text)
            self.assertEqual(self.ok("key", "thumbprint", "k").strip(), jkt)
            done = self.expect(0, "proof", "sign", "--key", "k", "--htu", HTU)
            self.assertEqual(done.stderr, "")
            self.expect(0, "proof", "verify", "--htu", HTU, "--htm", "PAM",
                        "--jkt", jkt, input=done.stdout)

    def test_without_the_tpm_its_key_is_told_and_nothing_else_is_printed(self):
        if tpm.missing():
            self.skipTest(f"needs {tpm.missing()}")
        with tpm.Tpm() as device:
            self.env.update(device.env)
            self.ok("key", "generate", "--tpm", "--out", "k")
        done = self.expect(3, "proof", "sign", "--key", "k", "--htu", HTU)
        self.assertRegex(done.stderr, r"^fo: k: no TPM answers: .*\n\Z")
        done = self.expect(3, "key", "generate", "--tpm", "--out", "other")
        self.assertRegex(done.stderr, r"^fo: .*no TPM answers: .*\n\Z")
        self.assertFalse((self.dir / "other").exists())

    def test_the_thumbprint_is_that_of_rfc_7638(self):
        self.ok("key", "generate", "--out", "k")
        head = self.sign(HTU, key="k").split(".")[0]
        jwk = json.loads(base64.urlsafe_b64decode(head + "=="))["jwk"]
        text = json.dumps({n: jwk[n] for n in ("crv", "kty", "x", "y")},
                          separators=(",", ":"))
        want = base64.urlsafe_b64encode(
            hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        self.assertEqual(self.ok("key", "thumbprint", "k").strip(), want)
        self.assertEqual(self.ok("key", "thumbprint", "-",
                                 input=json.dumps(jwk)).strip(), want)

    def test_what_is_no_key_of_ours_is_told(self):
        for text, word in ((fo.P384, "P-256"), (fo.ED25519, "nistp256"),
                           ("hello\n", "no key"), ("", "no key"),
                           ('{"kty":"EC"}', "crv"),
                           ("-----BEGIN PRIVATE KEY-----\nMIGH\n"
                            "-----END PRIVATE KEY-----\n", "input")):
            with self.subTest(text=text[:30]):
                done = self.refused(3, "standard input", "key", "thumbprint",
                                    "-", input=text)
                self.assertIn(word, done.stderr)

    def test_an_unreadable_key_is_told_with_its_path(self):
        self.refused(3, "nothing.pem", "proof", "sign", "--htu", HTU,
                     "--key", "nothing.pem")
        (self.dir / "folder.pem").mkdir()
        self.refused(3, "folder.pem", "proof", "sign", "--htu", HTU,
                     "--key", "folder.pem")
        self.refused(3, "FO_PRIVATE_KEY_PATH", "proof", "sign", "--htu", HTU)

    def test_a_key_that_may_not_be_read_is_told_with_its_path(self):
        if os.geteuid() == 0:
            tap.skip("root may read every file")
        self.ok("key", "generate", "--out", "k.pem")
        (self.dir / "k.pem").chmod(0)
        self.refused(3, "k.pem", "proof", "sign", "--htu", HTU, "--key",
                     "k.pem")

    def test_a_key_that_others_may_read_signs_nothing(self):
        self.ok("key", "generate", "--out", "k.pem")
        (self.dir / "k.pem").chmod(0o644)
        self.refused(3, "chmod 600 k.pem", "proof", "sign", "--htu", HTU,
                     "--key", "k.pem")

    def test_a_key_that_is_not_p256_signs_nothing(self):
        (self.dir / "p384.pem").write_text(fo.P384)
        (self.dir / "p384.pem").chmod(0o600)
        done = self.refused(3, "P-256", "proof", "sign", "--htu", HTU,
                            "--key", "p384.pem")
        self.assertEqual(done.stdout, "")
        self.assertIn("p384.pem", done.stderr)

    def test_the_key_is_found_by_option_then_environment_then_home(self):
        jkts = {}
        home = self.dir / "home" / ".config" / "firstops"
        home.mkdir(parents=True)
        for name in ("option", "environment", home / "key.pem"):
            jkts[str(name)] = self.ok("key", "generate", "--out",
                                      name).strip()
        env = {"FO_PRIVATE_KEY_PATH": str(self.dir / "environment")}
        check = ("proof", "verify", "--htm", "PAM", "--htu", HTU, "--json")

        def signer(*more, env=None):
            proof = self.ok("proof", "sign", "--htu", HTU, *more, env=env)
            return json.loads(self.ok(*check, input=proof))["jkt"]
        self.assertEqual(signer("--key", "option", env=env), jkts["option"])
        self.assertEqual(signer(env=env), jkts["environment"])
        self.assertEqual(signer(), jkts[str(home / "key.pem")])


class Sign(fo.Case):
    def setUp(self):
        super().setUp()
        self.ok("key", "generate", "--out", "build-bot.pem")

    def test_htm_is_pam_for_a_pam_target_and_asked_for_otherwise(self):
        self.assertEqual(claims(self.sign(HTU))["htm"], "PAM")
        self.assertEqual(claims(self.sign("https://x.example/a", "--htm",
                                          "GET"))["htm"], "GET")
        self.refused(2, "--htm is missing", "proof", "sign", "--htu",
                     "https://x.example/a")
        self.refused(2, "--htu is missing", "proof", "sign")

    def test_a_proof_says_what_was_asked_and_nothing_else(self):
        before = int(time.time())
        proof = claims(self.sign(HTU, "--nonce", fo.NONCE, "--allow-long",
                                 "--access-token", "token"))
        ath = base64.urlsafe_b64encode(
            hashlib.sha256(b"token").digest()).decode().rstrip("=")
        self.assertEqual(list(proof), ["jti", "htm", "htu", "iat", "nonce",
                                       "ath"])
        self.assertEqual((proof["htu"], proof["nonce"], proof["ath"]),
                         (HTU, fo.NONCE, ath))
        self.assertEqual(len(proof["jti"]), 16)
        self.assertLessEqual(before, proof["iat"])

    def test_proofs_with_nonce_and_61_bytes_of_htu_fit_511_bytes(self):
        longest = 0
        for length in range(20, 62):
            htu = "pam://bastion/sshd/".ljust(length, "u")
            proof = self.sign(htu, "--nonce", fo.NONCE)
            self.assertLessEqual(len(proof), 511, htu)
            longest = max(longest, len(proof))
        for length in (87, 88):
            proof = self.sign("pam://bastion/sshd/".ljust(length, "u"))
            self.assertLessEqual(len(proof), 511)
        self.assertGreater(longest, 500)

    def test_a_longer_one_is_refused_by_how_much_and_allowed_on_request(self):
        htu = "pam://bastion/sshd/".ljust(120, "u")
        args = ("proof", "sign", "--key", "build-bot.pem", "--htu", htu,
                "--nonce", fo.NONCE)
        done = self.refused(1, "--allow-long", *args)
        self.assertEqual(done.stdout, "")
        proof = self.ok(*args, "--allow-long").strip()
        self.assertGreater(len(proof), 511)
        self.assertIn(str(len(proof) - 511), done.stderr)

    def test_json_has_the_proof(self):
        made = self.json(0, "proof", "sign", "--key", "build-bot.pem",
                         "--htu", HTU)
        self.assertEqual(claims(made["proof"])["htu"], HTU)


class Verify(fo.Case):
    def setUp(self):
        super().setUp()
        self.jkt = self.ok("key", "generate", "--out",
                           "build-bot.pem").strip()

    def verdict(self, proof, *more, htm="PAM", htu=HTU):
        done = self.fo("proof", "verify", "--htm", htm, "--htu", htu,
                       "--json", *more, input=proof)
        answer = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if answer["ok"] else 1)
        return answer["why"]

    def test_each_check_has_its_word(self):
        now = int(time.time())
        proof = self.sign(HTU)
        nonced = self.sign(HTU, "--nonce", fo.NONCE)
        bound = self.sign(HTU, "--access-token", "token")
        part = proof.split(".")
        swapped = ".".join((part[0], part[1], nonced.split(".")[2]))
        for want, got in (
                ("ok", self.verdict(proof)),
                ("ok", self.verdict(proof + "\n", "--jkt", self.jkt)),
                ("unknown_key", self.verdict(proof, "--jkt", "A" * 43)),
                ("bad_signature", self.verdict(swapped)),
                ("wrong_htm", self.verdict(proof, htm="GET")),
                ("wrong_htu", self.verdict(proof, htu=HTU + "x")),
                ("stale", self.verdict(proof, "--at", now + 100)),
                ("ok", self.verdict(proof, "--at", now + 100, "--max-age",
                                    "200")),
                ("future", self.verdict(proof, "--at", now - 30)),
                ("ok", self.verdict(proof, "--at", now - 30, "--clock-skew",
                                    "45")),
                ("no_nonce", self.verdict(proof, "--nonce", fo.NONCE)),
                ("ok", self.verdict(nonced, "--nonce", fo.NONCE)),
                ("wrong_nonce", self.verdict(nonced, "--nonce", "other")),
                ("ok", self.verdict(nonced)),
                ("no_ath", self.verdict(proof, "--access-token", "token")),
                ("ok", self.verdict(bound, "--access-token", "token")),
                ("wrong_ath", self.verdict(bound, "--access-token", "x")),
                ("malformed", self.verdict("not a proof")),
                ("malformed", self.verdict(" " + proof)),
                ("malformed", self.verdict("x" * 100000))):
            self.assertEqual(got, want)

    def test_questions_that_cannot_be_asked_are_usage_errors(self):
        base = ("proof", "verify", "--htm", "PAM", "--htu", HTU)
        for text, args in (
                ("required", ("proof", "verify", "--htm", "PAM")),
                ("--max-age", (*base, "--max-age", "301")),
                ("--clock-skew", (*base, "--clock-skew", "61")),
                ("--at", (*base, "--at", "-1")),
                ("--at", (*base, "--at", "1e3")),
                ("jkt", (*base, "--jkt", "short")),
                ("no other option", (*base, "--batch")),
                ("given twice", (*base, "--htm", "GET"))):
            with self.subTest(args=args):
                self.refused(2, text, *args, input=self.sign(HTU))

    def test_a_batch_of_published_proofs_has_the_published_verdicts(self):
        rows = json.loads(VECTORS.read_text())
        names = ("proof", "htm", "htu", "at", "nonce", "access_token", "jkt")
        lines = [json.dumps({**{n: r[n] for n in names}, "max_age": 60,
                             "clock_skew": 15}) for r in rows]
        out = self.ok("proof", "verify", "--batch",
                      input="\n".join(lines) + "\n").splitlines()
        self.assertEqual(len(out), len(rows))
        self.assertGreater(len(rows), 10)
        for row, line in zip(rows, out):
            with self.subTest(id=row["id"]):
                answer = json.loads(line)
                self.assertEqual(answer["ok"], row["expect"] == "accept")
                self.assertEqual(answer["why"], WORDS.get(row["reason"],
                                                          row["reason"]))

    def test_a_bad_line_of_a_batch_is_answered_and_the_next_one_read(self):
        good = {"proof": self.sign(HTU), "htm": "PAM", "htu": HTU}
        bad = [
            ("not json", "object"),
            ("[]", "object"),
            ("", "object"),
            (json.dumps({**good, "nonse": "x"}), '"nonce"'),
            (json.dumps({**good, "at": "1"}), '"at"'),
            (json.dumps({**good, "at": 1.5}), '"at"'),
            (json.dumps({**good, "at": -1}), '"at"'),
            (json.dumps({**good, "max_age": 301}), "max_age"),
            (json.dumps({**good, "clock_skew": 61}), "clock_skew"),
            (json.dumps({**good, "jkt": "x"}), "jkt"),
            (json.dumps({**good, "htm": 5}), '"htm"'),
            (json.dumps({**good, "htu": "a\0b"}), "NUL"),
            ('{"proof":"x","htm":"GET"}', "required"),
            ('{"htm":"GET","htm":"PUT","htu":"x","proof":"x"}', "object"),
            (json.dumps({**good, "proof": "x" * 70000}), "object"),
        ]
        lines = []
        for line, _ in bad:
            lines += [line, json.dumps(good)]
        out = self.ok("proof", "verify", "--batch",
                      input="\n".join(lines)).splitlines()
        self.assertEqual(len(out), len(lines))
        for i, (line, word) in enumerate(bad):
            with self.subTest(line=line[:60]):
                answer = json.loads(out[2 * i])
                self.assertEqual((answer["ok"], answer["why"]),
                                 (False, "argument"))
                self.assertIn(word, answer["error"])
                self.assertEqual(json.loads(out[2 * i + 1]),
                                 {"ok": True, "why": "ok"})

    def test_a_batch_answers_each_line_before_the_next(self):
        line = json.dumps({"proof": "x", "htm": "GET", "htu": "x"}) + "\n"
        with subprocess.Popen([fo.FO, "proof", "verify", "--batch"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True, env=self.env) as child:
            for _ in range(3):
                child.stdin.write(line)
                child.stdin.flush()
                self.assertEqual(json.loads(child.stdout.readline()),
                                 {"ok": False, "why": "malformed"})
            child.stdin.close()
            self.assertEqual(child.wait(), 0)

    def test_standard_output_that_takes_nothing_is_trouble(self):
        line = json.dumps({"proof": "x", "htm": "GET", "htu": "x"})
        with open("/dev/full", "w") as full:
            for args, text in ((("proof", "verify", "--batch"), line),
                               (("help",), ""), (("key", "generate"), ""),
                               (("version", "--json"), "")):
                with self.subTest(args=args):
                    done = subprocess.run([fo.FO, *args], input=text,
                                          stdout=full, text=True,
                                          stderr=subprocess.PIPE,
                                          env=self.env)
                    self.assertEqual(done.returncode, 3)
                    self.assertIn("standard output", done.stderr)


class Decide(fo.Case):
    def setUp(self):
        super().setUp()
        self.store()
        self.made = self.agent()
        self.age_replay()

    def decide(self, code, proof, *more, service="postgresql",
               account="etl"):
        return self.json(code, "verify", "--service", service, "--account",
                         account, *more, input=proof, config=True)

    def test_a_good_proof_is_permitted_once(self):
        proof = self.sign(HTU)
        first = self.decide(0, proof)
        self.assertEqual((first["ok"], first["why"], first["res"]),
                         (True, "ok", "permit"))
        self.assertEqual((first["id"], first["name"], first["owner"]),
                         (self.made, "build-bot", "team-platform"))
        self.assertEqual(first["policy"], "logins")
        second = self.decide(1, proof)
        self.assertEqual((second["ok"], second["why"]), (False, "replay"))
        self.assertEqual([e["why"] for e in self.events()
                          if e["ev"] == "auth"], ["ok", "replay"])

    def test_a_dry_run_spends_nothing_and_writes_no_event(self):
        proof, events = self.sign(HTU), len(self.events())
        for _ in range(2):
            self.assertTrue(self.decide(0, proof, "--dry-run")["ok"])
        self.assertEqual(len(self.events()), events)
        self.assertTrue(self.decide(0, proof)["ok"])
        self.assertEqual(self.decide(1, proof, "--dry-run")["why"], "replay")

    def test_each_refusal_has_its_word(self):
        self.ok("key", "generate", "--out", "stranger.pem")
        sshd = "pam://bastion/sshd/deploy"
        for want, got in (
                ("unknown_key", self.decide(1, self.sign(
                    HTU, key="stranger.pem"))),
                ("wrong_htu", self.decide(1, self.sign(sshd))),
                ("not_an_account", self.decide(1, self.sign(
                    "pam://bastion/postgresql/root"), account="root")),
                ("no_nonce", self.decide(1, self.sign(sshd), service="sshd",
                                         account="deploy")),
                ("wrong_nonce", self.decide(
                    1, self.sign(sshd, "--nonce", "other"), "--nonce",
                    fo.NONCE, service="sshd", account="deploy")),
                ("ok", self.decide(
                    0, self.sign(sshd, "--nonce", fo.NONCE), "--nonce",
                    fo.NONCE, service="sshd", account="deploy"))):
            self.assertEqual(got["why"], want)

    def test_a_revoked_agent_is_refused(self):
        self.admin("agent", "revoke", "build-bot")
        self.assertEqual(self.decide(1, self.sign(HTU))["why"], "revoked")

    def test_text_says_who_or_why(self):
        args = ("verify", "--service", "postgresql", "--account", "etl")
        proof = self.sign(HTU)
        self.assertIn("permitted: agent build-bot of team-platform to "
                      "postgresql as etl (logins/",
                      self.admin(*args, input=proof))
        self.refused(1, "refused: replay:", *args, input=proof, config=True)
        self.refused(2, "--account are required", "verify", "--service",
                     "sshd", config=True)

    def test_a_sink_that_takes_no_event_lets_nobody_in(self):
        text = self.config.read_text()
        self.write(self.config, text.replace(str(self.log),
                                             f"{self.dir}/no/log"))
        self.assertEqual(self.decide(3, self.sign(HTU))["why"], "audit")


if __name__ == "__main__":
    tap.main()
