"""The command line of the service."""

from __future__ import annotations

import argparse
import gc
import getpass
import os
import secrets
import sys

import tracktion as tk
from tracktion_service.auth import Accounts
from tracktion_service.settings import Settings


def main(arguments: list[str] | None = None) -> None:
    """Serve, or manage users."""
    parser = argparse.ArgumentParser(description="A small web application that embeds tracktion.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="listen (the default)")
    user = commands.add_parser("set-password", help="make a user or change a password (asked for, or from PASSWORD)")
    user.add_argument("user")
    options = parser.parse_args(arguments)
    settings = Settings.from_environment()
    if options.command == "set-password":
        password = os.environ.get("PASSWORD") or getpass.getpass()
        with tk.open_storage(settings.storage) as storage:
            Accounts(storage, token_seconds=settings.token_seconds).set_password(options.user, password)
        return
    serve(settings)


def serve(settings: Settings) -> None:
    """Run until interrupted; the first start makes a user and tells its password once."""
    import uvicorn

    from tracktion_service.app import create_app

    with tk.open_storage(settings.storage) as storage:
        accounts = Accounts(storage, token_seconds=settings.token_seconds)
        if not accounts.has_user("admin"):
            password = secrets.token_urlsafe(12)
            accounts.set_password("admin", password)
            print(f"made the user 'admin' with the password {password}", file=sys.stderr)
    app = create_app(settings)
    gc.freeze()  # what is loaded now stays: no need to look through it again and again
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        timeout_keep_alive=30,
        limit_concurrency=1000,
        h11_max_incomplete_event_size=64 * 1024,
    )
