"""The account that runs PostgreSQL, which refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OWN_ACCOUNT = "predictu"


@dataclass(frozen=True)
class Account:
    """Who runs a server: this very user, or for root somebody without rights."""

    uid: int
    gid: int

    @property
    def switch(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make the child run as this account."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, directory: Path) -> bool:
        """Whether the account gets into the directory, through every directory above it. Asked of the kernel, which
        alone knows about access lists and mount options."""
        test = ["sh", "-c", 'test -x "$1" && cd "$1"', "sh", str(directory)]
        return subprocess.run(test, cwd="/", capture_output=True, check=False, **self.switch).returncode == 0

    def own(self, directory: Path) -> None:
        """Make a directory that this account alone may use."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            os.chown(directory, self.uid, self.gid)


def owner(path: Path) -> Account:
    """The account a file belongs to."""
    found = path.stat()
    return Account(uid=found.st_uid, gid=found.st_gid)


def choose() -> Account:
    """This user; for root the system's `postgres`, else an account made for the purpose, else `nobody`."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    for name in ("postgres", OWN_ACCOUNT):
        if found := _named(name):
            return found
    if useradd := shutil.which("useradd"):
        options = ["--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
        subprocess.run([useradd, *options, OWN_ACCOUNT], capture_output=True, check=False)
    return _named(OWN_ACCOUNT) or _named("nobody") or Account(uid=65534, gid=65534)


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)
