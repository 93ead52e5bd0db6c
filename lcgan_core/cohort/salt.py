"""The secret that makes hashes of patient ids useless to others; it stays outside every store."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from lcgan_core.errors import UserError

LENGTHS = range(16, 65)  # bytes; BLAKE2b takes no longer key


def hashed(salt: bytes, name: str) -> str:
    """Eight bytes as hexadecimal digits; only with the salt can `name` be checked against them."""
    return hashlib.blake2b(name.encode(), key=salt, digest_size=8).hexdigest()


def users_salt() -> bytes:
    """The user's salt, made on first use: $LCGAN_SALT, else ~/.config/lcgan/salt.

    The same salt gives the same patient the same hash in every store, by which a patient in two
    sets is found. Raises UserError for a file that is no salt.
    """
    path = Path(os.environ.get("LCGAN_SALT", Path.home() / ".config" / "lcgan" / "salt"))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    salt = path.read_bytes()
    if len(salt) not in LENGTHS:
        raise UserError(
            f"{path} holds {len(salt)} bytes and is no salt (16 to 64 random bytes); "
            "move it away, and a new one is made."
        )
    return salt


def check_of(salt: bytes) -> str:
    """Tells whether two stores were made with the same salt, and nothing about it."""
    return hashed(salt, "LcGAN slice store")
