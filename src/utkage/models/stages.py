"""The stages of a backbone, from the picture to the features."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

_CONTAINERS = (nn.Sequential, nn.ModuleList)
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.LayerNorm, nn.GroupNorm)


def parameter_stages(backbone: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of each stage, in the order of computation; every one is in exactly one.

    One rule for all backbones: wrappers around a single module are taken off, then lists and plain
    sequences of modules are opened, and every module found that way is a stage. Norms that stand
    alone belong to the stage before them, and parameters outside all of these (a class token) to
    the first. Modules must be registered in the order of computation.
    """
    stages: list[list[nn.Parameter]] = []
    taken: set[int] = set()
    for unit in _units(_unwrapped(backbone)):
        fresh = [parameter for parameter in unit.parameters() if id(parameter) not in taken]
        taken.update(id(parameter) for parameter in fresh)
        if not fresh:
            continue
        if stages and isinstance(unit, _NORMS):
            stages[-1].extend(fresh)
        else:
            stages.append(fresh)
    loose = [parameter for parameter in backbone.parameters() if id(parameter) not in taken]
    if loose:
        stages[:1] = [[*loose, *(stages[0] if stages else ())]]
    return stages


def _unwrapped(module: nn.Module) -> nn.Module:
    parts = _parts(module)
    while len(parts) == 1 and _parts(parts[0]):
        module, parts = parts[0], _parts(parts[0])
    return module


def _units(module: nn.Module) -> Iterator[nn.Module]:
    for part in _parts(module):
        # Not isinstance: subclasses of Sequential, such as torchvision's convolution with norm and
        # activation, are one thing.
        if type(part) in _CONTAINERS:
            yield from _units(part)
        else:
            yield part


def _parts(module: nn.Module) -> list[nn.Module]:
    """The children that have parameters."""
    return [part for part in module.children() if next(part.parameters(), None) is not None]
