"""A Keras model of plain layers as an ONNX graph, built with `onnx.helper`.

A layer is added by one function from its inputs to nodes and one line of `LAYERS`. Recurrent layers become one node
each; their gates are in another order than in Keras.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import onnx

from forecaster.arrays import AnyArray
from forecaster.errors import UsageError

__all__ = ["LAYERS", "onnx_model"]

OPSET = 17  # the first with LayerNormalization; read by every onnxruntime from 1.12 on
IR_VERSION = 8

_ACTIVATIONS = {
    "tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "exponential": "Exp", "softplus": "Softplus",
    "softsign": "Softsign", "elu": "Elu", "selu": "Selu",
}  # fmt: skip
_OF_GATES = ("Tanh", "Sigmoid", "Relu", "Softplus", "Softsign", "Elu")  # that a recurrent node may have
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "SimpleRNN": (0,)}  # places of Keras's gates in the order of ONNX


class Graph:
    """Nodes and constants of an ONNX graph, and the names of the tensors of the Keras model."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._tensors: dict[int, tuple[Any, str]] = {}  # with the tensor itself, so that its id stays its own

    def node(self, kind: str, *inputs: str, unused: int = 0, **attributes: Any) -> str:
        """Add a node; the name of the output that follows its first `unused` ones."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, list(inputs), [*[""] * unused, name], **attributes))
        return name

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value, dtype, order="C"), name))
        return name

    def bind(self, tensor: Any, name: str) -> None:
        """Name a tensor of the Keras model."""
        self._tensors[id(tensor)] = (tensor, name)

    def names(self, values: Any) -> list[str]:
        """Names of tensors and constants, also of those in lists."""
        names = []
        for value in values:
            if isinstance(value, keras.KerasTensor):
                names.append(self._tensors[id(value)][1])
            elif isinstance(value, list | tuple):
                names += self.names(value)
            else:
                names.append(self.constant(value))
        return names


def onnx_model(model: Any) -> Any:
    """The ONNX model of a Keras model with named inputs and one output.

    Raises:
        UsageError: ONNX, or this file, has no form of one of its layers.
    """
    graph = Graph()
    inputs = []
    for name, tensor in model.input.items():
        sizes = ["batch", *("rows" if size is None else size for size in tensor.shape[1:])]
        inputs.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, sizes))

    def add(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        output = layer(*arguments, **keywords)
        kind = type(layer).__name__
        if kind not in LAYERS or not isinstance(output, keras.KerasTensor):
            raise _no_form(f"layer {kind}")
        graph.bind(output, LAYERS[kind](graph, layer, *arguments))
        return output

    tensors = {name: keras.Input(tensor.shape[1:], name=name) for name, tensor in model.input.items()}
    for name, tensor in tensors.items():
        graph.bind(tensor, name)
    copy = keras.models.clone_model(model, input_tensors=tensors, clone_function=lambda layer: layer, call_function=add)
    graph.nodes.append(onnx.helper.make_node("Identity", graph.names([copy.output]), ["forecast"]))
    output = onnx.helper.make_tensor_value_info("forecast", onnx.TensorProto.FLOAT, ["batch", *copy.output.shape[1:]])
    whole = onnx.helper.make_graph(graph.nodes, "forecaster", inputs, [output], graph.constants)
    result = onnx.helper.make_model(
        whole, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="forecaster"
    )
    onnx.checker.check_model(result, full_check=True)
    return result


def _no_form(part: str) -> UsageError:
    return UsageError(f"the network cannot be written as ONNX: it has the {part}; choose --format keras or saved-model")


def _array(weight: Any) -> AnyArray:
    return np.asarray(keras.ops.convert_to_numpy(weight.value))


def _activation_name(function: Any) -> str:
    name = "linear" if function is None else function.__name__
    if name not in ("linear", *_ACTIVATIONS):
        raise _no_form(f"activation {name}")
    return _ACTIVATIONS.get(name, "")


def _activated(graph: Graph, function: Any, x: str) -> str:
    name = "linear" if function is None else function.__name__
    if name in _COMPOSED:
        return graph.node("Mul", x, _COMPOSED[name](graph, x))
    kind = _activation_name(function)
    return graph.node(kind, x) if kind else x


def _normal_distribution(graph: Graph, x: str) -> str:
    """Distribution function of the standard normal distribution."""
    error = graph.node("Erf", graph.node("Mul", x, graph.constant(0.5**0.5)))
    return graph.node("Mul", graph.node("Add", error, graph.constant(1.0)), graph.constant(0.5))


_COMPOSED: Mapping[str, Callable[[Graph, str], str]] = {
    "gelu": _normal_distribution,
    "silu": lambda graph, x: graph.node("Sigmoid", x),
    "mish": lambda graph, x: graph.node("Tanh", graph.node("Softplus", x)),
}
"""Activation -> the factor of its argument."""


def _recurrent(graph: Graph, layer: Any, x: Any, *states: Any, in_order: bool = False) -> str:
    """LSTM, GRU or SimpleRNN: (B, T, F) -> (B, T, U), in the order of the rows, or the last state (B, U)."""
    kind = type(layer).__name__
    cell = layer.cell
    if any(state is not None for state in states) or (layer.go_backwards and layer.return_sequences and not in_order):
        raise _no_form(f"layer {kind} with a given state or reversed rows")
    functions = [] if kind == "SimpleRNN" else [_activation_name(cell.recurrent_activation)]
    functions += [_activation_name(cell.activation)] * (2 if kind == "LSTM" else 1)
    if unusable := [name or "linear" for name in functions if name not in _OF_GATES]:
        raise _no_form(f"activation {unusable[0].lower()} in the layer {kind}")
    units = layer.units
    order = np.concatenate([np.arange(units) + gate * units for gate in _GATES[kind]])
    kernel, recurrent = (_array(weight)[:, order].T[None] for weight in (cell.kernel, cell.recurrent_kernel))
    bias = np.zeros((2, len(order)), np.float32)
    if cell.use_bias:
        given = np.atleast_2d(_array(cell.bias))[:, order]
        bias[: len(given)] = given
    settings: dict[str, Any] = {"hidden_size": units, "activations": functions}
    settings["direction"] = "reverse" if layer.go_backwards else "forward"
    if kind == "GRU":
        settings["linear_before_reset"] = int(cell.reset_after)
    rows_first = graph.node("Transpose", *graph.names([x]), perm=[1, 0, 2])
    weights = [graph.constant(part) for part in (kernel, recurrent, bias.reshape(1, -1))]
    node = "RNN" if kind == "SimpleRNN" else kind
    if not layer.return_sequences:
        last = graph.node(node, rows_first, *weights, unused=1, **settings)
        return graph.node("Squeeze", last, graph.constant([0], np.int64))
    every = graph.node("Squeeze", graph.node(node, rows_first, *weights, **settings), graph.constant([1], np.int64))
    return graph.node("Transpose", every, perm=[1, 0, 2])


def _bidirectional(graph: Graph, layer: Any, x: Any) -> str:
    """The recurrent layers of both directions side by side; rows of the backward one come in their own order."""
    if layer.merge_mode != "concat":
        raise _no_form(f"layer Bidirectional with the mode {layer.merge_mode}")
    parts = [_recurrent(graph, part, x, in_order=True) for part in (layer.forward_layer, layer.backward_layer)]
    return graph.node("Concat", *parts, axis=-1)


def _dense(graph: Graph, layer: Any, x: Any) -> str:
    return _affine(graph, layer, graph.node("MatMul", *graph.names([x]), graph.constant(_array(layer.kernel))))


def _einsum_dense(graph: Graph, layer: Any, x: Any) -> str:
    kernel = graph.constant(_array(layer.kernel))
    return _affine(graph, layer, graph.node("Einsum", *graph.names([x]), kernel, equation=layer.equation))


def _affine(graph: Graph, layer: Any, product: str) -> str:
    """Bias and activation of a dense layer."""
    if layer.bias is not None:
        product = graph.node("Add", product, graph.constant(_array(layer.bias)))
    return _activated(graph, layer.activation, product)


def _layer_normalization(graph: Graph, layer: Any, x: Any) -> str:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    if axes not in ([-1], [len(x.shape) - 1]) or getattr(layer, "rms_scaling", False):
        raise _no_form("layer LayerNormalization over other axes than the last")
    size = x.shape[-1]
    scale = np.ones(size) if layer.gamma is None else _array(layer.gamma)
    center = np.zeros(size) if layer.beta is None else _array(layer.beta)
    parts = (graph.constant(part) for part in (scale, center))
    return graph.node("LayerNormalization", *graph.names([x]), *parts, axis=-1, epsilon=float(layer.epsilon))


def _item(graph: Graph, layer: Any, x: Any, key: Any) -> str:
    """``x[key]`` for integers, and slices without a step."""
    result = graph.names([x])[0]
    axis = 0
    for part in key if isinstance(key, list | tuple) else (key,):
        if isinstance(part, int):
            result = graph.node("Gather", result, graph.constant(part, np.int64), axis=axis)
            continue
        if not isinstance(part, slice) or part.step not in (None, 1):
            raise _no_form("selection of other rows than a span")
        if part != slice(None):
            end = np.iinfo(np.int64).max if part.stop is None else part.stop
            bounds = (graph.constant([value], np.int64) for value in (part.start or 0, end, axis))
            result = graph.node("Slice", result, *bounds)
        axis += 1
    return result


def _reshape(graph: Graph, layer: Any, x: Any) -> str:
    return graph.node("Reshape", *graph.names([x]), graph.constant([0, *layer.target_shape], np.int64))


def _activation(graph: Graph, layer: Any, x: Any) -> str:
    return _activated(graph, layer.activation, graph.names([x])[0])


def _convolution(graph: Graph, layer: Any, x: Any) -> str:
    if layer.padding != "causal" or layer.strides != (1,) or layer.dilation_rate != (1,) or layer.groups != 1:
        raise _no_form("layer Conv1D with other settings than causal rows")
    kernel = _array(layer.kernel).transpose(2, 1, 0)
    columns = graph.node("Transpose", *graph.names([x]), perm=[0, 2, 1])
    result = graph.node("Conv", columns, graph.constant(kernel), pads=[kernel.shape[2] - 1, 0])
    return _affine(graph, layer, graph.node("Transpose", result, perm=[0, 2, 1]))


def _average(graph: Graph, layer: Any, x: Any) -> str:
    if layer.padding != "valid" or layer.strides != (1,):
        raise _no_form("layer AveragePooling1D with padding or strides")
    columns = graph.node("Transpose", *graph.names([x]), perm=[0, 2, 1])
    return graph.node("Transpose", graph.node("AveragePool", columns, kernel_shape=layer.pool_size), perm=[0, 2, 1])


def _padded(graph: Graph, layer: Any, x: Any) -> str:
    before, after = layer.padding
    return graph.node("Pad", *graph.names([x]), graph.constant([0, before, 0, 0, after, 0], np.int64))


def _einsum(graph: Graph, layer: Any, *values: Any) -> str:
    return graph.node("Einsum", *graph.names(values), equation=layer.subscripts)


def _softmax(graph: Graph, layer: Any, x: Any) -> str:
    return graph.node("Softmax", *graph.names([x]), axis=layer.axis)


def _ones(graph: Graph, layer: Any, x: Any) -> str:
    value = onnx.numpy_helper.from_array(np.ones(1, np.float32))
    return graph.node("ConstantOfShape", graph.node("Shape", *graph.names([x])), value=value)


def _cumulated(graph: Graph, layer: Any, x: Any) -> str:
    return graph.node("CumSum", *graph.names([x]), graph.constant(layer.axis, np.int64))


def _negative(graph: Graph, layer: Any, x: Any) -> str:
    return graph.node("Neg", *graph.names([x]))


def _expanded(graph: Graph, layer: Any, x: Any) -> str:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    return graph.node("Unsqueeze", *graph.names([x]), graph.constant(axes, np.int64))


def _same(graph: Graph, layer: Any, x: Any) -> str:
    return graph.names([x])[0]


def _concatenate(graph: Graph, layer: Any, values: Sequence[Any]) -> str:
    return graph.node("Concat", *graph.names(values), axis=layer.axis)


def _pairwise(kind: str) -> Callable[..., str]:
    """An operation of two or more values, as a layer of a list or as an operator."""

    def combined(graph: Graph, layer: Any, *values: Any) -> str:
        first, *others = graph.names(values)
        for other in others:
            first = graph.node(kind, first, other)
        return first

    return combined


LAYERS: Mapping[str, Callable[..., str]] = {
    "LSTM": _recurrent, "GRU": _recurrent, "SimpleRNN": _recurrent,
    "Bidirectional": _bidirectional,
    "Dense": _dense, "EinsumDense": _einsum_dense,
    "LayerNormalization": _layer_normalization,
    "Conv1D": _convolution, "AveragePooling1D": _average, "ZeroPadding1D": _padded,
    "Activation": _activation, "Dropout": _same, "SpatialDropout1D": _same,
    "Reshape": _reshape, "GetItem": _item, "Concatenate": _concatenate,
    "Add": _pairwise("Add"), "Subtract": _pairwise("Sub"), "Multiply": _pairwise("Mul"),
    "Maximum": _pairwise("Max"), "Minimum": _pairwise("Min"),
    "Einsum": _einsum, "Softmax": _softmax, "OnesLike": _ones, "Cumsum": _cumulated, "Negative": _negative,
    "ExpandDims": _expanded,
}  # fmt: skip
"""Class of a Keras layer or operation -> its nodes."""
