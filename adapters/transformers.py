"""transformers: the norms of its language models; `--impl rms_norm=adapters.transformers:gemma_rms_norm` takes another."""

from functools import cache

from torch.func import functional_call
from transformers.models.cohere.modeling_cohere import CohereLayerNorm
from transformers.models.deberta.modeling_deberta import DebertaLayerNorm
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralRMSNorm
from transformers.models.nemotron.modeling_nemotron import NemotronLayerNorm1P
from transformers.models.olmo2.modeling_olmo2 import Olmo2RMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm
from transformers.models.t5.modeling_t5 import T5LayerNorm


@cache
def _module(cls, n, **eps):
    return cls(n, **eps)


def _applied(cls, x, normalized_shape, eps, **parameters):
    """An object of `cls` called with these parameters in place of its own."""
    if len(normalized_shape) != 1:
        raise NotImplementedError(f"{cls.__name__} normalizes the last dimension only")
    module = _module(cls, *normalized_shape, **({} if eps is None else {"eps": eps}))
    given = {name: tensor for name, tensor in parameters.items() if tensor is not None}
    if own := given.keys() ^ dict(module.named_parameters()).keys():
        raise NotImplementedError(f"{cls.__name__} {'takes no' if own <= given.keys() else 'always has a'} {min(own)}")
    return functional_call(module, given, (x,))


def _rms_norm(cls):
    def rms_norm(x, normalized_shape, weight=None, eps=None):
        return _applied(cls, x, normalized_shape, eps, weight=weight)

    return rms_norm


def _layer_norm(cls):
    def layer_norm(x, normalized_shape, weight=None, bias=None, eps=None):
        return _applied(cls, x, normalized_shape, eps, weight=weight, bias=bias)

    return layer_norm


rms_norm = _rms_norm(LlamaRMSNorm)
gemma_rms_norm = _rms_norm(GemmaRMSNorm)
mistral_rms_norm = _rms_norm(MistralRMSNorm)
olmo2_rms_norm = _rms_norm(Olmo2RMSNorm)
qwen3_rms_norm = _rms_norm(Qwen3RMSNorm)
t5_layer_norm = _rms_norm(T5LayerNorm)

layer_norm = _layer_norm(DebertaLayerNorm)
cohere_layer_norm = _layer_norm(CohereLayerNorm)
nemotron_layer_norm_1p = _layer_norm(NemotronLayerNorm1P)
