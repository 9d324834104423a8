"""Handing a command to the centre: over its socket, or, when it is stopped, by the same desk on our own lock."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Callable
from typing import Any, Final

from receiver.centre.command import BYTES_MAX, Command
from receiver.centre.opening import open_contract
from receiver.clock import Clock
from receiver.config import load
from receiver.errors import BadInput, RefusedByRule, StoreUnavailable
from receiver.installation import Installation
from receiver.scenario import Scenario

ANSWER_S: Final = 60.0


def new_command(verb: str, args: dict[str, Any], actor: str, expected_version: int | None = None) -> Command:
    """A command with an id of its own."""
    return Command(secrets.token_hex(12), actor, verb, args, expected_version)


def post(
    installation: Installation,
    scenario: Callable[[], Scenario],
    name: str,
    command: Command,
    clock: Clock,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """The desk's reply, after the commit.

    scenario: loads the contract, called only if the centre is stopped; name: of the contract; `say` is told then.
    Raises RefusedByRule, BadInput or StoreUnavailable.
    """
    reply = ask(installation, name, command)
    if reply is None:
        done = _directly(installation, scenario(), command, clock)
        say("the centre is not running; written directly to its store")
        return done
    if "refused" in reply:
        refused = reply["refused"]
        raise RefusedByRule(refused["clause"], refused["reason"], tuple(refused["details"]))
    if "error" in reply:
        kind = StoreUnavailable if reply["error"]["exit_code"] == StoreUnavailable.exit_code else BadInput
        error = kind(reply["error"]["message"])
        error.details = tuple(reply["error"]["details"])
        raise error
    ok: dict[str, Any] = reply["ok"]
    return ok


def ask(installation: Installation, name: str, command: Command) -> dict[str, Any] | None:
    """The running centre's reply as it sends it; None if none runs. Raises StoreUnavailable if it breaks off."""
    path, line = installation.command_socket(name), command.to_line()
    if len(line) > BYTES_MAX:
        raise BadInput(f"{len(line) / 1e6:.1f} MB in one command, at most {BYTES_MAX // 1_000_000}; split the list")
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(ANSWER_S)
        try:
            peer.connect(f"/proc/self/fd/{folder}/{path.name}")
        except PermissionError:
            raise StoreUnavailable(f"{path}: this user may not talk to the centre") from None
        except OSError:
            return None
        finally:
            os.close(folder)
        try:
            peer.sendall(line)
            answer = peer.makefile("rb").readline()
        except OSError as error:
            raise StoreUnavailable(f"the centre did not answer ({error}); ask again: `yobirin case list`") from None
    try:
        value = json.loads(answer)
    except json.JSONDecodeError:
        raise StoreUnavailable(
            "the centre stopped while it was asked; look what became of it: `yobirin case list`"
        ) from None
    assert isinstance(value, dict)
    return value


def _directly(installation: Installation, scenario: Scenario, command: Command, clock: Clock) -> dict[str, Any]:
    config = load(installation.config) if installation.config else None
    opened = open_contract(installation, scenario, clock, config)
    try:
        (result,) = opened.store.transact(lambda tx: opened.desk.handle(tx, command, clock.now()))
    finally:
        opened.close()
    if isinstance(result, BaseException):
        raise result
    value: dict[str, Any] = result.value
    return value
