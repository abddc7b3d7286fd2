"""`python -m predictu.local.tether PARENT COMMAND…`: become COMMAND, and be told to end when PARENT dies.

A supervisor that is killed outright cannot stop its children; on Linux the kernel does it for them.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the parent is gone already")
    os.execvp(command[0], command)  # noqa: S606 - the command is the supervisor's


if __name__ == "__main__":
    main()
