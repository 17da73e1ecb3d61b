"""ONNX Runtime: prediction with the graph Gemm, Relu, …, Gemm, Softmax."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.speed.cases import Case
from clearprop._typing import Array
from clearprop.engines.threads import get_num_threads

if TYPE_CHECKING:
    import clearprop as cp

OPSET, IR_VERSION = 17, 9  # old enough for any ONNX Runtime of the last years


def graph(net: cp.Network) -> bytes:
    """A relu network with softmax outputs as an ONNX model: x (N, D) → probabilities (N, K)."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, name = [], [], "x"
    for i, (W, b) in enumerate(zip(net.W, net.b, strict=True), start=1):
        weights += [numpy_helper.from_array(W, f"W{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [name, f"W{i}", f"b{i}"], [f"z{i}"], transB=1))
        last = i == len(net.W)
        name = "y_hat" if last else f"h{i}"
        attributes = {"axis": 1} if last else {}
        nodes.append(
            helper.make_node("Softmax" if last else "Relu", [f"z{i}"], [name], **attributes)
        )
    x, y_hat = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", n])
        for name, n in (("x", net.sizes[0]), ("y_hat", net.sizes[-1]))
    )
    model = helper.make_model(
        helper.make_graph(nodes, "network", [x], [y_hat], weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    serialized: bytes = model.SerializeToString()
    return serialized


def predictor(model: cp.MLPClassifier, case: Case) -> Callable[[Array], Array]:
    """Probabilities from an array to an array, with our weights."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = get_num_threads()
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        graph(model.network_), options, providers=["CPUExecutionProvider"]
    )

    def predict_proba(X: Array) -> Array:
        y_hat: Array = session.run(None, {"x": X})[0]
        return y_hat

    return predict_proba
