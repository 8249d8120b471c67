"""Writes tiny GGUF files from the seeded models of Tests/Fixtures/models: Tests/Fixtures/gguf/NAME.gguf.

  python Tests/Reference/models/make_gguf.py        (needs gguf, numpy, safetensors, torch, transformers)

The arrangement of tensors is that of llama.cpp's convert_hf_to_gguf.py: query and key rows of `llama` interleaved within
each head, those of `olmo` too, GPT-2's projections transposed, GPT-NeoX's query, key and value one after the other, norm
weights of Gemma with 1 added, Llama 3's rotary scaling as the divisors `rope_freqs.weight`. Files in f32 hold
the numbers of their model, whose expected.safetensors holds for them too. For llama-quantised, NAME.safetensors holds the
`logits` that transformers' own GGUF reader gives in f32 for the sequences of the model's cases.json.
"""

import json
import pathlib

import gguf
import numpy
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Fixtures"
TYPES = gguf.GGMLQuantizationType


def interleaved(weight, heads):
    """As LlamaModel.permute of convert_hf_to_gguf.py."""
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def arranged(name, weight, architecture, config):
    if architecture.startswith("gemma") and name.endswith("norm.weight"):
        return weight + 1
    if architecture == "gptneox" and ".query_key_value." in name:
        heads = config.num_attention_heads
        parts = weight.reshape(heads, 3, weight.shape[0] // heads // 3, *weight.shape[1:])
        return parts.swapaxes(0, 1).reshape(weight.shape)
    if architecture in ("llama", "olmo") and ".q_proj." in name:
        return interleaved(weight, config.num_attention_heads)
    if architecture in ("llama", "olmo") and ".k_proj." in name:
        return interleaved(weight, config.num_key_value_heads)
    if architecture == "gpt2" and ".c_" in name and name.endswith(".weight"):
        return weight.T
    return weight


def stacked(tensors):
    """The matrices of a layer's experts one after another, as [experts, outputs, inputs]."""
    whole, experts = {}, {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        if "experts" in parts:
            expert = int(parts.pop(parts.index("experts") + 1))
            experts.setdefault(".".join(parts), {})[expert] = tensor
        else:
            whole[name] = tensor
    return whole | {name: torch.stack([some[key] for key in sorted(some)]) for name, some in experts.items()}


def add_sizes(writer, architecture, config):
    if architecture == "gpt2":
        writer.add_block_count(config.n_layer)
        writer.add_context_length(config.n_positions)
        writer.add_embedding_length(config.n_embd)
        writer.add_feed_forward_length(4 * config.n_embd)
        writer.add_head_count(config.n_head)
        writer.add_layer_norm_eps(config.layer_norm_epsilon)
        return
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if architecture == "gptneox":
        writer.add_layer_norm_eps(config.layer_norm_eps)
        writer.add_rope_dimension_count(int(config.rotary_pct * size))
        writer.add_parallel_residual(config.use_parallel_residual)
        return
    writer.add_head_count_kv(config.num_key_value_heads)
    if architecture == "olmo":
        writer.add_layer_norm_eps(1e-5)
        writer.add_clamp_kqv(config.clip_qkv)
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if architecture == "gemma2":
        assert config.query_pre_attn_scalar == size, "GGUF has no key for another one"
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
        writer.add_sliding_window(config.sliding_window)
    if architecture == "phi3":
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
        for kind in ["short", "long"]:
            factors = numpy.array(config.rope_scaling[f"{kind}_factor"], dtype=numpy.float32)
            writer.add_tensor(f"rope_factors_{kind}.weight", factors)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_rope_dimension_count(int(size * getattr(config, "partial_rotary_factor", 1)))
    if size * config.num_attention_heads != config.hidden_size:
        writer.add_key_length(size)
        writer.add_value_length(size)
    if architecture == "llama":
        writer.add_vocab_size(config.vocab_size)


def storage(place, weight, quantised):
    """Each quantised type in turn for matrices whose rows are whole blocks, f16 for other matrices, f32 for vectors."""
    if not quantised or weight.ndim == 1:
        return TYPES.F32
    if weight.shape[-1] % 32:
        return TYPES.F16
    return [TYPES.Q8_0, TYPES.Q5_0, TYPES.Q5_1, TYPES.Q4_1, TYPES.Q4_0, TYPES.BF16][place % 6]


def write(model, name, architecture, quantised=False):
    folder = FIXTURES / "models" / model
    config = AutoConfig.from_pretrained(folder)
    path = FIXTURES / "gguf" / f"{name}.gguf"
    path.parent.mkdir(exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    add_sizes(writer, architecture, config)
    names = gguf.get_tensor_name_map({value: key for key, value in gguf.MODEL_ARCH_NAMES.items()}[architecture], 8)
    scaling = getattr(config, "rope_scaling", None)
    if scaling and scaling.get("rope_type") == "llama3":
        plain, _ = ROPE_INIT_FUNCTIONS["default"](config, "cpu")
        scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, "cpu")
        writer.add_tensor("rope_freqs.weight", (plain / scaled).numpy().astype(numpy.float32))
    if architecture == "olmoe":
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
    tensors = stacked(load_file(folder / "model.safetensors"))
    for place, (tensor, weight) in enumerate(sorted(tensors.items())):
        weight = numpy.ascontiguousarray(arranged(tensor, weight.numpy(), architecture, config))
        kind = storage(place, weight, quantised)
        data = weight if kind == TYPES.F32 else gguf.quants.quantize(weight, kind)
        writer.add_tensor(names.get_name(tensor, try_suffixes=(".weight", ".bias")), data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(path.name, path.stat().st_size)
    return path


def write_expected(path, model):
    cases = json.loads((FIXTURES / "models" / model / "cases.json").read_text())
    reader = AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = torch.cat([reader(torch.tensor([row])).logits[0] for row in cases["sequences"]])
    save_file({"logits": logits.contiguous()}, path.with_suffix(".safetensors"))


def main():
    write("llama-biased-wide-heads", "llama-biased-wide-heads", "llama")
    write("llama3-rope-scaling", "llama3-rope-scaling", "llama")
    write("qwen2", "qwen2", "qwen2")
    write("gpt2", "gpt2", "gpt2")
    for name, architecture in [("qwen3", "qwen3"), ("gemma", "gemma"), ("gemma2", "gemma2"), ("olmo", "olmo"),
                               ("olmo2", "olmo2"), ("phi3-longrope", "phi3"), ("gpt-neox", "gptneox"),
                               ("olmoe-unnormed", "olmoe")]:
        write(name, name, architecture)
    write_expected(write("llama", "llama-quantised", "llama", quantised=True), "llama")


if __name__ == "__main__":
    main()
