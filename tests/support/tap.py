"""Run the tests of one Python file and print TAP.

A test is a function test_... of the file, or a method test_... of a
unittest.TestCase; its name, read as words, is the sentence that is printed.
Fail with an assert or any exception, skip with tap.skip("why").

    import tap

    def test_a_stale_proof_is_refused():
        assert run("fo", "verify") == 1

    if __name__ == "__main__":
        tap.main()

    python3 test_file.py                 all of them
    python3 test_file.py stale revoked   those whose name has one of the words
    python3 test_file.py --list          their names
"""

import sys
import traceback
import unittest


def skip(why):
    """Leave the running test out, and say why."""
    raise unittest.SkipTest(why)


def fail(why):
    """Let the running test fail with a reason."""
    raise AssertionError(why)


def sentence(test):
    """What a test shows: its name as words."""
    name = test.id().rsplit(".", 1)[-1]
    if isinstance(test, unittest.FunctionTestCase):
        name = test._testFunc.__name__
    return name.removeprefix("test_").replace("_", " ")


class Result(unittest.TestResult):
    """Print a line for each test as it ends, what went wrong below it."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.bad = 0
        self.reasons = []
        self.skipped_because = None

    def startTest(self, test):
        super().startTest(test)
        self.reasons = []
        self.skipped_because = None

    def stopTest(self, test):
        self.report(sentence(test))
        super().stopTest(test)

    def report(self, what):
        self.count += 1
        if self.reasons:
            self.bad += 1
            print(f"not ok {self.count} - {what}")
            for reason in self.reasons:
                for line in reason.splitlines():
                    print(f"# {line}")
        elif self.skipped_because is not None:
            why = " ".join(self.skipped_because.split())
            print(f"ok {self.count} - {what} # SKIP {why}")
        else:
            print(f"ok {self.count} - {what}")
        sys.stdout.flush()

    def note(self, test, err):
        self.reasons.append("".join(traceback.format_exception(*err)))
        if not isinstance(test, unittest.TestCase):
            # a setUpClass or setUpModule: no test of its own
            self.report(str(test))
            self.reasons = []

    def addError(self, test, err):
        self.note(test, err)

    def addFailure(self, test, err):
        self.note(test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.reasons.append(f"in {subtest}")
            self.note(test, err)

    def addUnexpectedSuccess(self, test):
        self.reasons.append("passes, though it is marked as failing")

    def addSkip(self, test, reason):
        self.skipped_because = reason
        if not isinstance(test, unittest.TestCase):
            self.report(str(test))
            self.skipped_because = None


def collect(module):
    """All tests of a module, in the order in which they are written."""
    loader = unittest.TestLoader()
    loader.sortTestMethodsUsing = None
    tests = []
    for name, thing in list(vars(module).items()):
        if isinstance(thing, type) and issubclass(thing, unittest.TestCase):
            loader.sortTestMethodsUsing = order_of(thing)
            tests.extend(loader.loadTestsFromTestCase(thing))
        elif name.startswith("test_") and callable(thing):
            tests.append(unittest.FunctionTestCase(thing))
    return tests


def order_of(case):
    """Compare methods of a class by where they stand in it."""
    places = {name: i for i, name in enumerate(
        n for c in reversed(case.__mro__) for n in vars(c))}
    return lambda a, b: places[a] - places[b]


def main():
    """Run the calling program's tests; exit 1 if one fails or none ran."""
    words = [a for a in sys.argv[1:] if not a.startswith("-")]
    tests = collect(sys.modules["__main__"])
    if words:
        tests = [t for t in tests
                 if any(w.replace("_", " ") in sentence(t) for w in words)]
    if "--list" in sys.argv:
        for test in tests:
            print(sentence(test))
        sys.exit(0)

    result = Result()
    unittest.TestSuite(tests).run(result)
    print(f"1..{result.count}")
    sys.stdout.flush()
    sys.exit(1 if result.bad or not result.count else 0)
