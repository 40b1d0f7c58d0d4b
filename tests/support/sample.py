"""What an ordinary run takes of the many that a deep one does all of: another
part each day.

FIRSTOPS_SEED chooses the part; a run that took one prints which, so that what
failed there can be had again.
"""

import os
import random
import time

DEEP = "FIRSTOPS_DEEP" in os.environ
SEED = int(os.environ.get("FIRSTOPS_SEED", time.time() // 86400))


def some(count, things):
    """So many of them, in their order; all in a deep run."""
    things = list(things)
    if DEEP or count >= len(things):
        return things
    print(f"# a sample: FIRSTOPS_SEED={SEED}")
    taken = random.Random(SEED).sample(range(len(things)), count)
    return [things[i] for i in sorted(taken)]


def first(stride):
    """The first of each so many."""
    if stride > 1:
        print(f"# each {stride}th: FIRSTOPS_SEED={SEED}")
    return random.Random(SEED).randrange(stride)
