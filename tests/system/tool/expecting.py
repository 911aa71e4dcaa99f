# SPDX-License-Identifier: BSD-3-Clause
"""For tests in Python: expectations, which are counted, and the end of a test."""
import os
import sys
import time

failures = 0
results = 0


def expect(what, found, wanted):
    global failures
    if found != wanted:
        failures += 1
        print(f'FAIL {what}: {found!r}, and not {wanted!r}')


def result(good, what, said=''):
    """Like expect(), but prints a line of TAP."""
    global failures, results
    results += 1
    print(f'{"ok" if good else "not ok"} {results} - {what}', flush=True)
    if not good:
        failures += 1
        print(f'# {said!r}'[:2000], flush=True)


def wait_for(what, condition):
    """Waits until this is true. The limit is only for a test that hangs."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    sys.exit(f'this did not happen in a minute: {what}')


def finish():
    """Ends the test, with status 0 if all was as expected."""
    name = os.path.basename(sys.argv[0]).removesuffix('.py')
    print(f'1..{results}' if results else f'{name}: ' + ('failed' if failures else 'passed'), flush=True)
    sys.exit(1 if failures else 0)
