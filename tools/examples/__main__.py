"""Make the pictures in examples/, and inputs for trying the commands.

python -m tools.examples demo-set OUT            a small labelled set of synthetic chips
python -m tools.examples clip PICTURE CLIP       a clip of a moving still picture
python -m tools.examples pictures DATA           examples/ anew, from aligned UTKFace chips
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tools.documents import ROOT
from tools.examples.averages import AverageOptions
from tools.examples.clip import FRAME_RATE, write_clip
from tools.examples.demo_set import make_demo_set
from tools.examples.pictures import make_pictures
from tools.program import new_parser, run_program
from utkage.images.decode import load_image

FACES = ROOT / "examples" / "faces"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make one of them."""
    parser = new_parser("tools.examples", __doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser("demo-set", help="make a small labelled set of synthetic chips")
    demo.add_argument("out", type=Path, help="folder for the chips")
    demo.add_argument("--count", type=int, default=240, help="number of chips (%(default)s)")
    demo.add_argument("--seed", type=int, default=0, help="%(default)s")
    demo.add_argument("--faces", type=Path, default=FACES, help="averaged faces")
    clip = commands.add_parser("clip", help="make a clip of a moving still picture")
    clip.add_argument("picture", type=Path, help="a picture")
    clip.add_argument("out", type=Path, help="an .mp4 file")
    clip.add_argument("--seconds", type=float, default=5.0, help="length (%(default)s)")
    pictures = commands.add_parser("pictures", help="make examples/ from aligned UTKFace chips")
    pictures.add_argument("data", type=Path, help="folder of 200x200 chips")
    pictures.add_argument("--out", type=Path, default=Path("examples"), help="%(default)s")
    pictures.add_argument("--seed", type=int, default=0, help="seed of the scenes (%(default)s)")
    pictures.add_argument(
        "--minimum", type=int, default=AverageOptions.minimum, help="chips per face (%(default)s)"
    )
    return run_program(partial(_run, parser.parse_args(arguments)))


def _run(options: argparse.Namespace) -> None:
    if options.command == "demo-set":
        paths = make_demo_set(options.faces, options.out, options.count, options.seed)
        print(f"{len(paths)} chips in {options.out}")
    elif options.command == "clip":
        still = load_image(options.picture)
        write_clip(options.out, still, round(options.seconds * FRAME_RATE))
    else:
        averages = AverageOptions(minimum=options.minimum)
        make_pictures(options.data, options.out, averages, options.seed)


if __name__ == "__main__":
    sys.exit(main())
