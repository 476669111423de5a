"""The fuzzer sees what must not happen, repeats trials, and survives hangs and crashes."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tools.fuzz import __main__ as command
from tools.fuzz import guided, interrupted, mutations, readers
from tools.fuzz.campaign import Count, Kind, describe_mutation, repeat_trial, run_campaign
from tools.fuzz.counts import failed_trials, read_counts, record, record_repeated
from tools.fuzz.kinds import KINDS
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.outputs import damaged_files
from tools.fuzz.small_commands import COMMANDS, INPUTS
from tools.fuzz.table import counts_block
from utkage.cli.session import session
from utkage.core.errors import DataError

Act = Callable[[Random, Path], str]


def kind_of(act: Act) -> Kind:
    def run(random: Random, valid: Path, folder: Path) -> Outcome:
        assert (valid / "ready").is_file()
        assert not list(folder.iterdir())
        return Outcome(command=["x"], mutation="none", problem=act(random, folder), exit_code=0)

    return Kind(name="drawn", set_up=lambda folder: (folder / "ready").touch(), run=run, hang=0.3)


@pytest.fixture(autouse=True)
def no_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "import_commands", lambda: None)


def test_trials_are_counted_and_repeatable() -> None:
    kind = kind_of(lambda random, folder: "" if random.random() < 0.5 else "unexpected")
    count = run_campaign(kind, seconds=600, seed=3, trials=12)
    assert 0 < count.failed < count.trials
    assert count.failed == count.problems["unexpected"]
    outcomes = [repeat_trial(kind, 3, number).problem for number in range(8)]
    assert len(set(outcomes)) == 2
    assert outcomes == [repeat_trial(kind, 3, number).problem for number in range(8)]


def test_a_hang_and_a_crash_end_a_trial_but_not_the_campaign(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def act(random: Random, folder: Path) -> str:
        chance = random.random()
        if chance < 0.1:
            describe_mutation(folder, "sleeps")
            time.sleep(60)
        elif chance < 0.5:
            os._exit(3)
        return ""

    count = run_campaign(kind_of(act), seconds=600, seed=1, trials=14, keep=tmp_path)
    assert count.problems["hang"] >= 1
    assert count.problems["crash"] >= 1
    assert count.trials > count.failed
    assert "sleeps" in {path.read_text() for path in tmp_path.glob("*/.mutation")}
    assert "in act" in capsys.readouterr().out, "where it hangs"


def test_a_hang_is_measured_by_what_a_trial_computes() -> None:
    def compute(seconds: float) -> str:
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass
        return ""

    def wait(seconds: float) -> str:
        time.sleep(seconds)
        return ""

    for act, problem in (
        (lambda random, folder: compute(5), "hang"),
        (lambda random, folder: wait(0.7), ""),
        (lambda random, folder: wait(60), "hang"),
    ):
        began = time.monotonic()
        assert repeat_trial(kind_of(act), 1, 0).problem == problem
        assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (lambda: typer.echo('{"age": NaN}'), "not JSON"),
        (lambda: typer.echo('{"age": 1}\n{"age": -Infinity}'), "not JSON"),
        (lambda: typer.echo('[{"age": NaN}]'), "not JSON"),
        (lambda: typer.echo('{"status": "failed", "reason": "IndexError: x"}'), "unexpected"),
        (lambda: typer.echo('{"age": 1, "reason": "IndexError is a word"}'), ""),
        (lambda: 1 / 0, "unexpected"),
        (lambda: (_ for _ in ()).throw(DataError("a table")), ""),
        (lambda: (_ for _ in ()).throw(typer.Exit(77)), "exit code"),
    ],
)
def test_what_a_command_prints_is_judged(
    act: Callable[[], object], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()

    @app.command()
    def drawn() -> None:
        with session():
            act()

    monkeypatch.setattr("utkage.cli.app.app", app)
    outcome = run_command([], "none")
    assert outcome.problem == problem, outcome


def test_mutations_depend_on_the_random_numbers_alone() -> None:
    value = {"a": [1, 2, {"b": None}], "c": "x"}
    found = {str(mutations.mutated_value(value, Random(seed))) for seed in range(50)}
    assert len(found) > 20
    for seed in range(50):
        first, second = (mutations.mutated_text("a,b\n1,2\n", Random(seed)) for _ in range(2))
        assert first == second
        assert mutations.mutated_bytes(b"abc" * 9, Random(seed)) == mutations.mutated_bytes(
            b"abc" * 9, Random(seed)
        )


def test_there_are_kinds_and_a_wrong_name_is_refused() -> None:
    assert {"weights", "onnx", "checkpoints", "configs", "stores", "tables", "rows"} | {
        "pictures",
        "archives",
    } <= set(KINDS)
    result = CliRunner().invoke(command.app, ["nothing"])
    assert result.exit_code == 2
    assert "weights" in result.output


def test_a_campaign_runs_from_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for problem, code in (("", 0), ("hang", 1)):
        monkeypatch.setitem(KINDS, "drawn", kind_of(lambda random, folder, p=problem: p))
        result = CliRunner().invoke(command.app, ["drawn", "--trials", "2"])
        assert result.exit_code == code, result.output
        assert "== drawn" in result.output


def test_counts_become_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "counts.json"
    for seed, trials, hangs in ((1, 900, 1), (2, 200, 2), (2, 300, 1), (2, 300, 0)):
        count = Count("drawn", seed, trials=trials, slowest=seed, peak=seed * 10**9)
        count.failures = dict.fromkeys(range(hangs), "hang")
        count.problems.update({"hang": hangs} if hangs else {})
        record(count, "tools.fuzz", path)
    rows = read_counts(path)
    assert [row["trials"] for row in rows] == [900, 300], "a repeated campaign counts once"
    monkeypatch.setitem(KINDS, "drawn", kind_of(lambda random, folder: ""))
    text = counts_block(rows).text
    cells = [cell.strip() for cell in text.splitlines()[2].strip("|").split("|")]
    assert cells == ["drawn", "1, 2", "1,200", "1 hang", "3 hang", "2.0", "2.00"]
    # The failed trials, run again.
    assert failed_trials("drawn", 1, path) == [0]
    record_repeated("drawn", 1, 0, Outcome(command=[], mutation="", problem=""), path)
    assert failed_trials("drawn", 1, path) == []
    row = counts_block(read_counts(path)).text.splitlines()[2]
    assert [cell.strip() for cell in row.strip("|").split("|")][3:5] == ["0", "3 hang"]


def test_kinds_share_the_time_of_a_campaign(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("drawn", "other"):
        monkeypatch.setitem(KINDS, name, kind_of(lambda random, folder: ""))
    given: list[float] = []

    def campaign(kind: Kind, *, seconds: float, seed: int, **rest: object) -> Count:
        given.append(seconds)
        return Count(kind.name, seed, trials=1)

    monkeypatch.setattr(command, "run_campaign", campaign)
    result = CliRunner().invoke(command.app, ["drawn", "other", "--within", "600"])
    assert result.exit_code == 0, result.output
    assert result.output.count("==") == 2
    # What the first did not use is for the second.
    assert given == pytest.approx([300, 600], abs=60)


def test_a_kind_without_trials_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "drawn", kind_of(lambda random, folder: ""))
    result = CliRunner().invoke(command.app, ["drawn", "--within", "0"])
    assert "0 trials" in result.output
    assert result.exit_code == 1


def test_the_process_of_trials_ends_with_the_campaign(tmp_path: Path) -> None:
    """A fuzzer that is killed leaves no process that computes."""

    def act(random: Random, folder: Path) -> str:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(600)
        return ""

    child = os.fork()
    if not child:
        run_campaign(kind_of(act), seconds=60, seed=1)
        os._exit(0)
    worker = int(awaited(lambda: read_if_written(tmp_path / "pid")))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert awaited(lambda: not is_running(worker))


def read_if_written(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def is_running(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.is_file() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def awaited(found: Callable[[], Any]) -> Any:
    """What is found, at the latest after a minute."""
    deadline = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return value


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"a": 1'),
        ("a.jsonl", b'{"a": 1}\n{"a"'),
        ("a.jsonl", b'{"a": 1}'),
        ("a.csv", b"a,b\n1\n"),
        ("a.csv", b"a,b\n1,2"),
        ("a.png", b"\x89PNG"),
        ("a.safetensors", b"\x00"),
        ("a.html", b"<html>"),
    ],
)
def test_half_files_are_seen(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / f".{name}").write_bytes(content)
    (found,) = damaged_files(tmp_path)
    assert found.startswith(f"{name}: ")


@pytest.fixture
def valid(tmp_path: Path, examples: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What trials of one short command start from."""
    photos = tmp_path / "valid" / INPUTS / "photos"
    photos.mkdir(parents=True)
    shutil.copy(examples / "portrait.jpg", photos)
    for name in set(COMMANDS) - {"manifest"}:
        monkeypatch.delitem(COMMANDS, name)
    return tmp_path / "valid"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX")
def test_a_command_is_stopped_and_run_again(valid: Path, tmp_path: Path) -> None:
    codes = set()
    interrupted.usual_seconds("manifest", valid)
    # The first command in this process started the server of processes, too.
    (valid / "manifest.seconds").write_text("0.1")
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        outcome = interrupted.KILLS.run(Random(seed), valid, folder)
        assert not outcome.problem, outcome
        codes.add(outcome.exit_code)
    assert codes - {0}, "some were stopped"
    (tmp_path / "pair").mkdir()
    outcome = interrupted.PAIRS.run(Random(1), valid, tmp_path / "pair")
    assert not outcome.problem, outcome


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="SIGKILL of POSIX")
def test_what_a_stopped_command_loses_is_seen(valid: Path, tmp_path: Path) -> None:
    interrupted.usual_seconds("manifest", valid)
    (valid / "manifest" / "another.html").write_text("</html>")
    problems = set()
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        problems.add(interrupted.KILLS.run(Random(seed), valid, folder).problem)
    assert "differs" in problems


def test_readers_of_the_guided_search() -> None:
    assert tuple(readers.READERS) == guided.READER_NAMES
    random = Random(5)
    for name, reader in readers.READERS.items():
        for content in reader.seeds():
            # Valid, so no error of utkage either.
            reader.read(content)
            for _ in range(20):
                readers.read_expected(name, mutations.mutated_bytes(content, random)[0])


def test_a_guided_search_reads_one_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tmp_path / "crash"
    found.write_bytes(b"{")
    assert CliRunner().invoke(guided.app, ["card", "--input", str(found)]).exit_code == 0
    broken = replace(readers.READERS["card"], read=lambda content: 1 / 0)
    monkeypatch.setitem(readers.READERS, "card", broken)
    result = CliRunner().invoke(guided.app, ["card", "--input", str(found)])
    assert isinstance(result.exception, ZeroDivisionError)
    assert "card" in CliRunner().invoke(guided.app, ["nothing"]).output


def test_values_of_json_are_changed_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    content = b'{"a": 1, "b": [2, "x"]}\n{"a": 3}\n'
    found = {readers.mutated_json(_Mutator, content, 1000, seed) for seed in range(60)}
    assert _Mutator.Mutate(content, 1000) in found
    assert len(found) > 20
    assert any(b'{"a": 3}\n' in each and not each.startswith(content[:20]) for each in found)


class _Mutator:
    @staticmethod
    def Mutate(content: bytes, longest: int) -> bytes:  # noqa: N802
        return b"mutated"
