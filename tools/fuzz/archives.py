"""Tar and zip archives of labelled pictures: damaged, with odd members, or with very many."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from random import Random

from tools.fuzz.campaign import Kind, describe_mutation
from tools.fuzz.mutations import NUMBERS, TEXTS, mutated_bytes
from tools.fuzz.outcome import Outcome, run_command
from tools.fuzz.pictures import picture_bytes

_MODES = ("w", "w:gz", "w:bz2", "w:xz")
_NAMES = (
    "../{}",
    "/{}",
    "a/../../{}",
    "./{}",
    "{}/",
    "a\\..\\{}",
    "\u202e{}",
    "\x1b[31m{}",
    "{}\n",
)
_TYPES = (
    *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE),
    *(tarfile.GNUTYPE_SPARSE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, b"z"),
)
_MANY = 2_000


def _members(random: Random) -> dict[str, bytes]:
    count = random.choice((1, 3, 12))
    labels = (
        (random.randrange(130), random.randrange(3), random.randrange(6)) for _ in range(count)
    )
    files = {
        f"faces/{age}_{gender}_{race}_{number}.jpg": picture_bytes(random)
        for number, (age, gender, race) in enumerate(labels)
    }
    chance = random.random()
    if chance < 0.15:
        files["faces/labels.csv"] = b"file,age,gender\n" + b"1_0_0_0.jpg,30,male\n" * count
    elif chance < 0.25:
        files |= {f"faces/{number}_0_0_1.jpg": b"" for number in range(_MANY)}
    elif chance < 0.35:
        files["faces/9_0_0_9.jpg"] = bytes(random.choice((1_000, 20_000_000)))
    return {_name(name, random): content for name, content in files.items()}


def _name(name: str, random: Random) -> str:
    if random.random() < 0.9:
        return name
    if random.random() < 0.5:
        return random.choice(TEXTS).replace("\ud800", "\udc80") + name
    return random.choice(_NAMES).format(name)


def _tar(random: Random) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    mode = random.choice(_MODES)
    changes = []
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in _members(random).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            if random.random() < 0.05:
                member.type = random.choice(_TYPES)
                member.linkname = random.choice(("../x", "/etc/passwd", name))
                changes.append(f"type {member.type!r}")
            if random.random() < 0.02:
                member.pax_headers = {"size": str(random.choice(NUMBERS)), "path": name * 50}
                changes.append("pax headers")
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue(), f"tar {mode} {' '.join(changes)}"


def _zip(random: Random) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in _members(random).items():
            member = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
            if random.random() < 0.05:
                member.external_attr = random.choice((0o120777, 0o010644, 0o040755)) << 16
            archive.writestr(member, content, method)
    return buffer.getvalue(), f"zip {method}"


def _run(random: Random, valid: Path, folder: Path) -> Outcome:
    content, mutation = random.choice((_tar, _zip))(random)
    for _ in range(random.choice((0, 0, 1, 2))):
        content, change = mutated_bytes(content, random, random.choice((None, 600)))
        mutation += f"; {change}"
    path = folder / f"faces{random.choice(('.tar', '.tar.gz', '.zip', ''))}"
    path.write_bytes(content)
    describe_mutation(folder, mutation)
    out = folder / "out" / "set"
    outcome = run_command(
        ["prepare", path, "--out", out, "--chip-size", 32, "--aligned", "yes", "--quiet"], mutation
    )
    left = {found.name for found in folder.iterdir()} - {path.name, "out", ".mutation"}
    return outcome if not left else _escaped(outcome, left)


def _escaped(outcome: Outcome, left: set[str]) -> Outcome:
    """The outcome of a trial that wrote outside of its output folder."""
    return Outcome(
        command=outcome.command,
        mutation=outcome.mutation,
        problem="escaped",
        exit_code=outcome.exit_code,
        output=", ".join(sorted(left)),
    )


KIND = Kind(name="archives", set_up=lambda folder: None, run=_run, hang=60.0)
