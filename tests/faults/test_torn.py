#!/usr/bin/python3
"""Files of the store are read after they were torn, lost a line, or had a bit
turned over: a part is never taken for less than the whole, and what is taken
differs in one place at most, never in one that a signature or a revocation
hangs on.
"""

import json
import subprocess

import together
import verbs

import tap

TORN = verbs.fo.BUILD.resolve() / "tests" / "faults" / "torn"
SAMPLES = verbs.fo.TOP / "etc" / "firstops"
TURNED = "byte" if verbs.DEEP else "bit"
FOLDERS = {"groups.d": "group", "policies.d": "policy",
           "principals.d": "principal"}

# What no damage may change in a file that is still taken.
FIXED = {"config": (), "group": ("group",), "policy": ("policy",),
         "principal": ("status", "id", "kind"), "key": ("thumbprint",)}


def files_of(store):
    """Every file of a store that is read, with its kind."""
    found = [("config", path) for path in store.glob("firstops.yaml")]
    for folder, kind in FOLDERS.items():
        found += [(kind, path) for path in store.glob(f"{folder}/*.yaml")]
    return found


def made_by_fo():
    """Text of each file of a store that fo made, with agents that are active,
    with everything and nothing, and revoked."""
    stage = verbs.Create()
    try:
        stage.ok(*stage.words, config=True)
        stage.agent("third", "--out", stage.scene / "third.pem")
        stage.admin("agent", "revoke", "third", "--reason", "lost")
        found = files_of(stage.etc)
        found += [("key", path) for path in stage.scene.glob("*.pem")]
        return [(kind, path.stem, path.read_bytes()) for kind, path in found]
    finally:
        stage.doCleanups()


def files():
    found = [(kind, path.stem, path.read_bytes())
             for kind, path in files_of(SAMPLES)] + made_by_fo()
    assert {kind for kind, _, _ in found} == set(FIXED), found
    return found


def read(kind, name, text, damage):
    """What is understood after each damage that is taken, and how many
    damages there were."""
    done = subprocess.run([TORN, kind, name, damage], input=text,
                          capture_output=True)
    assert done.returncode == 0, (kind, name, done.returncode, done.stderr)
    *lines, count = done.stdout.decode(errors="replace").splitlines()
    taken = [line.split("\t") for line in lines]
    return [(f"{where}, {byte}", json.loads(seen))
            for where, byte, seen in taken], int(count)


def places(one, other):
    """How many single values differ. What a rule asks may stand in one line,
    and is one value."""
    if isinstance(one, dict) and isinstance(other, dict) and \
            "rule" not in one:
        return sum(places(one.get(key), other.get(key))
                   for key in {**one, **other})
    if isinstance(one, list) and isinstance(other, list) and \
            len(one) == len(other) and one and isinstance(one[0], dict):
        return sum(map(places, one, other))
    return one != other


def check(kind, whole, seen):
    """A damage in one place changes one thing, and none that is fixed."""
    assert places(whole, seen) <= 1, seen
    for key in FIXED[kind]:
        assert whole[key] == seen[key], seen
    if kind == "config":
        assert 0 <= seen["max_age_s"] <= 300, seen
        assert 0 <= seen["clock_skew_s"] <= 60, seen
    for old, new in zip(whole.get("keys", ()), seen.get("keys", ())):
        assert (old["revoked"] == 0) or new["revoked"] > 0, seen


def refusals(damage, judge, kind, name, text):
    """Damage a file, and judge what is taken; how many damages are not."""
    (_, whole), = read(kind, name, text, "none")[0]
    taken, count = read(kind, name, text, damage)
    assert count > len(taken), f"{name}: no {damage} is refused"
    for where, seen in taken:
        try:
            judge(kind, whole, seen)
        except AssertionError as error:
            raise AssertionError(f"{kind} {name}, {damage} at {where}:"
                                 f" {error}\nfor {whole}") from error
    return count - len(taken)


def sweep(damage, judge):
    """Damage every file; judge(kind, whole, seen) what is taken."""
    def work(_, mine):
        return sum(refusals(damage, judge, *file) for file in mine)

    print(f"# {sum(together.work_through(files(), work))} refused")


def test_a_file_that_was_torn_anywhere_is_refused_or_means_the_whole():
    def same(kind, whole, seen):
        assert seen == whole, seen

    sweep("prefix", same)


def test_a_file_that_lost_a_line_is_refused_or_differs_in_one_place():
    sweep("line", check)


def test_a_file_with_a_byte_changed_is_refused_or_differs_in_one_place():
    sweep(TURNED, check)


if __name__ == "__main__":
    tap.main()
