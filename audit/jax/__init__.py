"""What Flax and Keras share: both ways through a model that JAX traces, with every module watched.

A framework calls `Watch.call` around each module. What a module puts out gets a probe of zeros added to it, and the
gradient there is the probe's. All of it is traced once and compiled; only scalars come back, in single precision and
scaled, so that no square overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from audit.factory import line, refuse
from audit.graph import Graph
from audit.measured import Measured
from audit.statement import AuditError

__all__ = ["Linear", "Passes", "Watch", "floating", "given", "unseen"]

PRODUCTS = 1 << 28
"""How many multiplications a better bound on the variance may cost, for each layer and seed."""
Forward = Callable[[Mapping[str, Any], Any, Mapping[str, Any], Any, "Watch"], Any]
"""From parameters, what else the model keeps, inputs by keyword, a key and a watch to what the model puts out."""


@dataclass(frozen=True)
class Linear:
    """A linear layer: what it makes of an input and a kernel, without a bias."""

    apply: Callable[[Any, Any], Any]
    kernel: Any
    key: str
    """What the kernel is called."""
    rows: int
    """Outputs of a group."""
    flat: bool
    """Whether an output sees the last axis of its input alone, all of it."""


@dataclass
class Watch:
    """What every module is given and puts out at its first call, as JAX traces them."""

    probes: Mapping[str, Any]
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, in the order in which first calls end."""
    kinds: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """Class, name of the kernel and rows, by name."""
    shapes: dict[str, Any] = field(default_factory=dict)
    _entered: set[str] = field(default_factory=set)
    _busy: bool = False

    def call(self, name: str, kind: str, arguments: Any, run: Callable[[], Any], linear: Linear | None) -> Any:
        """Run a module, and return what it puts out; note it if this is its first call."""
        if self._busy or name in self._entered:
            return run()
        self._entered.add(name)
        output = run()
        linear = linear if floating(arguments[0] if arguments else None) else None
        seen = {"input": _moments(arguments), "output": _moments(output)}
        if linear is not None:
            self._busy = True
            seen["layer"] = _expected(linear, jax.lax.stop_gradient(arguments[0]))
            self._busy = False
        self.seen[name] = {what: value for what, value in seen.items() if value is not None}
        self.kinds[name] = (kind, linear.key if linear else "weight", linear.rows if linear else 0)
        return self._probed(name, output)

    def _probed(self, name: str, output: Any) -> Any:
        flat, tree = jax.tree.flatten(output)
        place = next((place for place, one in enumerate(flat) if floating(one)), None)
        if place is None:
            return output
        self.shapes[name] = jax.ShapeDtypeStruct(flat[place].shape, flat[place].dtype)
        if name in self.probes:
            flat[place] = flat[place] + self.probes[name]
        return jax.tree.unflatten(tree, flat)


class Passes:
    """Both ways through a model, compiled at the first seed."""

    def __init__(self, forward: Forward) -> None:
        self._forward, self._watch = forward, Watch({})
        self._both = jax.jit(self._traced)

    def note(
        self,
        found: Measured,
        number: int,
        key: Any,
        parameters: Mapping[str, Any],
        state: Any,
        inputs: Mapping[str, Any],
    ) -> None:
        """Run both ways with the parameters of the `number`-th seed, and note what was seen.

        Random signs, and a model's own noise, come from `key`.

        Raises
        ------
        AuditError
            If the model does not take the inputs, or nothing can be said of it.
        """
        try:
            seen, back, gradients, reached, ends = jax.device_get(
                self._both(dict(parameters), state, dict(inputs), key)
            )
        except AuditError:
            raise
        except Exception as error:
            refuse(error, f"the model does not take this input: {line(error)}")
        for name, (kind, last, rows) in self._watch.kinds.items():
            module = found.module(name, kind, _size(name, parameters))
            module.key = last
            found.called += 1
            module.first(number, found.called)
            for what, moments in ({**seen[name], "gradient": back.get(name)}).items():
                if what == "layer":
                    squares, expected, bound = moments
                    module.layer(number, _unscaled(squares), _unscaled(expected), float(bound), rows)
                elif moments is not None:
                    module.note(what, number, (_unscaled(moments[:2]), *map(float, moments[2:])))
        if bad := found.not_finite(number):
            raise AuditError(f"{bad} put out values that are NaN or infinite at seed {number}; mend that first")
        for name, square in gradients.items():
            found.gradient(name, number, _unscaled(square))
        if not ends:
            raise AuditError("the model puts out no floating numbers; expected some, for a gradient")
        found.reached |= bool(reached)

    def _traced(self, parameters: Any, state: Any, inputs: Any, key: Any) -> Any:
        signs, noise = jax.random.split(key)
        fixed = {name: one for name, one in inputs.items() if not floating(one)}

        def run(parameters: Any, floats: Any, probes: Any) -> Any:
            self._watch = Watch(probes)
            output = self._forward(parameters, state, {**fixed, **floats}, noise, self._watch)
            return [one for one in jax.tree.leaves(output) if floating(one)], self._watch.seen

        floats = {name: one for name, one in inputs.items() if floating(one)}
        jax.eval_shape(run, parameters, floats, {})
        probes = {name: jnp.zeros(one.shape, one.dtype) for name, one in self._watch.shapes.items()}
        ends, pull, seen = jax.vjp(run, parameters, floats, probes, has_aux=True)
        keys = jax.random.split(signs, max(1, len(ends)))
        signed = [jax.random.rademacher(k, one.shape, one.dtype) for k, one in zip(keys, ends, strict=False)]
        own, outer, back = pull(signed)
        tables = [one for name, one in own.items() if name.rpartition(".")[2].startswith("embedding")]
        reached = jnp.array([jnp.any(one != 0) for one in (*outer.values(), *tables)]).any()
        squares = {name: _square(one) for name, one in own.items()}
        return seen, {name: _moments(one) for name, one in back.items()}, squares, reached, len(ends)


def unseen(seeds: int, train: bool) -> Measured:
    """Return a record of models on JAX, of which nothing was seen yet."""
    return Measured(seeds, train=train, graph=Graph(lost="PyTorch's models alone are traced"))


def given(inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return inputs for JAX: floats in single precision, whole numbers as tokens."""
    kinds = {"f": jnp.float32, "b": jnp.bool_}
    return {name: jnp.asarray(one, kinds.get(one.dtype.kind, jnp.int32)) for name, one in inputs.items()}


def floating(one: Any) -> bool:
    """Whether this is an array of floating numbers."""
    return hasattr(one, "dtype") and jnp.issubdtype(one.dtype, jnp.floating)


def _moments(value: Any) -> tuple[Any, ...] | None:
    """Return scale, mean square over its square, mean, share of zeros and number of values that are not finite."""
    one = next((one for one in jax.tree.leaves(value) if floating(one) and one.size), None)
    if one is None:
        return None
    bad = (~jnp.isfinite(one)).sum()
    return (*_square(one), one.astype(jnp.float32).mean(), (one == 0).mean(), bad)


def _square(one: Any) -> tuple[Any, Any]:
    """Return a scale and the mean square in units of its square."""
    one = one.astype(jnp.float32)
    scale = _scale(one)
    return scale, jnp.square(one / scale).mean()


def _scale(one: Any) -> Any:
    top = jnp.abs(one).max()
    return jnp.where((top > 0) & jnp.isfinite(top), top, 1.0)


def _unscaled(scaled: Any) -> float:
    scale, square = map(float, scaled[:2])
    return scale * scale * square


def _expected(linear: Linear, x: Any) -> tuple[Any, Any, Any]:
    """Return the mean square without bias, what x promises at variance 1, both scaled, and a bound on its variance."""
    scale = _scale(x)
    x = x / scale
    inner, square = _square(linear.apply(x, jax.lax.stop_gradient(linear.kernel)))
    expected = linear.apply(jnp.square(x), jnp.ones_like(linear.kernel))
    bound = 2 / linear.rows
    flat = x.reshape(-1, x.shape[-1]) if linear.flat else None
    if flat is not None and flat.size * min(flat.shape) <= PRODUCTS:
        gram = flat @ flat.T if flat.shape[0] < flat.shape[1] else flat.T @ flat
        bound = bound * jnp.square(gram).sum() / jnp.maximum(jnp.square(jnp.square(flat).sum()), 1e-30)
    return (scale * inner, square), (scale, expected.mean()), bound


def _size(name: str, parameters: Mapping[str, Any]) -> int:
    return sum(int(one.size) for key, one in parameters.items() if not name or key.startswith(f"{name}."))
