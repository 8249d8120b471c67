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
  final_norm_output       (decoders) what the language-model head reads
  pooler_output           (encoders) what the last linear layer of the classifier reads, one row per sequence
"""

import torch


def _first(value):
    return value[0] if isinstance(value, tuple) else value


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
    else:
        body = model.model
        sites += [("token_embedding", body.embed_tokens, "output"), ("embedding", body.embed_tokens, "output"),
                  ("final_norm_output", body.norm, "output")]
        for index, block in enumerate(body.layers):
            attention = block.self_attn
            sites += [
                (f"block_input.{index}", block, "input"), (f"block_output.{index}", block, "output"),
                (f"query_output.{index}", attention.q_proj, "output"),
                (f"key_output.{index}", attention.k_proj, "output"),
                (f"value_output.{index}", attention.v_proj, "output"),
                (f"attention_value_output.{index}", attention.o_proj, "input"),
                (f"attention_output.{index}", attention.o_proj, "output"),
                (f"mlp_activation.{index}", block.mlp.act_fn, "output"),
                (f"mlp_output.{index}", block.mlp, "output"),
            ]
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

    def __init__(self, model):
        self.model = model
        self.values = {}
        self.handles = []

    def __enter__(self):
        for site, module, place in _site_modules(self.model):
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
        def hook(_, __, output):
            value = _first(output)
            if place != "output":
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
