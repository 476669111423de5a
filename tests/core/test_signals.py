"""Stop signals are recorded while the body runs, and handled as before afterwards."""

import signal
import threading

import pytest

from utkage.core.signals import deferred_stop_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_recorded_instead_of_interrupting(number: int) -> None:
    before = signal.getsignal(number)
    with deferred_stop_signals() as arrived:
        assert not arrived()
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert arrived()
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
