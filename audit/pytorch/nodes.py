"""What each node of a traced PyTorch graph is: its kind, its weights, and what it does to expected squares.

Functions, methods, operators of torch.export and modules of one name are read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import fx

from audit.graph import Node
from audit.pytorch.names import ELEMENTWISE, RESHAPES, SAME, SMOOTH
from audit.pytorch.watch import LINEAR, one_channel

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Reader:
    """Reads the nodes of one graph that depend on the inputs.

    Attributes
    ----------
    shapes, values, off, moving, several
        As `audit.pytorch.trace` saw them.
    names
        Of parameters by their identity: one that is tied has one name.
    """

    module: Any
    shapes: Shapes
    values: Mapping[str, Any]
    off: Mapping[str, float]
    moving: set[str]
    several: set[str]
    names: Mapping[int, str]

    def read(self, node: Any) -> Node:
        """Return a node, of kind "other" if nothing is known of it."""
        kinds: dict[str, Callable[..., Node | None]] = {"placeholder": self.given, "call_module": self._module}
        read: Callable[..., Node | None] = kinds.get(node.op, self._function)
        return read(node) or self._made(node, "other")

    def _made(self, node: Any, kind: Any, inputs: Any = None, **known: Any) -> Node:
        if inputs is None:
            inputs = [one for one in node.all_input_nodes if one.name in self.moving]
        module = str(node.target) if node.op == "call_module" else ""
        known = {"shape": self.shapes[node.name], "what": _name(self._target(node)), "module": module} | known
        return Node(name=node.name, kind=kind, inputs=tuple(one.name for one in inputs), **known)

    def _key(self, node: Any, module: Any, key: str) -> str:
        return self.names.get(id(getattr(module, key)), f"{node.target}.{key}")

    def _target(self, node: Any) -> Any:
        return self.module.get_submodule(node.target) if node.op == "call_module" else node.target

    def given(self, node: Any) -> Node:
        """Return a node whose numbers are known."""
        return self._made(node, "input", (), value=self.values[node.name].detach().double().numpy())

    def _module(self, node: Any) -> Node | None:
        module, name = self._target(node), _name(self._target(node))
        if type(module) in LINEAR and "weight" in module._parameters:
            return self._layer(node, module)
        if isinstance(module, torch.nn.Embedding) and module.padding_idx is None and module.max_norm is None:
            ones = np.ones(self.shapes[node.name])
            return self._made(
                node,
                "linear",
                (),
                apply=lambda: ones,
                weight=self._key(node, module, "weight"),
                rows=module.embedding_dim,
            )
        if "norm" in name:
            return self._norm(node, module)
        if name.startswith("dropout"):
            return self._made(node, "dropout", rate=module.p if module.training else 0.0)
        if name in SAME:
            return self._made(node, "reshape")
        if name in RESHAPES:
            return self._made(node, "reshape", apply=_on_arrays(module))
        if name == "prelu" and module.weight.numel() == 1:
            slope = float(module.weight.detach())
            return self._made(node, "activation", slope=slope, constants=(f"{node.target}.weight",))
        return self._activation(node, name, vars(module), module)

    def _layer(self, node: Any, module: Any) -> Node:
        dense = isinstance(module, torch.nn.Linear)
        axis = -1 if dense else -1 - len(module.kernel_size)
        rows, groups = (module.out_features, 1) if dense else (module.out_channels // module.groups, module.groups)

        def apply(x: torch.Tensor) -> torch.Tensor:
            """Give all units of a group the same, as their weights are 1."""
            sums = [one.sum(axis, keepdim=True) for one in x.chunk(groups, axis)]
            alike = sums if dense else [one_channel(module, one) for one in sums]
            return torch.cat([one.repeat_interleave(rows, axis) for one in alike], axis)

        return self._made(
            node,
            "linear",
            apply=_on_arrays(apply),
            weight=self._key(node, module, "weight"),
            bias=self._key(node, module, "bias") if module._parameters.get("bias") is not None else "",
            rows=rows,
            groups=groups,
            axis=axis,
            dense=dense,
        )

    def _norm(self, node: Any, module: Any) -> Node | None:
        """Return a norm; a batch norm that stands on running statistics is a scale."""
        weight, bias = (getattr(module, key, None) for key in ("weight", "bias"))
        names = tuple(f"{node.target}.{key}" for key in ("weight", "bias") if getattr(module, key, None) is not None)
        if (weight is not None and (weight != 1).any()) or (bias is not None and (bias != 0).any()):
            return None
        running = getattr(module, "running_var", None)
        if running is None or module.training:
            return self._made(node, "norm", constants=names, off=self.off.get(node.name, 1.0))
        if (module.running_mean != 0).any():
            return None
        sides = [1, -1, *[1] * (len(self.shapes[node.name]) - 2)]
        factor = (running.double() + module.eps).rsqrt().reshape(sides).numpy()
        return self._made(node, "scale", value=factor, constants=names)

    def _function(self, node: Any) -> Node | None:
        name, args = _name(node.target), node.args
        moving = [one for one in args if isinstance(one, fx.Node) and one.name in self.moving]
        if name in ("add", "sub", "mul", "div") and len(args) == 2 and not node.kwargs:
            return self._arithmetic(node, name, moving)
        if name == "neg":
            return self._made(node, "scale", value=np.array(-1.0))
        if name in ("linear", "matmul", "conv1d", "conv2d", "conv3d") and len(moving) == 1 and moving[0] is args[0]:
            return self._product(node, name)
        if name in ("layer_norm", "rms_norm"):
            affine = [self._static(one) for one in args[2:4]]
            plain = all(one is None or torch.unique(one).numel() == 1 for one in affine if not isinstance(one, float))
            return self._made(node, "norm", off=self.off.get(node.name, 1.0)) if plain else None
        if name == "dropout":
            given = dict(zip(("input", "p", "training"), args, strict=False)) | dict(node.kwargs)
            return self._made(node, "dropout", rate=given.get("p", 0.5) if given.get("training", True) else 0.0)
        if name in SAME:
            return self._made(node, "reshape", moving[:1])
        if name == "getitem" and args[0].name in self.several and _name(self._target(args[0])) not in RESHAPES:
            return self._made(node, "reshape", moving[:1]) if args[1] == 0 else None
        if name in RESHAPES:
            return self._moved(node)
        options = dict(zip(("", "negative_slope"), args, strict=False)) | dict(node.kwargs)
        return self._activation(node, name, options, self._recalled(node))

    def _arithmetic(self, node: Any, name: str, moving: list[Any]) -> Node | None:
        first, second = node.args
        if len(moving) == 2:
            if first is second:
                return self._made(node, "scale", moving[:1], value=np.array(2.0)) if name == "add" else None
            return self._made(node, "add", moving) if name in ("add", "sub") else None
        other = second if moving[0] is first else first
        value, names = self._static(other), self._parameters(other)
        if value is None or names is None or (name == "div" and other is first):
            return None
        array = np.asarray(value.detach().double() if torch.is_tensor(value) else value, dtype=np.float64)
        if name in ("add", "sub"):
            return self._made(node, "shift", moving, value=array, constants=names)
        return self._made(node, "scale", moving, value=1 / array if name == "div" else array, constants=names)

    def _product(self, node: Any, name: str) -> Node | None:
        """Return a functional layer whose weights are a parameter, as it is or transposed."""
        x, weight, *rest = node.args
        rest += [node.kwargs["bias"]] if "bias" in node.kwargs else []
        names, value = self._parameters(weight, moved=True), self._static(weight)
        if names is None or len(names) != 1 or value is None or (name == "matmul" and value.ndim != 2):
            return None
        own = self._parameters(rest[0], moved=True) if rest and rest[0] is not None else ()
        if own is None or (rest and rest[0] is not None and len(own) != 1):
            return None
        ones, others = torch.ones_like(value).double(), [self._static(one) for one in rest[1:]]
        bias: list[Any] = [None] if rest else []
        groups = self.shapes[x.name][-value.ndim + 1] // value.shape[1] if name.startswith("conv") else 1
        target, options = node.target, {k: self._static(one) for k, one in node.kwargs.items() if k != "bias"}
        return self._made(
            node,
            "linear",
            [x],
            apply=_on_arrays(lambda squares: target(squares, ones, *bias, *others, **options)),
            weight=names[0],
            bias=own[0] if own else "",
            rows=value.shape[-1 if name == "matmul" else 0] // groups,
            groups=groups,
            axis=1 - value.ndim if name.startswith("conv") else -1,
            dense=not name.startswith("conv"),
        )

    def _moved(self, node: Any) -> Node:
        """Return a rearrangement: the same call, on arrays."""
        moving = [one for one in node.all_input_nodes if one.name in self.moving]
        call, method = node.target, node.op == "call_method"

        def apply(*arrays: Any) -> Any:
            given = {one.name: _tensors(array) for one, array in zip(moving, arrays, strict=True)}
            args, kwargs = fx.node.map_arg(
                (node.args, node.kwargs), lambda one: given.get(one.name, self.values.get(one.name))
            )
            return _arrays(getattr(args[0], call)(*args[1:], **kwargs) if method else call(*args, **kwargs))

        return self._made(node, "reshape", moving, apply=apply)

    def _recalled(self, node: Any) -> Callable[[Any], Any]:
        """Return a call of a node with something else in the place of its first argument."""
        rest, options = [self._static(one) for one in node.args[1:]], dict(node.kwargs)
        method = node.op == "call_method"
        return lambda x: getattr(x, node.target)(*rest, **options) if method else node.target(x, *rest, **options)

    def _activation(self, node: Any, name: str, options: Any, call: Callable[[Any], Any]) -> Node | None:
        slopes = {"relu": 0.0, "leakyrelu": options.get("negative_slope", 0.01), "abs": -1.0, "identity": 1.0}
        if name in slopes:
            return self._made(node, "activation", slope=float(slopes[name]))
        if name in SMOOTH:
            word, plain = SMOOTH[name]
            usual = all(options.get(key, value) == value for key, value in plain.items()) and len(node.args) == 1
            return self._made(node, "activation", function=word if usual else _of_numbers(call))
        return self._made(node, "activation", function=_of_numbers(call)) if name in ELEMENTWISE else None

    def _static(self, one: Any) -> Any:
        """Return the value of an argument that depends on no input, or None."""
        if isinstance(one, fx.Node):
            return None if one.name in self.moving else self.values.get(one.name)
        return one

    def _parameters(self, one: Any, *, moved: bool = False) -> tuple[str, ...] | None:
        """Return the parameters that a static argument is made of, `moved` if only rearranged; None if it is drawn."""
        if not isinstance(one, fx.Node):
            return ()
        if one.op == "get_attr":
            return (str(one.target),)
        name = _name(self._target(one))
        if name.startswith(("rand", "bernoulli", "normal")) or (moved and name not in RESHAPES | SAME):
            return None
        found = [self._parameters(other, moved=moved) for other in one.all_input_nodes]
        return None if None in found else tuple(name for names in found for name in names or ())


def _name(target: Any) -> str:
    """Return one name for a module's class, a function, a method and an operator: lower case, not in place."""
    if isinstance(target, torch.nn.Module):
        return type(target).__name__.lower()
    schema = getattr(target, "_schema", None)
    name = schema.name.split("::")[-1] if schema is not None else getattr(target, "__name__", str(target))
    name = name.strip("_").lower()
    short = {"iadd": "add", "isub": "sub", "imul": "mul", "truediv": "div", "itruediv": "div", "rmul": "mul"}
    name = short.get(name, name)
    return "leakyrelu" if name == "leaky_relu" else name


def _of_numbers(call: Callable[[Any], Any]) -> Callable[[float], float]:
    return lambda z: float(call(torch.tensor(z, dtype=torch.float64)))


def _on_arrays(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays: _arrays(call(*map(_tensors, arrays)))


def _tensors(array: Any) -> Any:
    return tuple(map(_tensors, array)) if isinstance(array, tuple) else torch.as_tensor(array).contiguous()


def _arrays(made: Any) -> Any:
    return tuple(map(_arrays, made)) if isinstance(made, (tuple, list)) else made.detach().numpy()
