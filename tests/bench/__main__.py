"""``python -m tests.bench [name …]``: run the benchmarks named, or all of them, one after the other."""

import pkgutil
import subprocess
import sys
from pathlib import Path

HELPERS = {"__main__", "processor", "receiver", "simulated", "plain", "plain_settings"}


def main() -> int:
    """Each in a process of its own, so that none finds the other's connections or caches."""
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    known = [name for name in names if name not in HELPERS]
    wanted = sys.argv[1:] or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        sys.stderr.write(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(known)}\n")
        return 2
    return max(subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode for name in wanted)


if __name__ == "__main__":
    raise SystemExit(main())
