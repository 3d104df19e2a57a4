"""A certificate authority of our own and a certificate for one name, for as long as a test runs."""

from __future__ import annotations

import subprocess
from pathlib import Path


def openssl(*arguments: str, where: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=where, check=True, capture_output=True, timeout=30)


def authority(where: Path, name: str = "radarr.home.test", days: int = 30) -> tuple[Path, tuple[Path, Path]]:
    """(root certificate, (certificate for `name`, its key)); a negative `days` makes it expired."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-days", "90",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-subj", "/CN=mediastack test root",
            where=where)  # fmt: skip
    openssl("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", f"/CN={name}", where=where)
    (where / "san").write_text(f"subjectAltName=DNS:{name}\nauthorityKeyIdentifier=keyid\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "leaf.crt", "-days", str(days), "-extfile", "san", where=where)  # fmt: skip
    return where / "ca.crt", (where / "leaf.crt", where / "leaf.key")
