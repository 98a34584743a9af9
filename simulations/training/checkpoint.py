"""Checkpoints of a training run: one .npz file, written whole or not at all, and nothing pickled in it.

The random streams of a run have addresses (``streams.py``): the order of an epoch's inputs and the mixing of a step are
found from the seed and the number of the epoch or step. So these integers are all there is to save of randomness, and a
run that goes on from a checkpoint is the same, bit for bit, as one that never stopped.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from simulations.files import replacing
from simulations.training.optimiser import Vector

FORMAT = "fathom training 1"


class CheckpointError(ValueError):
    """A checkpoint that cannot be written, read or used, with what was wrong and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """All that a run needs to go on: its settings (JSON), steps done, losses so far, parameters and velocity.

    `tallies` are the summed loss, the number of hits and the number of inputs of the epoch that has begun; `epochs` is
    what was reported of those that have ended (JSON).
    """

    settings: str
    step: int
    tallies: tuple[float, float, float]
    epochs: str
    parameters: Vector
    velocity: Vector

    def save(self, path: Path) -> None:
        """Write the file beside its place, then move it there: a reader sees the old one or the new one, never half.

        Raises
        ------
        CheckpointError
            If the place cannot be written.
        """
        try:
            with replacing(path) as aside, aside.open("wb") as file:
                np.savez(file, allow_pickle=False, format=np.array(FORMAT), **_arrays(self))
        except OSError as error:
            raise CheckpointError(f"cannot write the checkpoint {path}: {error.strerror or error}") from None


def _arrays(checkpoint: Checkpoint) -> dict[str, Any]:
    return {field.name: np.asarray(getattr(checkpoint, field.name)) for field in fields(checkpoint)}


def restore(path: Path, settings: str, parameters: int, velocity: int) -> Checkpoint:
    """Read the checkpoint of a run with these settings and numbers of entries.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is damaged or no checkpoint, or belongs to a run with other settings.
    """
    advice = "remove it to start again, or name another file"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}  # reads and checks all of the file
            if str(found["format"]) != FORMAT:
                raise ValueError("another format")
            first, second, third = (float(number) for number in found["tallies"])
            read = Checkpoint(
                settings=str(found["settings"]),
                step=int(found["step"]),
                tallies=(first, second, third),
                epochs=str(found["epochs"]),
                parameters=found["parameters"],
                velocity=found["velocity"],
            )
            ended = json.loads(read.epochs)
    except OSError as error:
        raise CheckpointError(f"cannot read the checkpoint {path}: {error.strerror or error}") from None
    except Exception as error:  # damaged archives fail in as many ways as there are layers to read them
        raise CheckpointError(f"{path} is damaged or not a checkpoint ({error}); {advice}") from None
    if read.settings != settings:
        raise CheckpointError(f"{path} is of another run, {_difference(read.settings, settings)}; {advice}")
    wanted = {"parameters": parameters, "velocity": velocity}
    sizes = {name: getattr(read, name) for name in wanted}
    if (
        read.step < 0
        or not isinstance(ended, list)
        or any(array.dtype != np.float32 or array.shape != (wanted[name],) for name, array in sizes.items())
    ):
        raise CheckpointError(f"{path} is damaged: its arrays do not fit the network; {advice}")
    return read


def settings_of(*parts: Any, **others: str) -> str:
    """Return dataclasses, and more by name, as one line of JSON, equal for equal settings."""
    merged = {name: value for part in parts for name, value in asdict(part).items()}
    return json.dumps(merged | others, sort_keys=True)


def _difference(theirs: str, ours: str) -> str:
    """Name a setting that differs."""
    old, new = json.loads(theirs), json.loads(ours)
    names = [name for name in sorted(old | new) if old.get(name) != new.get(name)]
    return f"with {names[0]} {old.get(names[0])!r} instead of {new.get(names[0])!r}"
