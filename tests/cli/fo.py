"""What tests of fo share: the program, a folder of its own for each test, a
store in it, and other people's programs played by scripts.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", TOP / "build" / "dev"))
FO = BUILD.resolve() / "tools" / "fo" / "fo"

sys.path.insert(0, str(TOP / "tests" / "support"))

NONCE = "Q2hhbGxlbmdlMTIz"

# A private key, but not of the curve that proofs are signed with.
P384 = """\
-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDra/4HhZ5YDoXH+j1V
zSGD29+wy8VnZwAiwNX+ANmi/ub0FwfnRazkDaDomRt7K0mhZANiAAQG7WipWMiR
02lWsnfEw3rVrM8VR7jo3nVINPrXdAVR5wZzqxhTwiZHW+VNOzPfqARp9G05dOSt
29p3Kh+gjSJw/KxCnNtnCQvEXNOmMDqMsGkbpSbPpnhKgGWWHbCr71o=
-----END PRIVATE KEY-----
"""
ED25519 = ("ssh-ed25519 "
           "AAAAC3NzaC1lZDI1NTE5AAAAIIw5Ma6wpMCEmS97nqWTBJCBGQn6W3b7QRa4pg"
           "DUgS4s agent\n")


class Case(unittest.TestCase):
    """One test, in a folder of its own that goes when it ends."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fo-cli-"))
        self.addCleanup(shutil.rmtree, self.dir)
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        self.env = {"PATH": f"{self.bin}:/usr/bin:/bin:/usr/sbin",
                    "HOME": str(self.dir / "home"), "LC_ALL": "C"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        (self.dir / "home").mkdir(mode=0o755)
        self.etc = self.dir / "etc"
        self.config = self.etc / "firstops.yaml"
        self.log = self.dir / "audit.log"
        self.run_folder = self.dir / "run"

    # ---- running --------------------------------------------------------

    def fo(self, *args, input="", config=False, env=None):
        """Run fo; the result has returncode, stdout and stderr."""
        words = [str(FO), *map(str, args)]
        if config:
            words += ["--config", str(self.config)]
        done = subprocess.run(words, input=input, capture_output=True,
                              text=True, env={**self.env, **(env or {})},
                              cwd=self.dir, timeout=120)
        self.assertGreaterEqual(done.returncode, 0, done.stderr)
        return done

    def expect(self, code, *args, **more):
        """Run fo, which must exit with this code."""
        done = self.fo(*args, **more)
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}\n"
                         f"{done.stderr}")
        return done

    def ok(self, *args, **more):
        return self.expect(0, *args, **more).stdout

    def json(self, code, *args, **more):
        return json.loads(self.expect(code, *args, "--json", **more).stdout)

    def admin(self, *args, **more):
        return self.ok(*args, config=True, **more)

    def refused(self, code, text, *args, **more):
        """fo must exit with this code and say this on standard error."""
        done = self.expect(code, *args, **more)
        self.assertIn(text, done.stderr)
        return done

    # ---- a store --------------------------------------------------------

    def store(self, required="file:{log}"):
        """A store whose sink is a file, and whose replay folder is here."""
        self.admin("init", "--host", "bastion")
        text = self.config.read_text()
        sink = required.format(log=self.log)
        lines = []
        for line in text.splitlines():
            if line.startswith("audit:"):
                line = f'audit: {{required: ["{sink}"], best_effort: []}}'
            elif line.startswith("replay:"):
                line = f"replay: {{folder: {self.run_folder}/replay}}"
            lines.append(line)
        self.write(self.config, "\n".join(lines) + "\n")
        return self

    def write(self, path, text):
        path.write_text(text)
        path.chmod(0o644)

    def agent(self, name="build-bot", *more):
        """Create an agent with its key in NAME.pem; returns its id."""
        args = ["agent", "create", name, "--owner", "team-platform",
                "--out", self.dir / f"{name}.pem", *more]
        if "--accounts" not in more:
            args += ["--accounts", "deploy,postgresql:etl"]
        return self.admin(*args).splitlines()[0]

    def events(self):
        """The events in the log, oldest first."""
        return [json.loads(line.partition("@cee:")[2])
                for line in self.log.read_text().splitlines() if line]

    def age_replay(self):
        """A replay folder that was made ten minutes ago, so that a proof of
        now is one that it can know."""
        folder = self.run_folder / "replay" / str(os.geteuid())
        folder.mkdir(parents=True)
        for path in (self.run_folder, self.run_folder / "replay"):
            path.chmod(0o755)
        folder.chmod(0o700)
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text()
        since = int(time.clock_gettime(time.CLOCK_BOOTTIME) * 1000) - 600000
        birth = folder / "birth"
        birth.write_text(f"{boot.strip()} {max(since, 1)}\n")
        birth.chmod(0o600)

    def sign(self, htu, *more, key="build-bot.pem"):
        return self.ok("proof", "sign", "--key", self.dir / key, "--htu", htu,
                       *more).strip()

    # ---- programs -------------------------------------------------------

    def program(self, name, text):
        """Put a script on PATH."""
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)
        return path
