#!/usr/bin/python3
"""Two administrators change a store at once, or one person's programs a list:
each gets a true answer, nothing that was acknowledged is lost, and there is
one event for each change.
"""

import base64
import concurrent.futures
import json
import pathlib
import shutil

import verbs
import fo

import tap

ROUNDS = 200 if verbs.DEEP else 20
FEW = ROUNDS // 5
CROWD = 12
BOOT = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Two(verbs.Stage):
    """A store with two agents, one of them missing from the index."""

    def prepare(self):
        super().prepare()
        self.ids = [next(iter(self.principals())),
                    self.agent("second", "--out", self.scene / "second.pem")]
        self.right = self.links()
        self.jwk = self.dir / "new.jwk"
        key = self.dir / "new.pem"
        self.ok("key", "generate", "--out", key)
        proof = self.ok("proof", "sign", "--key", key, "--htu",
                        "pam://h/s/u")
        head = base64.urlsafe_b64decode(proof.partition(".")[0] + "==")
        self.jwk.write_text(json.dumps(json.loads(head)["jwk"]))
        for name, who in self.right.items():
            if who == self.ids[1]:
                (self.etc / "keys.d" / name).unlink()

    def together(self, *both):
        """The answers to two verbs that are run at once."""
        self.reset()
        answers = at_once(self, *both)
        for words, answer in zip(both, answers):
            self.hands_over = "create" in words and not (
                {"--out", "--jwk"} & set(words))
            self.judge_secrets(answer)
        return answers

    def create(self, name, *more):
        return ("agent", "create", name, "--owner", "team",
                *(more or ("--out", self.scene / f"{name}.pem")))

    def revoke(self, number):
        return ("agent", "revoke", self.ids[number], "--reason", "lost")

    def check_key(self, who):
        """The file has the key of that agent."""
        have = self.ok("key", "thumbprint", self.out).strip()
        assert self.links()[have] == who, (have, self.links())

    def check(self, created, revoked):
        """The store has all that was there and these changes, each with one
        event, and its index is whole when it has been made anew."""
        self.admin("store", "index")
        now = self.principals()
        assert set(now) == {*self.ids, *created}, (now.keys(), created)
        assert set(self.links().values()) == set(now), self.links()
        assert self.links().items() >= self.right.items(), self.links()
        for who, text in now.items():
            assert ("status: revoked\n" in text) == (who in revoked), text
        for ev, want in (("principal_create", created), ("revoke", revoked)):
            told = sorted(e["id"] for e in self.new_events(ev))
            assert told == sorted(want), (ev, told, want)
        assert not self.unfinished()
        self.check_store()


def at_once(case, *many):
    """The answers to verbs that are run at once."""
    with concurrent.futures.ThreadPoolExecutor(len(many)) as pool:
        jobs = [pool.submit(case.fo, *words, "--json",
                            config=verbs.needs_store(words))
                for words in many]
        return [job.result() for job in jobs]


def good(answer):
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def id_of(answer):
    return good(answer)["agent"]["id"]


def one_of(answers, text):
    """The answer that is good; the other is a refusal that says this."""
    first, last = sorted(answers, key=lambda a: a.returncode)
    assert last.returncode == 1 and text in last.stderr, last.stderr
    return first


def rounds(one, count=ROUNDS):
    """Each of many rounds begins from the same store."""
    stage = Two()
    try:
        for _ in range(count):
            one(stage)
    finally:
        stage.doCleanups()


def test_two_agents_that_are_created_at_once_are_both_there():
    def one(s):
        both = s.together(s.create("third"), s.create("fourth"))
        s.check([id_of(a) for a in both], [])

    rounds(one)


def test_of_two_agents_created_at_once_with_one_name_there_is_one():
    def one(s):
        made = one_of(s.together(s.create("third", "--accounts", "deploy"),
                                 s.create("third", "--accounts", "etl")),
                      'there is an agent "third" already')
        s.check([id_of(made)], [])

    rounds(one)


def test_of_two_agents_created_at_once_with_one_key_there_is_one():
    def one(s):
        made = one_of(s.together(s.create("third", "--jwk", s.jwk),
                                 s.create("fourth", "--jwk", s.jwk)),
                      "already")
        s.check([id_of(made)], [])

    rounds(one)


def test_an_agent_revoked_twice_at_once_is_revoked_by_one():
    def one(s):
        both = [good(a) for a in s.together(s.revoke(0), s.revoke(0))]
        assert sorted(a["changed"] for a in both) == [False, True], both
        s.check([], [s.ids[0]])

    rounds(one)


def test_two_agents_revoked_at_once_are_both_revoked():
    def one(s):
        for answer in s.together(s.revoke(0), s.revoke(1)):
            assert good(answer)["changed"], answer.stdout
        s.check([], s.ids)

    rounds(one)


def test_an_agent_created_while_another_is_revoked_is_there():
    def one(s):
        made, ended = s.together(s.create("third"), s.revoke(0))
        assert good(ended)["changed"], ended.stdout
        s.check([id_of(made)], [s.ids[0]])

    rounds(one)


def test_an_index_made_while_an_agent_is_created_has_both():
    def one(s):
        made, index = s.together(s.create("third"), ("store", "index"))
        good(index)
        s.check([id_of(made)], [])

    rounds(one)


def test_an_index_made_while_an_agent_is_revoked_loses_neither():
    def one(s):
        ended, index = s.together(s.revoke(1), ("store", "index"))
        assert good(ended)["changed"], ended.stdout
        good(index)
        s.check([], [s.ids[1]])

    rounds(one)


def test_an_index_made_twice_at_once_is_made_by_one():
    def one(s):
        both = [good(a) for a in s.together(*[("store", "index")] * 2)]
        assert sorted(a["made"] for a in both) == [0, 1], both
        s.check([], [])

    rounds(one)


def test_of_two_agents_created_at_once_with_one_file_there_is_one():
    def one(s):
        made = one_of(s.together(s.create("third", "--out", s.out),
                                 s.create("fourth", "--out", s.out)),
                      "out.pem: exists already")
        s.check([id_of(made)], [])
        s.check_key(id_of(made))

    rounds(one, FEW)


def test_of_two_agents_created_at_once_with_one_name_and_file_there_is_one():
    def one(s):
        made = one_of(s.together(*[s.create("third", "--out", s.out)] * 2),
                      'there is an agent "third" already')
        s.check([id_of(made)], [])
        s.check_key(id_of(made))

    rounds(one, FEW)


def test_a_key_and_an_agents_key_are_not_written_to_one_file():
    def one(s):
        made, key = s.together(s.create("third", "--out", s.out),
                               ("key", "generate", "--out", s.out))
        one_of((made, key), "out.pem: exists already")
        s.check([id_of(made)] if made.returncode == 0 else [], [])
        if made.returncode == 0:
            s.check_key(id_of(made))
        else:
            have = s.ok("key", "thumbprint", s.out).strip()
            assert have == good(key)["thumbprint"], (have, key.stdout)

    rounds(one, FEW)


class Begin(fo.Case):
    """Nothing is there yet, and many begin at once."""

    def tree(self, top):
        """What there is below a folder, but for locks."""
        return {str(p.relative_to(top)): (
                    oct(p.lstat().st_mode), p.is_file() and p.read_text())
                for p in top.rglob("*")}

    def test_of_many_who_make_a_store_at_once_one_does(self):
        for _ in range(FEW):
            shutil.rmtree(self.etc, ignore_errors=True)
            hosts = [f"host{n}" for n in range(CROWD // 2)]
            answers = at_once(self, *[("init", "--host", h) for h in hosts])
            won, = [h for h, a in zip(hosts, answers) if a.returncode == 0]
            for answer in answers:
                if answer.returncode != 0:
                    one_of((answer, answer), "firstops.yaml exists already")
            alone = self.dir / "alone"
            self.ok("init", "--host", won, "--config",
                    alone / "firstops.yaml")
            assert self.tree(self.etc) == self.tree(alone)
            shutil.rmtree(alone)

    def replay(self, before):
        """Make the folders of replay, by many at once; what their births are
        then."""
        stage = verbs.Replay()
        try:
            for _ in range(FEW):
                stage.reset()
                before(stage)
                for answer in at_once(stage, *[stage.words] * (CROWD // 2)):
                    good(answer)
                made = self.tree(stage.run_folder)
                assert set(made) == {
                    "replay", "replay/0", "replay/0/birth", "replay/65534",
                    "replay/65534/birth"}, made
                for who in (0, 65534):
                    birth = made[f"replay/{who}/birth"][1]
                    assert birth.startswith(BOOT), birth
                # whoever comes later, finds them, and changes nothing
                stage.judge()
                assert self.tree(stage.run_folder) == made
        finally:
            stage.doCleanups()

    def test_folders_of_used_proofs_made_by_many_at_once_have_one_birth(self):
        self.replay(lambda stage: None)

    def test_births_of_another_boot_are_replaced_by_many_at_once(self):
        def age(stage):
            stage.admin(*stage.words)
            for birth in stage.run_folder.glob("replay/*/birth"):
                birth.write_text(f"{BOOT[::-1]} 1\n")

        self.replay(age)


class Crowd(fo.Case):
    """A person whose programs all add to one list, and take from it."""

    def setUp(self):
        super().setUp()
        self.folder = self.dir / "home/.config/firstops"

    def add(self, number):
        return ("target", "add", f"{number}:1", "--host", f"h{number}")

    def check(self, numbers):
        now = self.json(0, "target", "list")["targets"]
        assert now == {f"{n}:1": f"h{n}" for n in numbers}, now
        assert {p.name for p in self.folder.iterdir()} == {
            ".lock", "targets.yaml"}

    def test_targets_that_are_added_at_once_are_all_there(self):
        for _ in range(FEW):
            shutil.rmtree(self.folder.parent, ignore_errors=True)
            for answer in at_once(self, *map(self.add, range(CROWD))):
                good(answer)
            self.check(range(CROWD))

    def test_targets_added_and_removed_at_once_are_there_and_gone(self):
        for n in range(CROWD):
            self.ok(*self.add(n))
        path = self.folder / "targets.yaml"
        before = path.read_text()
        odd = range(1, CROWD, 2)
        for _ in range(FEW):
            for answer in at_once(
                    self, *[("target", "remove", f"{n}:1") for n in odd],
                    *[self.add(CROWD + n) for n in odd]):
                good(answer)
            self.check([*range(0, CROWD, 2), *[CROWD + n for n in odd]])
            path.write_text(before)


if __name__ == "__main__":
    tap.main()
