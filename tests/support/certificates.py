"""Certificates of a day, made by openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["Authority"]


class Authority:
    """Signs certificates; its own is `ca.pem` in its folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl, to make certificates")
        self.folder, self.name = folder, name
        folder.mkdir(parents=True, exist_ok=True)
        self._run(*self._new(name), "-x509", "-days", "1", "-out", self.cert)

    @property
    def cert(self) -> str:
        return str(self.folder / f"{self.name}.pem")

    def sign(self, name: str) -> tuple[str, str]:
        """Return the files of a new certificate, good for localhost, and of its key."""
        request, cert = self.folder / f"{name}.csr", self.folder / f"{name}.pem"
        extension = self.folder / f"{name}.ext"
        extension.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._run(*self._new(name), "-out", request)
        self._run(
            *("openssl", "x509", "-req", "-in", request, "-days", "1", "-out", cert),
            *("-CA", self.cert, "-CAkey", self.folder / f"{self.name}.key", "-CAcreateserial"),
            *("-extfile", extension),
        )
        key = self.folder / f"{name}.key"
        key.chmod(0o600)
        return str(cert), str(key)

    def _new(self, name: str) -> list[str]:
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        key = str(self.folder / f"{name}.key")
        return ["openssl", "req", *curve, "-subj", f"/CN={name}", "-keyout", key]

    def _run(self, *command: object) -> None:
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
