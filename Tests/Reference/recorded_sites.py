"""Forward hooks that record the named values of a model under the site names of this package.

Definitions (rows of one sequence, [tokens, width]):

  embedding               what enters block 0 (GPT-2: with positions; BERT and RoBERTa: after its layer norm)
  token_embedding         the row of the token table alone
  block_input/output.l    as pyvene: input and output of the decoder or encoder layer
  query/key/value_output.l  outputs of the projections with bias, before any rotary embedding
  attention_value_output.l  input of the attention's output projection
  attention_output.l      output of that projection with bias, before the residual sum (and BERT's layer norm)
  mlp_activation.l        output of the activation function (Llama: of act(gate), before it is multiplied with up)
  mlp_output.l            output of the MLP's last projection with bias, before the residual sum
  query/key_norm_output.l  outputs of the norms of queries and keys, heads side by side, before any rotary embedding
  router_output.l         logits of a mixture's router
  expert_output.l         outputs of all experts side by side; zero where a row does not go to the expert
  final_norm_output       (decoders) what the language-model head reads
  pooler_output           (encoders) what the last linear layer of the classifier reads, one row per sequence
"""

import torch


def _first(value):
    return value[0] if isinstance(value, tuple) else value


def _thirds_of_heads(part, heads):
    """Query, key or value of a projection that holds the three of each head together (GPT-NeoX)."""
    def cut(output):
        rows, width = output.shape[-2:]
        return output.view(rows, heads, 3, width // heads // 3)[:, :, part].reshape(1, rows, width // 3)
    return cut


def _columns(start, stop):
    return lambda output: output[..., start:stop]


def _heads_side_by_side(heads_first):
    def flat(output):
        value = output.transpose(1, 2) if heads_first else output
        return value.flatten(2) if value.dim() == 4 else value
    return flat


class _experts:
    """What each expert of a mixture computes with the rows that go to it, side by side, zero for the other rows."""

    def __init__(self, compute):
        self.compute = compute

    def __call__(self, mixture, rows):
        rows = rows.reshape(-1, rows.shape[-1])
        probabilities = torch.nn.functional.linear(rows, mixture.gate.weight).softmax(-1)
        chosen = torch.zeros_like(probabilities).scatter(1, probabilities.topk(mixture.top_k).indices, 1.0)
        parts = [self.compute(expert, rows) * chosen[:, place, None] for place, expert in enumerate(mixture.experts)]
        return torch.cat(parts, -1)


def _decoder_layer_sites(index, block, config):
    """The sites of a layer of a decoder whose modules are named as Llama's are, where it has them."""
    family, attention, mlp = config.model_type, block.self_attn, block.mlp
    heads, key_heads = config.num_attention_heads, config.num_key_value_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    # Some families clip these in place.
    copied = torch.clone
    if family == "phi3":
        ends = [0, heads * size, (heads + key_heads) * size, (heads + 2 * key_heads) * size]
        sites = [(f"{part}_output.{index}", attention.qkv_proj, _columns(ends[place], ends[place + 1]))
                 for place, part in enumerate(["query", "key", "value"])]
    else:
        sites = [(f"query_output.{index}", attention.q_proj, copied), (f"key_output.{index}", attention.k_proj, copied),
                 (f"value_output.{index}", attention.v_proj, copied)]
    if hasattr(attention, "q_norm"):
        flat = _heads_side_by_side(heads_first=family == "gemma3_text")
        sites += [(f"query_norm_output.{index}", attention.q_norm, lambda output: flat(output).clone()),
                  (f"key_norm_output.{index}", attention.k_norm, lambda output: flat(output).clone())]
    if family == "olmoe":
        sites += [(f"router_output.{index}", mlp.gate, "output"), (f"mlp_output.{index}", mlp, "output"),
                  (f"mlp_activation.{index}", mlp, _experts(lambda expert, x: expert.act_fn(expert.gate_proj(x)))),
                  (f"expert_output.{index}", mlp, _experts(lambda expert, x: expert(x)))]
    else:
        activation = mlp.activation_fn if family == "phi3" else mlp.act_fn
        sites += [(f"mlp_activation.{index}", activation, "output"), (f"mlp_output.{index}", mlp, "output")]
    return sites + [
        (f"block_input.{index}", block, "input"), (f"block_output.{index}", block, "output"),
        (f"attention_value_output.{index}", attention.o_proj, "input"),
        (f"attention_output.{index}", attention.o_proj, "output"),
    ]


def _gpt_neo_sites(body, index, block):
    attention = block.attn.attention
    return [
        (f"query_output.{index}", attention.q_proj, "output"), (f"key_output.{index}", attention.k_proj, "output"),
        (f"value_output.{index}", attention.v_proj, "output"),
        (f"block_input.{index}", block, "input"), (f"block_output.{index}", block, "output"),
        (f"attention_value_output.{index}", attention.out_proj, "input"),
        (f"attention_output.{index}", attention.out_proj, "output"),
        (f"mlp_activation.{index}", block.mlp.act, "output"), (f"mlp_output.{index}", block.mlp.c_proj, "output"),
    ]


def _gpt_neox_sites(index, block, config):
    attention = block.attention
    sites = [(f"{part}_output.{index}", attention.query_key_value,
              _thirds_of_heads(place, config.num_attention_heads))
             for place, part in enumerate(["query", "key", "value"])]
    return sites + [
        (f"block_input.{index}", block, "input"), (f"block_output.{index}", block, "output"),
        (f"attention_value_output.{index}", attention.dense, "input"),
        (f"attention_output.{index}", attention.dense, "output"),
        (f"mlp_activation.{index}", block.mlp.act, "output"), (f"mlp_output.{index}", block.mlp, "output"),
    ]


def _python_path(name):
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in name.split(".")).lstrip(".")


def module_sites(model, layer):
    """The outputs of all modules with parameters of one layer, and the inputs of its linear layers, by their paths."""
    sites = []
    for name, module in model.named_modules():
        parts = name.split(".")
        if str(layer) not in parts or any(module.children()) or "experts" in parts:
            continue
        if any(True for _ in module.parameters()) or "norm" in parts[-1]:
            flat = _heads_side_by_side(heads_first=model.config.model_type == "gemma3_text" and "_norm" in parts[-1])
            sites.append((f"{_python_path(name)}.output", module, lambda output, flat=flat: flat(output).clone()))
            if isinstance(module, torch.nn.Linear):
                sites.append((f"{_python_path(name)}.input", module, "input"))
    return sites


def _site_modules(model):
    """[(site, module, 'input' | 'output' | ('split', index))] for the model's family."""
    family = model.config.model_type
    sites = []
    if family == "gpt2":
        body = model.transformer
        sites += [("token_embedding", body.wte, "output"), ("embedding", body.drop, "output"),
                  ("final_norm_output", body.ln_f, "output")]
        for index, block in enumerate(body.h):
            sites += [(f"{part}_output.{index}", block.attn.c_attn, ("split", place))
                      for place, part in enumerate(["query", "key", "value"])]
            sites += [
                (f"block_input.{index}", block, "input"), (f"block_output.{index}", block, "output"),
                (f"attention_value_output.{index}", block.attn.c_proj, "input"),
                (f"attention_output.{index}", block.attn.c_proj, "output"),
                (f"mlp_activation.{index}", block.mlp.act, "output"),
                (f"mlp_output.{index}", block.mlp.c_proj, "output"),
            ]
    elif family in ("bert", "roberta"):
        body = getattr(model, family)
        sites += [("token_embedding", body.embeddings.word_embeddings, "output"),
                  ("embedding", body.embeddings, "output"),
                  ("pooler_output", model.classifier if family == "bert" else model.classifier.out_proj, "input")]
        for index, block in enumerate(body.encoder.layer):
            attention = block.attention
            sites += [
                (f"block_input.{index}", block, "input"), (f"block_output.{index}", block, "output"),
                (f"query_output.{index}", attention.self.query, "output"),
                (f"key_output.{index}", attention.self.key, "output"),
                (f"value_output.{index}", attention.self.value, "output"),
                (f"attention_value_output.{index}", attention.output.dense, "input"),
                (f"attention_output.{index}", attention.output.dense, "output"),
                (f"mlp_activation.{index}", block.intermediate, "output"),
                (f"mlp_output.{index}", block.output.dense, "output"),
            ]
    elif family == "gpt_neo":
        body = model.transformer
        sites += [("token_embedding", body.wte, "output"), ("position_embedding", body.wpe, "output"),
                  ("embedding", body.drop, "output"), ("final_norm_output", body.ln_f, "output")]
        for index, block in enumerate(body.h):
            sites += _gpt_neo_sites(body, index, block)
    elif family == "gpt_neox":
        body = model.gpt_neox
        sites += [("token_embedding", body.embed_in, "output"), ("embedding", body.embed_in, "output"),
                  ("final_norm_output", body.final_layer_norm, "output")]
        for index, block in enumerate(body.layers):
            sites += _gpt_neox_sites(index, block, model.config)
    else:
        body = model.model
        # Gemma scales the embeddings outside the module.
        entry = (body.layers[0], "input") if family in ("gemma", "gemma2") else (body.embed_tokens, "output")
        sites += [("token_embedding", body.embed_tokens, "output"), ("embedding", *entry),
                  ("final_norm_output", body.norm, "output")]
        for index, block in enumerate(body.layers):
            sites += _decoder_layer_sites(index, block, model.config)
    return sites


def site_module(model, component, layer):
    """The module whose output is the value of that site."""
    for site, module, place in _site_modules(model):
        if site == f"{component}.{layer}" and place == "output":
            return module
    raise ValueError(f"{component} of layer {layer} is not the output of a module")


class Recording:
    """`with Recording(model) as sites: model(…)` fills `sites.values` with the last forward's values, graph attached.

    Hooks run in the order in which they were set: edits made before the recording starts are recorded.
    """

    def __init__(self, model, more=()):
        self.model = model
        self.more = list(more)
        self.values = {}
        self.handles = []

    def __enter__(self):
        for site, module, place in _site_modules(self.model) + self.more:
            if place == "input":
                self.handles.append(module.register_forward_pre_hook(self._on_input(site), with_kwargs=True))
            else:
                self.handles.append(module.register_forward_hook(self._on_output(site, place)))
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()

    def _on_input(self, site):
        def hook(_, arguments, keywords):
            self.values[site] = arguments[0] if arguments else keywords["hidden_states"]
        return hook

    def _on_output(self, site, place):
        def hook(module, arguments, output):
            value = _first(output)
            if isinstance(place, _experts):
                value = place(module, arguments[0])
            elif callable(place):
                value = place(value)
            elif place != "output":
                value = value.split(value.shape[-1] // 3, dim=-1)[place[1]]
            self.values[site] = value
        return hook


def site_names(model):
    """Every site that a recording of this model holds."""
    return [site for site, _, _ in _site_modules(model)]


def causal_loss_sum(logits, labels):
    """(Σ cross-entropy, count) of one sequence; the logits of row i are judged by the label of row i + 1."""
    targets = torch.tensor(labels)[1:]
    losses = torch.nn.functional.cross_entropy(logits[:-1], targets, ignore_index=-100, reduction="sum")
    return losses, int((targets != -100).sum())
