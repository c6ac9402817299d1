"""ONNX Runtime's CPU provider: the norms of the ONNX standard, each as a graph of one node."""

import functools

import ml_dtypes
import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

from adapters._onnx import EMPTY_BATCH, MOMENTUM, ONNX, Norms, from_numpy, model, named, to_numpy  # noqa: F401

PACKAGE = "onnxruntime"
DEVICES = ("cpu",)

ONE_PASS = (
    "GroupNormalization-21 has no kernel and runs as the standard's function, whose variance is MeanOfSquare - "
    "SquareOfMean in float32 (stash_type = 1): one group of [3000, 3001, 3002] gives 316 for its last value and should "
    "give 1.22, 48 times 1000.1 give NaN (https://github.com/microsoft/onnxruntime/issues/24538)"
)
KNOWN_FAILURES = {
    **{f"GI-21[{d}]": ONE_PASS for d in ("float64", "float32", "float16")},
    **{f"GI-{n}[{d}]": ONE_PASS for n in (23, 50) for d in ("float64", "float32")},
    **{f"GI-15[{d}]": ONE_PASS for d in ("float32", "float16")},
    "GI-42[float16]": ONE_PASS,
    "GI-40": EMPTY_BATCH,
    "BN-19[float64]": MOMENTUM,
}

vjp = None  # an inference engine


@functools.cache
def _session(*node):
    return onnxruntime.InferenceSession(model(*node).SerializeToString(), providers=["CPUExecutionProvider"])


def _value(array):
    """The array's own memory; bfloat16, which ONNX Runtime does not take from NumPy, as its bits."""
    bits = array.view(np.uint16) if array.dtype == ml_dtypes.bfloat16 else array
    return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, ONNX[array.dtype.name])


def _run(node, inputs, outputs):
    try:
        session = _session(*node)
    except (Fail, NoKernel) as e:  # the standard wants x and its parameters in one dtype; the provider has no kernel
        raise NotImplementedError(str(e)) from e
    binding = session.io_binding()
    for name, array in named("input", inputs).items():
        binding.bind_ortvalue_input(name, _value(array))
    for name, array in named("output", outputs).items():
        binding.bind_ortvalue_output(name, _value(array))
    session.run_with_iobinding(binding)
    return outputs


_norms = Norms(_run)
layer_norm, rms_norm, batch_norm = _norms.layer_norm, _norms.rms_norm, _norms.batch_norm
group_norm, instance_norm = _norms.group_norm, _norms.instance_norm
