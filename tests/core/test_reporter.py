import pytest

from utkage.core.reporter import SilentReporter


def test_the_silent_reporter_discards_everything(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = SilentReporter()
    reporter.info("a")
    reporter.warn("b")
    with reporter.progress("c", None) as task:
        task.advance()
        task.advance(3, "note")
    assert capfd.readouterr() == ("", "")
