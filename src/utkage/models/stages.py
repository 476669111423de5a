"""The stages of a backbone, from the image to the features."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

_CONTAINERS = (nn.Sequential, nn.ModuleList)
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, nn.LayerNorm, nn.GroupNorm)


def parameter_stages(backbone: nn.Module) -> list[list[nn.Parameter]]:
    """Split the parameters into stages, in the order of computation; each is in exactly one stage.

    One rule serves all backbones. Wrappers around a single module are removed and plain containers
    are opened; each module inside is a stage. A norm between stages belongs to the stage before it,
    and parameters of no module (a class token) to the first stage. Modules must be registered in
    the order of computation.
    """
    stages: list[list[nn.Parameter]] = []
    taken: set[int] = set()
    for module in _modules(_unwrapped(backbone)):
        fresh = [parameter for parameter in module.parameters() if id(parameter) not in taken]
        taken.update(id(parameter) for parameter in fresh)
        if not fresh:
            continue
        if stages and isinstance(module, _NORMS):
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


def _modules(module: nn.Module) -> Iterator[nn.Module]:
    for part in _parts(module):
        # Not isinstance: subclasses of Sequential, such as torchvision's convolution with norm and
        # activation, count as one module.
        if type(part) in _CONTAINERS:
            yield from _modules(part)
        else:
            yield part


def _parts(module: nn.Module) -> list[nn.Module]:
    """The children that have parameters."""
    return [part for part in module.children() if next(part.parameters(), None) is not None]
