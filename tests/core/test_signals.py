"""Stop signals are recorded while the body runs, and handled as before afterwards."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from utkage.core import signals
from utkage.core.signals import (
    STOP_SIGNALS,
    Stopped,
    deferred_stop_signals,
    is_saving,
    raising_stop_signals,
    stop_message,
    work_to_save,
)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_is_recorded_instead_of_interrupting(number: int) -> None:
    before = signal.getsignal(number)
    with deferred_stop_signals() as arrived:
        assert not arrived()
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert arrived() == number
    assert signal.getsignal(number) is before


def test_a_second_signal_may_interrupt() -> None:
    with deferred_stop_signals(second_interrupts=True) as arrived:
        signal.raise_signal(signal.SIGINT)
        assert arrived()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_other_threads_change_no_handlers() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = []

    def body() -> None:
        with deferred_stop_signals() as arrived:
            found.extend([signal.getsignal(signal.SIGINT), arrived()])

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert found == [before, False]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_is_raised_and_its_number_kept(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt) as caught, raising_stop_signals() as arrived:
        signal.raise_signal(number)
    assert arrived() == number
    assert isinstance(caught.value, Stopped) == (number != signal.SIGINT)
    assert signal.getsignal(number) is before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with raising_stop_signals() as arrived, deferred_stop_signals() as recorded:
            signal.raise_signal(signal.SIGTERM)
            assert (arrived(), recorded()) == (0, 0)
    finally:
        signal.signal(signal.SIGTERM, before)


IMPORTED = """
import signal
try:
    signal.raise_signal(signal.SIGTERM)
except BaseException:
    SWALLOWED = True
"""


def test_a_signal_in_an_import_is_raised_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Packages swallow what is raised while they are imported.
    (tmp_path / "swallowing_package.py").write_text(IMPORTED)
    monkeypatch.syspath_prepend(str(tmp_path))

    def load() -> None:
        with raising_stop_signals():
            importlib.import_module("swallowing_package")
            time.sleep(5)

    with pytest.raises(Stopped):
        load()
    assert not hasattr(sys.modules.pop("swallowing_package"), "SWALLOWED")


def test_an_interrupt_that_was_swallowed_counts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "IMPORT_SECONDS", 0.0)
    with raising_stop_signals():
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        with deferred_stop_signals() as arrived:
            assert arrived() == signal.SIGTERM


def test_messages_of_signals() -> None:
    assert stop_message(signal.SIGINT) == "interrupted"
    assert stop_message(signal.SIGTERM) == "stopped by SIGTERM"


def test_when_work_is_saved() -> None:
    with raising_stop_signals():
        assert not is_saving()
        with work_to_save():
            assert is_saving()
            with deferred_stop_signals():
                assert is_saving()
            assert is_saving()
        assert not is_saving()
        with deferred_stop_signals():
            assert is_saving()
    with work_to_save():
        assert not is_saving(), "no handler of ours would save"


def test_a_signal_of_another_thread_ends_the_sleep_of_the_main_thread() -> None:
    def sleep() -> None:
        with raising_stop_signals():
            threading.Timer(0.05, signals.signal_again, (signal.SIGTERM,)).start()
            time.sleep(5)

    started = time.monotonic()
    with pytest.raises(Stopped):
        sleep()
    assert time.monotonic() - started < 4
