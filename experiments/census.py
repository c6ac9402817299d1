"""Where a language model has its norms and what they compute, observed on a tiny model with random weights.

Names say which modules are norms and to which layer they belong; all else is observed. Every norm's output, and that of
the token embedding, is cut out of the computation graph and put back as a leaf; a gradient then shows what reaches what:

- With all other weights at zero no attention and no feed-forward says anything: what still reaches a norm came by the
  residual connections, and its gradient is dy times the factor that the connection puts on it.
- With the random weights back, what reaches a norm came by the residual connections or through a sublayer.

    a norm that          reads the stream    is added to the stream, or carries it
    pre                  yes                 no
    post                 yes                 yes
    output               no                  yes
    inner                no                  no          (of queries, keys or latents, inside the attention)

How a norm computes is measured on its values. No model is downloaded, and nothing is trained.
"""

from __future__ import annotations

import copy
import math
import re
from functools import cache, partial
from typing import Any, NamedTuple

import torch

from experiments.conditions import single_thread
from reference.placement import Architecture

OUTPUT = "output"  # the model's output, which is read like the norms' inputs
BATCH, TOKENS, VOCABULARY = 2, 7, 48  # TOKENS is no other size of the models: it marks the axis of the positions

# What all models share, where they have it: one name for each size in transformers' configurations.
TINY = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}
GROUPED = {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8}
OPT = {"ffn_dim": 48, "word_embed_proj_dim": 32, "pad_token_id": 1}
T5 = {"d_kv": 8, "d_ff": 48, "num_decoder_layers": 2}
BART = {"d_model": 32, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "encoder_layers": 2, "decoder_layers": 2}
MIXTURE = {"num_experts_per_tok": 2, "num_local_experts": 4}
LATENT = {
    "intermediate_size": 48,
    "num_key_value_heads": 4,
    "q_lora_rank": 12,
    "kv_lora_rank": 10,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "moe_intermediate_size": 16,
    "n_routed_experts": 8,
    "n_group": 2,
    "topk_group": 1,
    "num_experts_per_tok": 2,
    "first_k_dense_replace": 1,
}


class Model(NamedTuple):
    """How to build one: transformers' name of the configuration, and the sizes that are its own."""

    config: str
    options: dict[str, Any]
    stack: str = ""  # the part of an encoder-decoder that is looked at


# Where layers differ in their attention, all are full attention: the norms inside a linear one are others.
MODELS = {
    "BERT": Model("BertConfig", {"intermediate_size": 48}),
    "RoBERTa": Model("RobertaConfig", {"intermediate_size": 48, "pad_token_id": 1}),
    "GPT-1": Model("OpenAIGPTConfig", {}),
    "GPT-2": Model("GPT2Config", {}),
    "GPT-J": Model("GPTJConfig", {"rotary_dim": 4}),
    "GPT-NeoX": Model("GPTNeoXConfig", {"intermediate_size": 48}),
    "XLNet": Model("XLNetConfig", {"d_inner": 48, "d_head": 8}),
    "T5 encoder": Model("T5Config", T5, "encoder"),
    "T5 decoder": Model("T5Config", T5, "decoder"),
    "BART decoder": Model("BartConfig", BART, "decoder"),
    "OPT": Model("OPTConfig", OPT),
    "OPT-350m": Model("OPTConfig", OPT | {"do_layer_norm_before": False}),
    "BLOOM": Model("BloomConfig", {}),
    "Falcon-7B": Model("FalconConfig", {}),
    "Falcon-40B": Model("FalconConfig", {"new_decoder_architecture": True, "num_kv_heads": 2}),
    "MPT": Model("MptConfig", {}),
    "DBRX": Model(
        "DbrxConfig",
        {"d_model": 32, "attn_config": {"kv_n_heads": 2, "rope_theta": 10000.0, "clip_qkv": 8.0}}
        | {"ffn_config": {"ffn_hidden_size": 48}},
    ),
    "LLaMA": Model("LlamaConfig", GROUPED),
    "Llama 4": Model("Llama4TextConfig", GROUPED | MIXTURE | {"intermediate_size_mlp": 48}),
    "Mistral": Model("MistralConfig", GROUPED),
    "Mixtral": Model("MixtralConfig", GROUPED | MIXTURE),
    "Qwen2": Model("Qwen2Config", GROUPED),
    "Qwen3": Model("Qwen3Config", GROUPED),
    "Qwen3-Next": Model(
        "Qwen3NextConfig",
        GROUPED
        | {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
        | {"shared_expert_intermediate_size": 16, "layer_types": ["full_attention"] * 2},
    ),
    "Gemma": Model("GemmaConfig", GROUPED),
    "Gemma 2": Model("Gemma2Config", GROUPED),
    "Gemma 3": Model("Gemma3TextConfig", GROUPED),
    "Gemma 4": Model(
        "Gemma4TextConfig",
        GROUPED
        | {
            "global_head_dim": 8,
            "hidden_size_per_layer_input": 4,
            "vocab_size_per_layer_input": 48,
            "layer_types": ["full_attention"] * 2,
        },
    ),
    "OLMo": Model("OlmoConfig", GROUPED),
    "OLMo 2": Model("Olmo2Config", GROUPED),
    "OLMo 3": Model("Olmo3Config", GROUPED),
    "EXAONE 4": Model("Exaone4Config", GROUPED),
    "GLM-4": Model("Glm4Config", GROUPED),
    "DeepSeek-V3": Model("DeepseekV3Config", LATENT),
    "Phi-2": Model("PhiConfig", GROUPED),
    "Phi-3": Model("Phi3Config", GROUPED),
    "Command-R": Model("CohereConfig", GROUPED),
    "Command-R+": Model("CohereConfig", GROUPED | {"use_qk_norm": True}),
    "Cohere 2": Model("Cohere2Config", GROUPED),
    "Nemotron": Model("NemotronConfig", GROUPED),
    "gpt-oss": Model("GptOssConfig", GROUPED | MIXTURE),
    "MiniMax": Model("MiniMaxConfig", GROUPED | MIXTURE | {"layer_types": ["full_attention"] * 2}),
    "nanochat": Model("NanoChatConfig", GROUPED),
}


def build(name: str, **options: Any) -> torch.nn.Module:
    """The tiny model of that name with random weights, its configuration's defaults where `options` say nothing."""
    import transformers

    model = MODELS[name]
    config = getattr(transformers, model.config)(**{**TINY, **model.options, **options})
    config._attn_implementation = "eager"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return transformers.AutoModel.from_config(config).eval()


class Norm(NamedTuple):
    """One call of a norm; sources and readers are named as the modules are, a module's second call `name#2`."""

    module: torch.nn.Module
    x: torch.Tensor
    stream: dict[str, float]  # what reaches it by residual connections alone, and by which factor
    sources: set[str]  # what reaches it at all
    readers: list[str]  # the modules that are handed y


class _Recorder:
    """One forward pass in which the output of every norm and of the token embedding is replaced by a leaf."""

    def __init__(self, model: torch.nn.Module, ids: torch.Tensor):
        self.inputs: dict[str, torch.Tensor] = {}
        self.leaves: dict[str, torch.Tensor] = {}
        self.readers: dict[str, list[str]] = {}
        hooks = []
        for name, module in model.named_modules():
            if _is_norm(module) or _is_embedding(module):
                hooks.append(module.register_forward_hook(partial(self._cut, name), with_kwargs=True))
            elif name:
                hooks.append(module.register_forward_pre_hook(partial(self._read, name), with_kwargs=True))
        config: Any = model.config
        inputs = {"decoder_input_ids": ids} if config.is_encoder_decoder else {}
        self.inputs[OUTPUT] = model(ids, **inputs, use_cache=False).last_hidden_state
        for hook in hooks:
            hook.remove()

    def _cut(self, name: str, module: torch.nn.Module, args: Any, kwargs: Any, y: torch.Tensor) -> torch.Tensor:
        calls = 1 + sum(_module(key) == name for key in self.leaves)
        name = name if calls == 1 else f"{name}#{calls}"
        if _is_norm(module):
            self.inputs[name] = next(iter([*args, *kwargs.values()]))
        self.leaves[name] = y.detach().clone().requires_grad_()
        self.readers[name] = []
        return self.leaves[name]

    def _read(self, name: str, module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        for source, leaf in self.leaves.items():
            inside = any(name.startswith(f"{reader}.") for reader in self.readers[source])
            if not inside and any(a is leaf for a in [*args, *kwargs.values()]):
                self.readers[source].append(name)

    def factors(self, name: str) -> dict[str, float]:
        """By which factor each leaf comes into the input `name`; nan where it comes other than by a factor."""
        x = self.inputs[name]
        if not x.requires_grad:
            return {}
        dx = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
        gradients = torch.autograd.grad(x, list(self.leaves.values()), dx, retain_graph=True, allow_unused=True)
        return {
            source: _factor(gradient, dx)
            for source, gradient in zip(self.leaves, gradients, strict=True)
            if gradient is not None and gradient.any()
        }


def _factor(gradient: torch.Tensor, dx: torch.Tensor) -> float:
    if gradient.shape == dx.transpose(0, 1).shape:  # XLNet has the positions first
        gradient = gradient.transpose(0, 1)
    if gradient.numel() != dx.numel():
        return math.nan
    gradient = gradient.reshape(dx.shape)  # OPT flattens them
    factor = ((gradient * dx).sum() / dx.square().sum()).item()
    # The sums of a few float32 numbers of size 1 are exact to 1e-6; a sublayer's derivative is no multiple at all.
    return factor if torch.allclose(gradient, factor * dx, rtol=1e-5, atol=1e-6) else math.nan


def _module(call: str) -> str:
    return call.partition("#")[0]


def _is_norm(module: torch.nn.Module) -> bool:
    return "norm" in type(module).__name__.lower() and not list(module.children())


def _is_embedding(module: torch.nn.Module) -> bool:
    return isinstance(module, torch.nn.Embedding) and module.num_embeddings == VOCABULARY


@single_thread
def trace(model: torch.nn.Module) -> dict[str, Norm]:
    """Every call of a norm, in order, and the model's output as the last."""
    ids = torch.randint(3, VOCABULARY, (BATCH, TOKENS), generator=torch.Generator().manual_seed(0))
    silent = copy.deepcopy(model)
    for module in silent.modules():
        if not _is_norm(module) and not isinstance(module, torch.nn.Embedding):
            for parameter in module.parameters(recurse=False):
                parameter.data.zero_()
    speaking, silenced = _Recorder(model, ids), _Recorder(silent, ids)
    return {
        name: Norm(
            model if name == OUTPUT else model.get_submodule(_module(name)),
            x.detach(),
            silenced.factors(name),
            set(speaking.factors(name)),
            speaking.readers.get(name, []),
        )
        for name, x in speaking.inputs.items()
    }


def role(norms: dict[str, Norm], name: str) -> str:
    """`pre`, `post`, `output` or `inner`: whether the norm reads the stream, and whether the stream holds its y."""
    reads = bool(norms[name].stream)
    written = any(name in norm.stream for norm in norms.values())
    return {(True, False): "pre", (True, True): "post", (False, True): "output", (False, False): "inner"}[
        reads, written
    ]


def _origins(norms: dict[str, Norm], name: str) -> set[str]:
    """What reaches a norm, the norms inside an attention replaced by what reaches them."""
    inner = {source for source in norms[name].sources if source in norms and role(norms, source) == "inner"}
    return (norms[name].sources - inner).union(*(_origins(norms, source) for source in inner))


def placement(norms: dict[str, Norm], layer: list[str]) -> str:
    """The placement in a layer, by its norms: `post`, `pre`, `parallel`, `sandwich`, `output`; all roles if none of them."""
    roles = {role(norms, name) for name in layer} - {"inner"}
    before = {name for name in layer if role(norms, name) == "pre"}
    after = [_origins(norms, name) for name in layer if role(norms, name) == "output"]
    if roles == {"pre"}:
        chained = any(norms[name].sources & before for name in before)  # one reads what came of another
        branches = sum(len(norms[name].readers) for name in before)
        return "parallel" if branches > 1 and not chained else "pre"
    if roles == {"pre", "output"} and all({name} in after for name in before):
        return "sandwich"  # what came of each norm on the way in, and of nothing else, is normed on the way out
    return " and ".join(sorted(roles))


def qk_norm(model: torch.nn.Module, norms: dict[str, Norm], inner: list[str]) -> str:
    """Over which values the norms inside an attention go, if they have no weight, and if they follow the rotation.

    Where all tokens are the same, the queries of two positions differ only if they have been rotated.
    """
    if not inner:
        return "none"
    first, sizes = inner[0], {norms[call].x.shape[-1] for call in inner}
    config: Any = model.config
    heads = config.num_attention_heads
    width = getattr(config, "head_dim", config.hidden_size // heads)
    same = _Recorder(model, torch.full((BATCH, TOKENS), 3)).inputs[first]
    rotated = not torch.allclose(same, same.roll(1, dims=same.shape.index(TOKENS)), rtol=1e-3, atol=1e-6)
    over = "per head" if sizes == {width} else "all heads" if max(sizes) == heads * width else "latent"
    weightless = rule(norms[first].module, norms[first].x.shape[-1]).gain == "none"
    return over + ", no weight" * weightless + ", rotated" * rotated


@cache
@single_thread
def observe(name: str) -> Architecture:
    """What the census says about this architecture, from a tiny model alone. Its layers must agree."""
    model = build(name)
    norms = {call: n for call, n in trace(model).items() if call == OUTPUT or call.startswith(MODELS[name].stack)}
    layers: dict[str, list[str]] = {}
    for call in norms:
        prefix = re.match(r"((\w+\.)*?\d+)\.", call)
        layers.setdefault(prefix[1] if prefix else "", []).append(call)
    outside = {_module(call) for call in layers.pop("") if call != OUTPUT}
    layer, *_ = layers.values()
    inner = [call for call in layer if role(norms, call) == "inner"]
    around = [call for call in layer if call not in inner]
    (seen,) = {placement(norms, calls) for calls in layers.values()}
    (computed,) = {rule(norms[call].module, norms[call].x.shape[-1]) for call in [*around, *outside]}
    return Architecture(
        computed.norm,
        seen,
        computed.eps,
        computed.bias,
        computed.gain,
        len({_module(call) for call in around}),
        len({_module(call) for call in inner}),
        len(outside),
        qk_norm(model, norms, inner),
    )


class Rule(NamedTuple):
    """What a norm computes, measured on its values."""

    norm: str
    eps: float
    bias: bool
    gain: str


def rule(module: torch.nn.Module, features: int) -> Rule:
    """What a norm of `features` values computes; the module's parameters are left as they were."""
    module = copy.deepcopy(module)
    signs = torch.tensor([1.0, -1.0]).repeat(features // 2)  # mean 0, mean square 1

    def y(x: torch.Tensor, weight: float = 1.0, bias: float = 0.0) -> torch.Tensor:
        for name, parameter in module.named_parameters():
            parameter.data.fill_(bias if name == "bias" else weight)
        return module(x[None, None])[0, 0].detach()

    large, tiny = 1000.0, 1e-6
    gain, gain_of_zeros = y(large * signs)[0].item(), y(large * signs, weight=0.0)[0].item()
    shrunk = y(tiny * signs)[0].item() / gain  # tiny / sqrt(tiny² + eps)
    return Rule(
        "LayerNorm" if torch.allclose(y(large * (signs + 1)), y(large * signs), rtol=1e-3) else "RMSNorm",
        float(f"{tiny**2 * (shrunk**-2 - 1):.4g}"),
        bool(y(0 * signs, bias=1.0).any()),
        "weight" if round(gain_of_zeros) == 0 else "1 + weight" if round(gain) == 2 else "none",
    )
