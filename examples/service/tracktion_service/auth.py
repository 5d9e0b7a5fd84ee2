"""Users with passwords, and the tokens that they get for them.

Passwords are hashed with scrypt, which is slow on purpose. Tokens are 256 random bits, so a fast hash is enough for
them: what is stored cannot be turned back into a token, and is compared in constant time. A token that was found good
is not looked up again for a second, so one that is revoked through another process is refused a second later; here it
is at once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from base64 import b64decode, b64encode
from typing import Any

from cachetools import TTLCache

from tracktion.storage import Storage

_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "maxmem": 64 * 1024 * 1024}
_NAME_LIMIT = 64
_FRESH_SECONDS = 1.0


class Accounts:
    """Users and tokens, kept as named values in the catalogue's storage.

    Parameters
    ----------
    storage
        Where they live.
    token_seconds
        How long a token is good for.
    """

    def __init__(self, storage: Storage, *, token_seconds: float) -> None:
        self._storage = storage
        self._token_seconds = token_seconds
        self._fresh: TTLCache[str, tuple[str, float]] = TTLCache(maxsize=10_000, ttl=_FRESH_SECONDS)
        self._revoked = 0
        self._lock = threading.Lock()

    def set_password(self, user: str, password: str) -> None:
        """Make a user, or change a password."""
        if not user.isidentifier() or len(user) > _NAME_LIMIT:
            raise ValueError("a user name is letters, digits and _, at most 64")
        if len(password) < 8:
            raise ValueError("a password has at least 8 characters")
        salt = secrets.token_bytes(16)
        record = {"salt": b64encode(salt).decode(), "hash": b64encode(_slow_hash(password, salt)).decode()}
        self._storage.set_value(f"service:user:{user}", json.dumps(record))

    def has_user(self, user: str) -> bool:
        """Whether there is such a user."""
        return self._storage.get_value(f"service:user:{user}") is not None

    def check_password(self, user: str, password: str) -> bool:
        """Whether the password is right; costs the same for users that do not exist."""
        known = self._storage.get_value(f"service:user:{user}") if user.isidentifier() else None
        record = json.loads(known) if known else {"salt": b64encode(bytes(16)).decode(), "hash": ""}
        given = _slow_hash(password, b64decode(record["salt"]))
        return hmac.compare_digest(given, b64decode(record["hash"]))

    def issue(self, user: str) -> str:
        """A new token of a user, ``id.secret``; only its hash is kept."""
        token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        record = {"user": user, "hash": _fast_hash(secret), "until": time.time() + self._token_seconds}
        self._storage.set_value(f"service:token:{token_id}", json.dumps(record))
        return f"{token_id}.{secret}"

    def remembered(self, token: str) -> str | None:
        """Whose token this is, if it was found good within the last second; reads no storage."""
        with self._lock:
            user, until = self._fresh.get(_fast_hash(token), ("", 0.0))
        return user if until >= time.time() else None

    def user_of(self, token: str) -> str | None:
        """Whose token this is; None when it is wrong, expired or revoked."""
        revoked = self._revoked
        token_id, record = self._find(token)
        if record is None:
            return None
        if record["until"] < time.time():
            self._storage.set_value(f"service:token:{token_id}", None)
            return None
        with self._lock:
            if revoked == self._revoked:  # or it may be the one that was revoked since it was read
                self._fresh[_fast_hash(token)] = str(record["user"]), record["until"]
        return str(record["user"])

    def revoke(self, token: str) -> bool:
        """End a token; whether it was one."""
        token_id, record = self._find(token)
        if record is not None:
            self._storage.set_value(f"service:token:{token_id}", None)
            with self._lock:
                self._revoked += 1
                self._fresh.pop(_fast_hash(token), None)
        return record is not None

    def _find(self, token: str) -> tuple[str, dict[str, Any] | None]:
        token_id, _, secret = token.partition(".")
        known = (
            self._storage.get_value(f"service:token:{token_id}") if len(token) < 200 and token_id.isalnum() else None
        )
        record: dict[str, Any] = json.loads(known) if known else {"hash": ""}
        right = hmac.compare_digest(_fast_hash(secret), record["hash"])
        return token_id, record if right else None


def _slow_hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "replace")[:1024], salt=salt, dklen=32, **_SCRYPT)


def _fast_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
