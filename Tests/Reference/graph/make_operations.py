"""Writes Tests/GraphTests/Fixtures/operations.json: operations of the graph and their gradients as torch (float64)
and transformers compute them. Rows are ragged: the sequences of a batch lie one after another.

    venv/bin/python graph/make_operations.py
"""
import json
import pathlib
from unittest import mock

import torch
import torch.nn.functional as F
from transformers.activations import ACT2FN
from transformers.models.gemma2.modeling_gemma2 import eager_attention_forward as gemma2_attention
from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as interleaved_rotary
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as half_rotary

torch.set_num_threads(1)
torch.manual_seed(20240404)
cases = []


def normal(rows, columns):
    return torch.randn(rows, columns, dtype=torch.float64, requires_grad=True)


def matrix(tensor):
    tensor = tensor.detach().reshape(-1, tensor.shape[-1])
    return {"rows": tensor.shape[0], "columns": tensor.shape[1], "values": tensor.flatten().tolist()}


def add(name, operation, attributes, inputs, output):
    """inputs: tensors, or lists of indices. The gradients belong to the sum of output · adjoint."""
    adjoint = torch.randn_like(output)
    reals = [x for x in inputs if torch.is_tensor(x) and x.requires_grad]
    gradients = dict(zip(map(id, reals), torch.autograd.grad(output, reals, adjoint)))
    cases.append({
        "name": name, "operation": operation, "attributes": attributes,
        "inputs": [{"indices": x} if isinstance(x, list) else
                   {"matrix": matrix(x), **({"gradient": matrix(gradients[id(x)])} if id(x) in gradients else {})}
                   for x in inputs],
        "output": matrix(output), "adjoint": matrix(adjoint)})


def activations():
    spread = torch.linspace(-6, 6, 25, dtype=torch.float64).reshape(5, 5)
    for function, torch_name in [("gelu", "gelu"), ("geluTanh", "gelu_pytorch_tanh"), ("quickGelu", "quick_gelu"),
                                 ("silu", "silu"), ("sigmoid", "sigmoid"), ("tanh", "tanh"), ("relu", "relu")]:
        x = spread.clone().requires_grad_()
        add(function, "unary", {"function": function}, [x], ACT2FN[torch_name](x))
    x = spread.clone().requires_grad_()
    add("softplus", "unary", {"function": "softplus"}, [x], F.softplus(x, threshold=1e9))
    x = spread.clone().requires_grad_()
    add("softmax", "softmax", {}, [x], x.softmax(-1))
    x = spread.clone().requires_grad_()
    add("logSoftmax", "logSoftmax", {}, [x], x.log_softmax(-1))


def norms():
    x, weight, bias = normal(3, 6), normal(1, 6), normal(1, 6)
    add("layerNorm", "layerNorm", {"epsilon": 1e-5}, [x, weight, bias],
        F.layer_norm(x, (6,), weight[0], bias[0], 1e-5))
    x, weight = normal(3, 6), normal(1, 6)
    add("rmsNorm", "rmsNorm", {"epsilon": 1e-6}, [x, weight], F.rms_norm(x, (6,), weight[0], 1e-6))
    x, weight = normal(3, 6), normal(1, 6)
    add("rmsNorm with an offset weight", "rmsNorm", {"epsilon": 0.1, "weightOffset": 1}, [x, weight],
        F.rms_norm(x, (6,), 1 + weight[0], 0.1))
    x, weight = normal(3, 6), normal(1, 2)
    add("rmsNorm per head", "rmsNorm", {"epsilon": 1e-6, "groups": 3}, [x, weight],
        F.rms_norm(x.reshape(3, 3, 2), (2,), weight[0], 1e-6).reshape(3, 6))


def rotary():
    rows, heads, size = 4, 3, 4
    angles = torch.tensor([0, 1, 5, 2], dtype=torch.float64)[:, None] * torch.tensor([1.0, 0.1], dtype=torch.float64)
    cosine, sine = angles.cos(), angles.sin()
    attributes = {"heads": heads, "headSize": size}

    x = normal(rows, heads * size)
    by_head = x.reshape(1, rows, heads, size).transpose(1, 2)
    twice = [torch.cat([table, table], -1)[None] for table in (cosine, sine)]
    rotated, _ = half_rotary(by_head, by_head, *twice)
    add("rotate halves", "rotate", attributes, [x, cosine, sine], rotated.transpose(1, 2).reshape(rows, -1))

    x = normal(rows, heads * size)
    rotated = interleaved_rotary(x.reshape(1, rows, heads, size), sine[None], cosine[None])
    add("rotate interleaved", "rotate", {**attributes, "interleaved": 1}, [x, cosine, sine], rotated.reshape(rows, -1))


def attention(name, lengths, heads, key_heads, size, causal=True, window=None, soft_cap=None, scale=None,
              parameter_keys=0):
    rows = sum(lengths)
    offsets = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
    query, key, value = normal(rows, heads * size), normal(rows, key_heads * size), normal(rows, key_heads * size)
    extra = [normal(parameter_keys, key_heads * size) for _ in range(2)] if parameter_keys else []
    scale = size ** -0.5 if scale is None else scale
    outputs = []
    for start, length in zip(offsets, lengths):
        part = slice(start, start + length)
        keys = torch.cat(extra[:1] + [key[part]])
        values = torch.cat(extra[1:] + [value[part]])
        q, k, v = (t.reshape(1, t.shape[0], -1, size).transpose(1, 2) for t in (query[part], keys, values))
        row, column = torch.arange(length)[:, None], torch.arange(length)[None]
        seen = torch.ones(length, length, dtype=torch.bool)
        if causal:
            seen &= column <= row
        if window:
            seen &= (row - column).abs() < window
        seen = torch.cat([torch.ones(length, parameter_keys, dtype=torch.bool), seen], 1)
        if soft_cap:
            module = torch.nn.Module()
            module.num_key_value_groups, module.training = heads // key_heads, False
            mask = torch.zeros(seen.shape, dtype=torch.float64).masked_fill(~seen, float("-inf"))[None, None]
            # transformers narrows the softmax to float32; in float64 the comparison can be tight.
            with mock.patch.object(F, "softmax", lambda x, dim, dtype: x.softmax(dim)):
                out, _ = gemma2_attention(module, q, k, v, mask, scaling=scale, softcap=soft_cap)
            outputs.append(out.reshape(length, -1))
        else:
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, scale=scale, enable_gqa=True)
            outputs.append(out.transpose(1, 2).reshape(length, -1))
    attributes = {"heads": heads, "keyHeads": key_heads, "headSize": size, "scale": scale, "causal": int(causal)}
    attributes.update({k: v for k, v in [("window", window), ("softCap", soft_cap)] if v})
    add(name, "attention", attributes, [query, key, value, offsets] + extra, torch.cat(outputs))


def losses():
    logits, targets = normal(4, 5), [3, -100, 0, 4]
    add("crossEntropy", "crossEntropy", {}, [logits, targets],
        F.cross_entropy(logits, torch.tensor(targets), reduction="none")[:, None])


activations()
norms()
rotary()
attention("attention, causal", [3, 1], 2, 2, 4)
attention("attention, bidirectional", [2, 3], 2, 2, 3, causal=False)
attention("attention, grouped queries", [4], 4, 2, 2)
attention("attention, window", [5, 2], 2, 1, 2, window=2)
attention("attention, bidirectional window", [5], 2, 1, 2, causal=False, window=2)
attention("attention, soft cap", [3], 2, 1, 4, soft_cap=0.8, scale=0.7)
attention("attention, parameter keys", [3, 1], 2, 1, 4, parameter_keys=2)
losses()

path = pathlib.Path(__file__).parents[2] / "GraphTests/Fixtures/operations.json"
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes")
