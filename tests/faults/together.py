"""Many cases of one thing, tried side by side.

Each worker is a process: half of what a case costs is Python's own, and that
takes one processor however many threads there are.
"""

import multiprocessing
import traceback

WORKERS = 2


def work_through(cases, work, workers=WORKERS):
    """work(number, mine) in so many processes, where mine yields cases that
    nobody else has: what each returned. If one fails, the others stop."""
    cases = list(cases)
    fork = multiprocessing.get_context("fork")
    taken = fork.Value("L", 0)
    told = fork.SimpleQueue()

    def mine():
        while True:
            with taken.get_lock():
                number = taken.value
                taken.value += 1
            if number >= len(cases):
                return
            yield cases[number]

    def run(number):
        try:
            told.put((work(number, mine()), None))
        except Exception:
            taken.value = len(cases)
            told.put((None, traceback.format_exc()))

    processes = [fork.Process(target=run, args=(n,)) for n in range(workers)]
    for process in processes:
        process.start()
    answers = [told.get() for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0, process.exitcode
    wrong = [text for _, text in answers if text]
    assert not wrong, "\n" + "\n".join(wrong)
    return [answer for answer, _ in answers]
