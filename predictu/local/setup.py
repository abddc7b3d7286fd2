"""`python3 -I predictu/local/setup.py [--dev]`: the virtual environment, the packages and the system's libraries.

Run by the Makefile with whatever Python the machine has, so it uses the standard library alone. It does nothing that
is done already: a second run takes a fraction of a second.
"""

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / os.environ.get("VENV", ".venv")
PYTHON = VENV / "bin" / "python"

PANGO = {"Linux": ["libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0"]}
PANGO["Darwin"] = ["libpango-1.0.dylib", "libpangoft2-1.0.dylib", "libharfbuzz-subset.0.dylib"]
PANGO_PACKAGES = ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"]
FONT_FOLDERS = [
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
]
FONT_PACKAGES = ["fonts-dejavu-core", "fonts-noto-core"]
CHROMIUM = Path("/usr/bin/chromium")


def main() -> None:
    lock = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)  # make run and make test may start together on a fresh checkout
    make_environment()
    install("requirements-dev.txt" if "--dev" in sys.argv else "requirements.txt")
    require_libraries()
    if "--dev" in sys.argv:
        require_browser()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(command: list[str], **options: object) -> bool:
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **options).returncode == 0  # type: ignore[call-overload]


def make_environment() -> None:
    """Make the virtual environment, or make it again if it was left half-made or its Python is gone."""
    probe = [str(PYTHON), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    if PYTHON.exists() and run(probe, capture_output=True):
        return
    say(f"Making the virtual environment {VENV}")
    if importlib.util.find_spec("ensurepip") is None:  # Debian keeps it in a package of its own
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        apt_install([package]) or sys.exit(f"Python's venv module is missing: sudo apt-get install {package}")
    if not run([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        sys.exit("the virtual environment could not be made")


def install(requirements: str) -> None:
    """Install a list of packages unless this very list is installed. The list for development holds the other one."""
    if stamp(requirements).exists():
        return
    say(f"Installing {requirements}")
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    if not run([str(PYTHON), "-m", "pip", "install", *options, "-r", str(ROOT / requirements)]):
        sys.exit(f"pip could not install {requirements}")
    for old in VENV.glob(".installed-*"):
        old.unlink()
    stamp("requirements.txt").touch()
    stamp(requirements).touch()


def stamp(requirements: str) -> Path:
    """A file that exists while what is installed is what the lists say."""
    names = ["requirements.txt"] if requirements == "requirements.txt" else ["requirements.txt", requirements]
    digest = hashlib.sha256(b"".join((ROOT / name).read_bytes() for name in names)).hexdigest()[:16]
    return VENV / f".installed-{digest}"


def require_libraries() -> None:
    """Pango for the PDFs and a font for it, installed where that is allowed, else asked for in a line."""
    missing = [] if all(map(loads, PANGO.get(platform.system(), []))) else PANGO_PACKAGES
    packages = missing + ([] if has_fonts() else FONT_PACKAGES)
    if not packages:
        return
    say("Installing what PDFs need: " + " ".join(packages))
    if shutil.which("brew") and platform.system() == "Darwin":
        done, by_hand = run(["brew", "install", "pango"]), "brew install pango"
    else:
        done, by_hand = apt_install(packages), "sudo apt-get install " + " ".join(packages)
    if not done:
        say(f"Not installed; everything but PDFs works without. To install it: {by_hand}")


def require_browser() -> None:
    """Chromium for the browser tests, installed where that is allowed; they say that they are skipped without it."""
    if platform.system() != "Linux" or CHROMIUM.exists():
        return
    say("Installing chromium for the browser tests")
    if not apt_install(["chromium"]):
        say("Not installed; the browser tests are skipped. To install it: sudo apt-get install chromium")


def loads(library: str) -> bool:
    folders = ["", "/opt/homebrew/lib/", "/usr/local/lib/"] if platform.system() == "Darwin" else [""]
    for folder in folders:
        try:
            ctypes.CDLL(folder + library)
        except OSError:
            continue
        return True
    return False


def has_fonts() -> bool:
    return any(any(Path(folder).expanduser().rglob("*.[to]t[fc]")) for folder in FONT_FOLDERS)


def apt_install(packages: list[str]) -> bool:
    """Whether the packages could be installed: on Debian or Ubuntu as root, or with a sudo that does not ask or has
    somebody to ask."""
    if not shutil.which("apt-get"):
        return False
    become: list[str] = []
    if os.geteuid() != 0:
        quiet_sudo = shutil.which("sudo") and run(["sudo", "-n", "true"], capture_output=True)
        if not quiet_sudo and not (shutil.which("sudo") and sys.stdin.isatty()):
            return False
        become = ["sudo"]
    options = ["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"]
    apt = [*become, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    output = {"stdout": subprocess.DEVNULL}
    return run([*apt, "install", *options, *packages], stderr=subprocess.DEVNULL, **output) or (
        run([*apt, "update", "-qq"], **output) and run([*apt, "install", *options, *packages], **output)
    )


if __name__ == "__main__":
    main()
