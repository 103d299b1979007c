"""The policy as an ONNX file: observation [batch, 15] -> action [batch, 1], the unclipped mean."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


def write_onnx(weights: list[np.ndarray], path: Path) -> None:
    names = ["w1", "b1", "w2", "b2", "w3", "b3"]
    nodes = [
        helper.make_node("Gemm", ["observation", "w1", "b1"], ["z1"]),
        helper.make_node("Tanh", ["z1"], ["h1"]),
        helper.make_node("Gemm", ["h1", "w2", "b2"], ["z2"]),
        helper.make_node("Tanh", ["z2"], ["h2"]),
        helper.make_node("Gemm", ["h2", "w3", "b3"], ["action"]),
    ]
    graph = helper.make_graph(
        nodes,
        "usdcop-ppo",
        [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["batch", 15])],
        [helper.make_tensor_value_info("action", TensorProto.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(w.astype(np.float32), n) for n, w in zip(names, weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def read_onnx(path: Path):
    """The policy as a function observation [n, 15] -> action [n], run as it is served."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options)
    return lambda observation: session.run(["action"], {"observation": observation})[0][:, 0]
