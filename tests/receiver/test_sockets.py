"""States told to a socket without a file: who said it is the kernel's word."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from receiver.sockets import STATES_AT_ONCE, announced_work, state_socket, states, tell_service_manager

TELL = "from receiver.sockets import tell_service_manager; tell_service_manager('READY=1')"


def test_a_state_comes_with_the_process_that_told_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing, address = state_socket()
    with hearing:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        tell_service_manager("WATCHDOG=1")
        assert list(states(hearing)) == [(os.getpid(), "WATCHDOG=1")]
        child = subprocess.Popen([sys.executable, "-c", TELL])
        assert child.wait(30) == 0
        assert list(states(hearing)) == [(child.pid, "READY=1")]
        assert list(states(hearing)) == []


def test_a_full_queue_and_a_socket_that_is_gone_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    hearing, address = state_socket()
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with hearing:
        for _ in range(10_000):
            tell_service_manager("WATCHDOG=1")
        heard = 0
        while select.select([hearing], [], [], 0)[0]:
            now = len(list(states(hearing)))
            assert 0 < now <= STATES_AT_ONCE
            heard += now
        assert heard < 10_000
    tell_service_manager("WATCHDOG=1")


def test_two_supervisors_have_two_sockets() -> None:
    (one, first), (other, second) = state_socket(), state_socket()
    with one, other:
        assert first != second


@pytest.mark.parametrize("watched", [True, False])
def test_long_work_is_announced_and_its_end_too(watched: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    hearing, address = state_socket()
    with hearing:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.delenv("WATCHDOG_USEC", raising=False)
        if watched:
            monkeypatch.setenv("WATCHDOG_USEC", "15000000")
        with pytest.raises(KeyError), announced_work(60):
            raise KeyError
        told = [words for _, words in states(hearing)]
    wanted = ["WATCHDOG_USEC=60000000\nWATCHDOG=1", "WATCHDOG_USEC=15000000\nWATCHDOG=1"]
    assert told == (wanted if watched else [])
