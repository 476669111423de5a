"""Run commands on mutated inputs, and count what must not happen.

    python -m tools.fuzz                                   every kind, 60 seconds each
    python -m tools.fuzz weights rows --seconds 600        these kinds, ten minutes each
    python -m tools.fuzz weights --seed 3 --trial 812      one trial again, with its output
    python -m tools.fuzz kills --seed 3 --again --record   the recorded failures again

A trial fails if the command prints a traceback or an "unexpected" error, dies, has an undocumented
exit code, takes too long, or prints JSON with a number that is not finite. The same kind, seed and
number give the same trial. The exit code is 1 if a trial failed or a kind had none.
`python -m tools.fuzz.table` writes recorded counts into docs/reliability.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tools.fuzz.campaign import Kind, import_commands, repeat_trial, repeat_trials, run_campaign
from tools.fuzz.counts import failed_trials, record, record_repeated
from tools.fuzz.kinds import KINDS
from tools.program import new_app, run_app

PROGRAM = "tools.fuzz"
app = new_app(__doc__)


@app.command(help=__doc__)
def fuzz(
    names: Annotated[list[str] | None, typer.Argument(help="kinds of input; default: all")] = None,
    seconds: Annotated[float, typer.Option(help="time for each kind")] = 60.0,
    seed: Annotated[int, typer.Option(help="seed of all mutations")] = 0,
    trials: Annotated[int | None, typer.Option(help="end each kind after so many")] = None,
    trial: Annotated[int | None, typer.Option(help="repeat only this trial")] = None,
    again: Annotated[
        bool, typer.Option(help="run the failed trials of a recorded campaign again")
    ] = False,
    within: Annotated[
        float | None, typer.Option(help="time for all kinds together, instead of --seconds")
    ] = None,
    keep_counts: Annotated[
        bool, typer.Option("--record", help="add the counts to tools/fuzz/counts.json")
    ] = False,
    keep: Annotated[Path | None, typer.Option(help="folder for the inputs that failed")] = None,
) -> None:
    """Run a campaign for each kind, one after the other."""
    unknown = sorted(set(names or ()) - set(KINDS))
    if unknown:
        raise typer.BadParameter(
            f"no kind named {', '.join(unknown)}; there are {', '.join(KINDS)}"
        )
    kinds: list[Kind] = [KINDS[name] for name in names or KINDS]
    import_commands()
    if trial is not None:
        for kind in kinds:
            print(repeat_trial(kind, seed, trial, keep))
        return
    if again:
        fail_again = [kind for kind in kinds if _repeat_failed(kind, seed, keep_counts)]
        raise typer.Exit(int(bool(fail_again)))
    failed = 0
    ends = time.monotonic() + (within or 0.0)
    for number, kind in enumerate(kinds):
        if within is not None:
            seconds = (ends - time.monotonic()) / (len(kinds) - number)
        options = {} if within is None else {"set_up_seconds": seconds}
        count = run_campaign(kind, seconds=seconds, seed=seed, trials=trials, keep=keep, **options)
        print(count, flush=True)
        if keep_counts:
            record(count, PROGRAM)
        # A kind whose set-up takes all of its time has tested nothing.
        failed += count.failed if count.trials else 1
    raise typer.Exit(int(failed > 0))


def _repeat_failed(kind: Kind, seed: int, keep_counts: bool) -> bool:
    """Whether a failed trial of a recorded campaign fails again."""
    fails = False
    for number, outcome in repeat_trials(kind, seed, failed_trials(kind.name, seed)):
        print(f"-- {kind.name} --seed {seed} --trial {number}\n{outcome}", flush=True)
        if keep_counts:
            record_repeated(kind.name, seed, number, outcome)
        fails = fails or bool(outcome.problem)
    return fails


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return run_app(app, PROGRAM, arguments)


if __name__ == "__main__":
    sys.exit(main())
