"""transformers: the norms of its language models; `--impl rms_norm=adapters.transformers:gemma_rms_norm` takes another."""

from transformers.models.cohere.modeling_cohere import CohereLayerNorm
from transformers.models.deberta.modeling_deberta import DebertaLayerNorm
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.mistral.modeling_mistral import MistralRMSNorm
from transformers.models.nemotron.modeling_nemotron import NemotronLayerNorm1P
from transformers.models.olmo2.modeling_olmo2 import Olmo2RMSNorm
from transformers.models.qwen3.modeling_qwen3 import Qwen3RMSNorm
from transformers.models.t5.modeling_t5 import T5LayerNorm

from adapters._modules import applied, last


def _applied(cls, x, normalized_shape, eps, **parameters):
    options = {} if eps is None else {"eps": eps}
    return applied(cls, x, last(cls, normalized_shape), options=options.items(), **parameters)


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
