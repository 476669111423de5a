"""Whether tracked faces are still the same ones after a suspected change of scene."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from utkage.faces.detector import Face
from utkage.faces.flow import Grey, follow
from utkage.faces.scenes import (
    MEMORY_SECONDS,
    Break,
    Patch,
    SceneChange,
    face_patch,
    similarity_of_faces,
)
from utkage.faces.tracking import NEAR, Track, box_distance

# Correlation of two patches of one face in adjacent frames, and over seconds.
_SAME_FACE = 0.88
_SAME_LATER = 0.75
# Correlation over this many seconds of a face that no longer dissolves.
_SETTLED = 0.9
_SETTLED_SECONDS = 0.4
# Correlation of two frames that are probably of one scene: a face may only have been covered.
_SAME_SCENE = 0.6


class FaceMemory:
    """What the tracked faces of a video looked like in the last seconds."""

    def __init__(self) -> None:
        self._patches: dict[int, deque[tuple[float, Patch]]] = {}
        self._last: tuple[Grey, float] | None = None

    def remember(self, tracks: Sequence[Track], grey: Grey, scale: float, seconds: float) -> None:
        """Keep the visible faces among ``tracks``, and forget the tracks that are not given."""
        self._last = grey, scale
        self._patches = {track.number: self._of(track) for track in tracks}
        for track in tracks:
            if track.visible:
                patches = self._patches[track.number]
                patches.append((seconds, face_patch(grey, scale, track.face.box)))
                while patches[0][0] < seconds - MEMORY_SECONDS:
                    patches.popleft()

    def strangers(
        self,
        change: SceneChange,
        tracks: Sequence[Track],
        found: Sequence[Face],
        grey: Grey,
        scale: float,
    ) -> list[Track]:
        """The tracks whose place shows something else in this frame than before ``change``.

        In a scene that is otherwise the same, this must be one of the faces ``found``: the face
        may only have been covered.
        """
        others = [track for track in tracks if not self._is_same(track, change, grey, scale)]
        if change.kind is Break.CUT and change.similarity >= _SAME_SCENE:
            return [
                track
                for track in others
                if any(box_distance(face.box, track.face.box) <= NEAR for face in found)
            ]
        return others

    def _is_same(self, track: Track, change: SceneChange, grey: Grey, scale: float) -> bool:
        patches = self._of(track)
        if not patches or (change.kind is Break.CUT and not track.visible):
            return change.similarity >= _SAME_SCENE
        if change.kind is Break.DISSOLVE:
            return not _has_dissolved(patches, change.since)
        _, before = next(
            (entry for entry in reversed(patches) if entry[0] <= change.since), patches[0]
        )
        boxes = [track.face.box]
        if change.kind is Break.CUT and self._last is not None:
            moved = follow(self._last[0], grey, scale, [track.face])[0]
            boxes += [moved.box] if moved is not None else []
        return any(
            similarity_of_faces(before, face_patch(grey, scale, box)) >= _SAME_FACE for box in boxes
        )

    def _of(self, track: Track) -> deque[tuple[float, Patch]]:
        return self._patches.get(track.number, deque())


def _has_dissolved(patches: Sequence[tuple[float, Patch]], since: float) -> bool:
    """Whether another face than the one at ``since`` is there, and does not change any more."""
    now, end = patches[-1]
    before = next((patch for time, patch in reversed(patches) if time <= since), None)
    recent = next((patch for time, patch in patches if time >= now - _SETTLED_SECONDS), end)
    if before is None or patches[0][0] > now - _SETTLED_SECONDS:
        return False
    is_settled = similarity_of_faces(recent, end) >= _SETTLED
    return is_settled and similarity_of_faces(before, end) < _SAME_LATER
