"""The secret that makes hashes of patient ids useless to others; it stays outside every store."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from lcgan_core.errors import UserError

LENGTHS = range(16, 65)  # bytes; BLAKE2b takes no longer key


def hashed(salt: bytes, name: str) -> str:
    """Eight bytes as hexadecimal digits; only with the salt can `name` be checked against them."""
    return hashlib.blake2b(name.encode(errors="surrogatepass"), key=salt, digest_size=8).hexdigest()


def users_salt() -> bytes:
    """The user's salt, made on first use: $LCGAN_SALT, else ~/.config/lcgan/salt.

    The same salt gives the same patient the same hash in every store, by which a patient in two
    sets is found. Raises UserError for a file that is no salt.
    """
    path = Path(os.environ.get("LCGAN_SALT") or Path.home() / ".config" / "lcgan" / "salt")
    try:
        salt = _read(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be used as the salt ({error.strerror}); set LCGAN_SALT to a file of "
            "your own, which is made if it is missing."
        ) from None
    if len(salt) not in LENGTHS:
        raise UserError(
            f"{path} is no salt, which has 16 to 64 random bytes and not {path.stat().st_size}; "
            "move it away, and a new one is made."
        )
    return salt


def _read(path: Path) -> bytes:
    if not path.exists():
        _make(path)
    if not path.is_file():  # reading a pipe would wait for ever
        raise OSError(errno.EINVAL, "it is no file")
    with path.open("rb") as file:
        return file.read(LENGTHS.stop)


def _make(path: Path) -> None:
    """Whole or not at all, and by one process only: two salts would be two names for a patient."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".salt-") as file:  # its owner's only
        file.write(secrets.token_bytes(32))
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)


def check_of(salt: bytes) -> str:
    """Tells whether two stores were made with the same salt, and nothing about it."""
    return hashed(salt, "LcGAN slice store")
