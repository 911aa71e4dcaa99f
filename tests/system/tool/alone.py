# SPDX-License-Identifier: BSD-3-Clause
"""Other tests run at the same time, and have processes that publish."""
import os
import subprocess
import sys


def is_alone():
    """Starts the script again in a pid namespace of its own. False if the kernel refuses that."""
    if 'ALONE' in os.environ:
        return True
    unshare = ['unshare', *([] if os.geteuid() == 0 else ['--map-root-user']), '--pid', '--fork', '--mount-proc']
    try:
        refused = subprocess.run([*unshare, 'true'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except FileNotFoundError:
        return False
    if refused:
        return False
    os.environ['ALONE'] = 'yes'
    sys.stdout.flush()
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
