"""The verbs of fo that write, each on a stage of its own that can be set back,
and what must hold of a stage however a verb ended.
"""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "cli"))
import fo
import together

CALLS = fo.BUILD / "tests" / "faults" / "calls"
DEEP = "FIRSTOPS_DEEP" in os.environ
KILLED = 137

# Calls that change what is on disk, or the order of it.
CHANGING = {"openat", "write", "pwrite64", "ftruncate", "fsync", "fchmod",
            "fchown", "mkdirat", "mknodat", "symlinkat", "linkat",
            "renameat", "renameat2", "unlinkat", "unlink", "flock"}

ID = r"fo_agent_[0-9a-f-]{36}"
JKT = r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"
# Any line of a private key, or part of a proof: nothing else that is told or
# stored goes on for so long. An event may have less of it: a piece is enough,
# and so is what all keys begin with.
SECRET = re.compile(r"[A-Za-z0-9+/=_-]{56,}")
PIECE = 16
KEY_BEGINS = "MIGHAgEAMBMGByqG"
UNFINISHED = re.compile(r"^\.(tmp|new)-")


class Call:
    """One line of the log of calls."""

    def __init__(self, line):
        number, self.name, self.file, *rest = line.rstrip("\n").split("\t")
        self.number = int(number)
        self.result = int(rest[-1])
        self.paths = rest[:-1]

    def __repr__(self):
        return (f"call {self.number}, {self.name} {self.file}"
                f" {' '.join(self.paths)}")


def needs_store(words):
    return words[0] not in ("key", "target")


class Stage(fo.Case):
    """A store, and a verb that is about to change it."""

    words = ()
    ev = ""
    umask = 0o022
    input = ""
    hands_over = False      # a secret, on standard output

    def __init__(self):
        super().__init__()
        self.setUp()
        self.kept = self.dir / "kept"
        self.scene = self.dir / "scene"
        self.scene.mkdir()
        self.etc = self.scene / "etc"
        self.config = self.etc / "firstops.yaml"
        self.log = self.scene / "log"
        self.run_folder = self.scene / "run"
        self.out = self.scene / "out.pem"
        if "detect_leaks" not in self.env.get("ASAN_OPTIONS", ""):
            self.env["ASAN_OPTIONS"] = "detect_leaks=0"
        self.prepare()
        shutil.copytree(self.scene, self.kept, symlinks=True)
        self.before = self.state()

    def prepare(self):
        self.store()
        self.agent("first", "--out", self.scene / "first.pem")

    def agent(self, name, *more):
        done = self.admin("agent", "create", name, "--owner", "team", *more)
        return done.splitlines()[0]

    def reset(self):
        shutil.rmtree(self.scene)
        shutil.copytree(self.kept, self.scene, symlinks=True)

    # ---- running --------------------------------------------------------

    @property
    def argv(self):
        """The verb's whole command line."""
        more = ("--config", self.config) if needs_store(self.words) else ()
        return [fo.FO, *self.words, *more]

    def disturbed(self, *options):
        """Run the verb under calls."""
        argv = [CALLS, *options, "--", *self.argv]
        return subprocess.run(
            [str(a) for a in argv], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, env=self.env, cwd=self.dir,
            timeout=60, umask=self.umask)

    def calls(self, *options):
        """What the undisturbed verb asks of the kernel, from its main on."""
        self.reset()
        log = self.dir / "calls"
        done = self.disturbed("-o", log, *options)
        assert done.returncode == 0, done.stderr
        found = [Call(line) for line in log.read_text().splitlines()
                 if line.split("\t")[-1] != "?"]
        first = next(i for i, c in enumerate(found)
                     if c.name == "rt_sigaction")
        return found[first + 1:]

    # ---- looking --------------------------------------------------------

    def state(self):
        """Every file of the scene but locks: its type and mode, and what is
        in it."""
        found = {}
        for folder, folders, files in os.walk(self.scene):
            for name in folders + files:
                path = pathlib.Path(folder, name)
                if name == ".lock":
                    continue
                st = path.lstat()
                if stat.S_ISLNK(st.st_mode):
                    text = os.readlink(path)
                elif stat.S_ISREG(st.st_mode):
                    text = path.read_text()
                else:
                    text = None
                found[str(path.relative_to(self.scene))] = (
                    oct(st.st_mode), st.st_uid, text)
        return found

    def shape(self):
        """The state without what is random in it: two of the same shape are
        as good as each other."""
        text = repr(sorted((n, v) for n, v in self.state().items()))
        text = re.sub(r"\.tmp-[A-Za-z0-9_-]{16}", ".tmp-", text)
        text = re.sub(r"new-[A-Za-z0-9_-]{22}", "new-", text)
        known = self.before
        for pattern, word in ((ID, "ID"), (JKT, "JKT")):
            for found in sorted(set(re.findall(pattern, text))):
                if found not in repr(known):
                    text = text.replace(found, word)
        text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
        text = re.sub(r'"(sid|pid)":[^,]*', "", text)
        text = re.sub(r"(?<=KEY-----\\n)[A-Za-z0-9+/=\\n]+", "PEM", text)
        return re.sub(r" \d+\\n", " N", text)

    def principals(self):
        return {p.stem: p.read_text()
                for p in (self.etc / "principals.d").glob("fo_*.yaml")}

    def links(self):
        return {p.name: pathlib.Path(os.readlink(p)).stem
                for p in (self.etc / "keys.d").iterdir() if p.is_symlink()}

    def unfinished(self):
        """What a writer began below the store's folder and did not name."""
        return [p.name for p in self.etc.rglob("*")
                if UNFINISHED.match(p.name)]

    def new_events(self, ev):
        """Events of that kind that the scene did not have before."""
        if not self.log.exists():
            return []
        old = self.before.get("log", (0, 0, ""))[2].count("@cee:")
        return [e for e in self.events()[old:] if e["ev"] == ev]

    def remove_second_names(self):
        """Do as fo store check says where a file was linked to its name and
        still has the one before."""
        twice = [p for p in self.etc.rglob(".tmp-*")
                 if p.stat().st_nlink > 1]
        for path in twice if self.config.exists() else ():
            done = self.fo("store", "check", config=True)
            assert done.returncode != 0 and "2 hard links" in (
                done.stdout + done.stderr), done.stdout + done.stderr
        for path in twice:
            path.unlink()

    # ---- what must hold -------------------------------------------------

    def check_store(self):
        """The store is one that every reader takes: no failure, and what was
        left unfinished or reserved is named."""
        done = self.fo("store", "check", config=True)
        assert done.returncode == 0, done.stdout + done.stderr
        for name in self.unfinished():
            assert name in done.stdout, (name, done.stdout)
        for jkt, who in self.links().items():
            if who not in self.principals():
                assert f"keys.d/{jkt} leads to {who}" in done.stdout
        made = self.admin("store", "index")
        assert made == "0 links made\n", made
        self.admin("agent", "create", "later", "--owner", "team")

    def pieces(self, *texts):
        """Pieces of the secrets in these texts and in the files of keys."""
        texts += tuple(p.read_text() for p in self.scene.rglob("*.pem"))
        lines = [line for text in texts for line in SECRET.findall(text)]
        return {KEY_BEGINS, *(line[i:i + PIECE] for line in lines
                              for i in range(len(line) - PIECE + 1))}

    def judge_secrets(self, answer):
        """However the verb ended, no key and no proof is in what it said or
        wrote, but for the files that are there to hold a key."""
        told = [answer.stderr, *([] if self.hands_over else [answer.stdout])]
        told += [text for name, (_, _, text) in self.state().items()
                 if text and not name.endswith(".pem")]
        pieces = self.pieces(self.input,
                             *([answer.stdout] if self.hands_over else []))
        for text in told:
            text = text.replace(str(self.dir), "")
            found = [*SECRET.findall(text), *(p for p in pieces if p in text)]
            assert not found, f"a secret, {found[0]}, in {text}"

    def is_done(self):
        """Has the verb done what it does? Fails on anything in between."""
        raise NotImplementedError

    def judge(self):
        """After a kill: whole, repairable, and told truthfully."""
        self.is_done()
        self.check_store()
        self.again()

    def again(self):
        """The next who runs the verb is not held up by what was left."""


class Create(Stage):
    """fo agent create: link, file, event, in this order."""

    ev = "principal_create"

    @property
    def words(self):
        return ("agent", "create", "second", "--owner", "team", "--groups",
                "default", "--policies", "logins", "--accounts", "deploy",
                "--out", self.out)

    def made(self):
        """The id of the new agent, or None."""
        old = {pathlib.Path(n).stem: v[2] for n, v in self.before.items()
               if n.startswith("etc/principals.d/")}
        now = self.principals()
        assert {i: now.get(i) for i in old} == old
        new = [i for i in now if i not in old]
        assert len(new) <= 1, new
        return new[0] if new else None

    def is_done(self):
        made = self.made()
        events = self.new_events(self.ev)
        assert [e["id"] for e in events] in ([], [made]), (made, events)
        if made is None:
            return False
        shown = self.json(0, "agent", "show", made, config=True)["agent"]
        jkt = shown["keys"][0]["thumbprint"]
        assert self.links()[jkt] == made
        assert (shown["status"], shown["name"]) == ("active", "second")
        if self.out.exists() or "--out" in self.words:
            have = self.ok("key", "thumbprint", self.out).strip()
            assert have == jkt, "an agent whose key is nowhere"
        return True

    def judge(self):
        done = self.is_done()
        self.check_store()
        if self.out.exists():
            assert stat.S_IMODE(self.out.stat().st_mode) == 0o600
            self.refused(1, "already", *self.words, config=True)
            self.out.unlink()
        again = self.fo(*self.words, config=True)
        assert again.returncode == (1 if done else 0), again.stderr
        if done:
            assert 'there is an agent "second" already' in again.stderr


class CreateOnce(Create):
    """The same with the key on standard output."""

    hands_over = True

    @property
    def words(self):
        return super().words[:-2]


class Revoke(Stage):
    """fo agent revoke: the file as it was, or revoked."""

    ev = "revoke"
    words = ("agent", "revoke", "first", "--reason", "lost")

    def is_done(self):
        name, = [n for n in self.before if n.startswith("etc/principals.d/")]
        made = pathlib.Path(name).stem
        events = self.new_events(self.ev)
        if self.principals()[made] == self.before[name][2]:
            assert not events, events
            return False
        shown = self.json(0, "agent", "show", made, config=True)["agent"]
        assert shown["status"] == "revoked"
        assert [k["status"] for k in shown["keys"]] == ["revoked"]
        assert [e["id"] for e in events] in ([], [made]), events
        return True

    def again(self):
        done = self.is_done()
        answer = self.json(0, *self.words, config=True)
        assert answer["changed"] is not done
        assert self.is_done()


class Rotate(Stage):
    """fo agent rotate: the key in its file, its link, the store's file, the
    event, in this order."""

    ev = "key_rotate"

    @property
    def words(self):
        return ("agent", "rotate", "first", "--overlap", "1h", "--out",
                self.out)

    def is_done(self):
        name, = [n for n in self.before if n.startswith("etc/principals.d/")]
        made = pathlib.Path(name).stem
        events = self.new_events(self.ev)
        if self.principals()[made] == self.before[name][2]:
            assert not events, events
            return False
        old, new = self.json(0, "agent", "show", made,
                             config=True)["agent"]["keys"]
        assert self.links()[new["thumbprint"]] == made
        assert old["expires"] and not new["expires"], (old, new)
        assert [(e["id"], e["jkt"]) for e in events] in (
            [], [(made, new["thumbprint"])]), events
        assert self.ok("key", "thumbprint", self.out).strip() == \
            new["thumbprint"], "an agent whose key is nowhere"
        return True

    def again(self):
        done = self.is_done()
        if self.out.exists():
            assert stat.S_IMODE(self.out.stat().st_mode) == 0o600
            self.refused(1, "exists already", *self.words, config=True)
            self.out.unlink()
        self.json(0, *self.words, config=True)
        keys = self.json(0, "agent", "show", "first",
                         config=True)["agent"]["keys"]
        assert len(keys) == 2 + done, keys


class Delete(Stage):
    """fo agent delete: the file gone, its links there."""

    ev = "delete"
    words = ("agent", "delete", "first")

    def prepare(self):
        super().prepare()
        self.admin("agent", "revoke", "first")

    def is_done(self):
        name, = [n for n in self.before if n.startswith("etc/principals.d/")]
        made = pathlib.Path(name).stem
        events = self.new_events(self.ev)
        assert made in self.links().values()
        if made in self.principals():
            assert self.principals()[made] == self.before[name][2]
            assert not events, events
            return False
        assert [e["id"] for e in events] in ([], [made]), events
        return True

    def again(self):
        done = self.is_done()
        answer = self.fo(*self.words, config=True)
        assert answer.returncode == (1 if done else 0), answer.stderr
        assert self.is_done()


class Index(Stage):
    """fo store index: links, each whole or not there."""

    words = ("store", "index")

    def prepare(self):
        super().prepare()
        self.agent("second", "--out", self.scene / "second.pem")
        self.agent("third", "--out", self.scene / "third.pem")
        self.right = self.links()
        for name in list(self.right)[1:]:
            (self.etc / "keys.d" / name).unlink()

    def is_done(self):
        links = self.links()
        assert {n: self.right.get(n) for n in links} == links
        return links == self.right

    def check_store(self):
        missing = len(self.right) - len(self.links())
        made = self.admin("store", "index")
        assert made == f"{missing} links made\n", made
        super().check_store()


class Init(Stage):
    """fo init, by somebody whose umask is narrow."""

    words = ("init", "--host", "bastion")
    umask = 0o077

    def prepare(self):
        self.store()
        self.whole = {n: v for n, v in self.state().items()
                      if n.startswith("etc")}
        self.text = self.config.read_text()
        shutil.rmtree(self.etc)

    def is_done(self):
        return self.config.exists()

    def judge(self):
        done = self.is_done()
        if not done and self.etc.exists():
            self.refused(3, '"fo init" makes one', "store", "check",
                         config=True)
        again = self.disturbed()
        assert again.returncode == (1 if done else 0), again.stderr
        self.write(self.config, self.text)
        now = {n: v for n, v in self.state().items() if n.startswith("etc")
               and not UNFINISHED.match(pathlib.Path(n).name)}
        assert now == self.whole, (now, self.whole)
        self.check_store()


class Replay(Stage):
    """fo store replay: folders of root and of a service's user."""

    words = ("store", "replay")
    umask = 0o077

    def prepare(self):
        super().prepare()
        self.write(self.config, self.config.read_text().replace(
            "user: postgres", "user: nobody"))

    def is_done(self):
        """Both folders are there and have a birth."""
        return all((self.run_folder / "replay" / who / "birth").exists()
                   for who in ("0", "65534"))

    def judge(self):
        self.admin(*self.words)
        for folder, mode, who in (("", 0o755, 0), ("replay", 0o755, 0),
                                  ("replay/0", 0o700, 0),
                                  ("replay/65534", 0o700, 65534)):
            st = (self.run_folder / folder).stat()
            assert (stat.S_IMODE(st.st_mode), st.st_uid) == (mode, who), (
                folder, oct(st.st_mode), st.st_uid)
        for who in (0, 65534):
            birth = self.run_folder / "replay" / str(who) / "birth"
            assert re.fullmatch(r"[0-9a-f-]{36} \d+\n", birth.read_text())
            st = birth.stat()
            assert (st.st_nlink, st.st_uid) in ((1, who), (2, who)), st
        self.check_store()


class Generate(Stage):
    """fo key generate --out."""

    @property
    def words(self):
        return ("key", "generate", "--out", self.out)

    def is_done(self):
        if not self.out.exists():
            return False
        assert stat.S_IMODE(self.out.stat().st_mode) & 0o077 == 0
        done = self.fo("key", "thumbprint", self.out)
        assert (done.returncode == 0) == self.out.read_text().endswith(
            "-----END PRIVATE KEY-----\n"), done.stderr
        return done.returncode == 0

    def judge(self):
        self.is_done()
        if self.out.exists():
            self.refused(1, "out.pem: exists already", *self.words)
            self.out.unlink()
        self.ok(*self.words)
        assert self.is_done()


class Add(Stage):
    """fo target add: the list as it was, or with one more."""

    there = ("a:1", "b:1")
    words = ("target", "add", "c:1", "--host", "bastion")

    def prepare(self):
        self.home = self.scene / "home"
        self.env["HOME"] = str(self.home)
        self.home.mkdir()
        self.path = self.home / ".config/firstops/targets.yaml"
        for dest in self.there:
            self.ok("target", "add", dest, "--host", "bastion")
        self.old = self.text()
        self.ok(*self.words)
        self.right = self.text()
        if self.old is None:
            shutil.rmtree(self.home / ".config")
        else:
            self.path.write_text(self.old)

    def text(self):
        return self.path.read_text() if self.path.exists() else None

    def unfinished(self):
        return [p.name for p in self.home.rglob("*") if p.name not in
                (".config", "firstops", ".lock", "targets.yaml")]

    def is_done(self):
        text = self.text()
        assert text in (self.old, self.right), text
        if text is not None:
            assert stat.S_IMODE(self.path.stat().st_mode) == 0o600
        return text == self.right

    def judge(self):
        done = self.is_done()
        self.ok("target", "list")
        again = self.fo(*self.words)
        assert again.returncode == (
            1 if done and "remove" in self.words else 0), again.stderr
        assert self.is_done()
        assert not self.unfinished(), self.unfinished()


class AddFirst(Add):
    """The same where nothing was ever added."""

    there = ()


class Remove(Add):
    """fo target remove: the list as it was, or with one less."""

    words = ("target", "remove", "a:1")


VERBS = (Create, CreateOnce, Revoke, Index, Init, Replay, Generate, Add,
         AddFirst, Remove)


def at_once(make, cases, do):
    """do(stage, case) for every case, on some stages at once: what it
    returned."""
    def work(_, mine):
        stage = make()
        try:
            return [do(stage, case) for case in mine]
        finally:
            stage.doCleanups()

    return [answer for answers in together.work_through(cases, work)
            for answer in answers]
