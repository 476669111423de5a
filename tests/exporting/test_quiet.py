import logging
import warnings

import pytest

from utkage.exporting.quiet import silenced


def test_nothing_is_printed_logged_or_warned(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger("some.exporter")
    with warnings.catch_warnings(record=True) as caught, silenced("some.exporter"):
        print("hello")
        warnings.warn("careful", stacklevel=1)
        logger.warning("note")
    assert not caught
    assert not caplog.records
    assert capfd.readouterr().out == ""
    logger.warning("after")
    assert [record.message for record in caplog.records] == ["after"]
