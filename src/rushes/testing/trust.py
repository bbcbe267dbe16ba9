"""Having programs trust a test authority, in a home folder of their own and nowhere else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

AUTHORITY = "ca.pem"
"""What the emulator calls the file of its authority's certificate."""

CERTUTIL = "certutil"
"""Of the package libnss3-tools on Debian."""


def trusting(authority: Path, home: Path) -> dict[str, str]:
    """Return the environment in which programs trust the certificate in `authority`: HOME and SSL_CERT_FILE.

    Chromium on Linux asks the NSS database of its person's home, Python's programs the file. Raises
    FileNotFoundError without certutil, and on other systems, whose browsers ask the system.
    """
    program = shutil.which(CERTUTIL) if sys.platform == "linux" else None
    if program is None:
        raise FileNotFoundError(f"{CERTUTIL} is not installed (Debian: libnss3-tools)")
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True, exist_ok=True)
    name = ["-n", "the emulator's test authority", "-i", str(authority)]
    words = [program, "-d", f"sql:{database}", "-A", "-t", "C,,", *name]
    subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return {"HOME": str(home), "SSL_CERT_FILE": str(authority)}
