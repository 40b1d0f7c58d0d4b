#!/usr/bin/python3
"""Each allocation of a tool fails in turn, alone, or with all after it: the
answer is the right one, or trouble with a word about it, and no secret; and a
change is made as a whole or not at all.
"""

import verbs
import fo

import tap
from test_verb_calls import check_truth

ALLOC = fo.BUILD.resolve() / "tests" / "faults" / "alloc.so"
ASKPASS = fo.BUILD.resolve() / "tools" / "askpass" / "fo-askpass"
TARGET = "pam://bastion/sshd/deploy"
VERIFY = ("proof", "verify", "--htm", "PAM", "--htu", TARGET)

# A run that is not deep lets one allocation in so many fail.
STRIDE = 3 if verbs.DEEP else 97


class Tool(verbs.Create):
    """A tool, and an agent's key for it to use."""

    def __init__(self, *words, input=""):
        super().__init__()
        self.said = [str(w).replace("SCENE", str(self.scene)) for w in
                     words or (*self.words, "--config", self.config)]
        self.input = input
        self.hands_over = self.said[:2] == ["proof", "sign"]
        self.key = self.scene / "first.pem"

    def short_of(self, which):
        """Run it with this allocation refused."""
        return self.fo(*self.said, input=self.input, env={
            "LD_PRELOAD": str(ALLOC), "FAULT_ALLOC": which,
            "FAULT_ALLOC_COUNT": str(self.dir / "count")})

    def count(self):
        done = self.short_of("0")
        assert done.returncode == 0, done.stderr
        return int((self.dir / "count").read_text())


def sweep(judge, *words, input=""):
    """Fail everywhere; judge(tool, answer) what was not refused."""
    if "asan" in fo.BUILD.name:
        tap.skip("a sanitizer has an allocator of its own")
    tool = Tool(*words, input=input)
    try:
        count = tool.count()
        judge(tool, None)
        refused = 0
        for n in range(1, count + 1, STRIDE):
            for which in (f"{n}", f"{n}+"):
                tool.reset()
                answer = tool.short_of(which)
                try:
                    refused += answer.returncode != 0
                    tool.judge_secrets(answer)
                    check(tool, answer, judge)
                except AssertionError as error:
                    raise AssertionError(
                        f"allocation {which} of {words}:\n{answer.stdout}"
                        f"{answer.stderr}[{answer.returncode}]\n{error}"
                    ) from error
        assert refused > 0, f"none of {count} allocations was refused"
        print(f"# {count} allocations, {refused} refusals")
    finally:
        tool.doCleanups()


def check(tool, answer, judge):
    if answer.returncode == 0:
        judge(tool, answer)
        return
    assert answer.returncode == 3, "memory is no refusal"
    assert answer.stderr.startswith("fo"), "it says nothing"
    check_truth(tool, tool.is_done(), answer.stderr)


def nothing_changed(tool):
    assert tool.state() == tool.before


def proof(tool, answer):
    if answer is None:
        return
    nothing_changed(tool)
    tool.ok(*VERIFY, input=answer.stdout)


def test_a_proof_is_whole_or_not_printed():
    sweep(proof, "proof", "sign", "--key", "SCENE/first.pem", "--htu", TARGET)


def verified(tool, answer):
    if answer is not None:
        nothing_changed(tool)
        assert answer.stdout.startswith("ok: a valid proof"), answer.stdout


def test_a_good_proof_is_not_called_a_bad_one():
    signer = Tool()
    try:
        text = signer.sign(TARGET, key=signer.key)
    finally:
        signer.doCleanups()
    sweep(verified, *VERIFY, input=text)


def created(tool, answer):
    if answer is not None:
        assert tool.is_done() and answer.stderr == ""
        assert len(tool.new_events(tool.ev)) == 1


def test_an_agent_is_created_as_a_whole_or_not_at_all():
    sweep(created)


def sound(tool, answer):
    if answer is not None:
        nothing_changed(tool)
        assert answer.stderr == "" and "ok" in answer.stdout


def test_a_store_that_could_not_be_read_is_not_called_sound():
    sweep(sound, "store", "check", "--config", "SCENE/etc/firstops.yaml")


if __name__ == "__main__":
    tap.main()
