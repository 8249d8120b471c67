"""Writes fixtures of attention scores and patterns, and of the families with a bias by distance: MPNet and T5.

  Fixtures/relative/mpnet, mpnet-classifier, t5, t5-gated   tiny models and what transformers computes with them
  Fixtures/attention/<model>.safetensors, .json           patterns of transformers (eager), and runs with edited patterns
  Fixtures/attention/buckets.json                         the buckets of distances

Pairs of a sequence are [queries · keys, heads], the keys of the first query first. Edits are forward hooks on a copy of
the attention function that is written here, since transformers gives no place to edit a pattern.
"""

import torch
from transformers.models.t5.modeling_t5 import T5Attention

from fixture_files import FIXTURES, write_json, write_tensors
from make_models import save_model
from recorded_sites import causal_loss_sum
from tiny_models import (CAUSAL, ENCODER_DECODERS, ENCODERS, MPNET_CLASSIFIER, causal_labels, sequences, tiny_model)

PATTERN_MODELS = ["llama-biased-wide-heads", "mistral", "gpt2", "bert", "roberta"]
TARGETS = [[0, 9, 4, 33, 71, 8], [0, 12, 50], [0, 3, 3, 90, 17, 64, 22, 5, 31]]


def pairs(attention):
    """[1, heads, queries, keys] → [queries · keys, heads]."""
    return attention[0].permute(1, 2, 0).reshape(-1, attention.shape[1])


class EditedSoftmax:
    """`with EditedSoftmax(edit, layer)`: the pattern of the layer-th softmax of each forward becomes edit(pattern)."""

    def __init__(self, edit, layer):
        self.edit, self.layer, self.calls, self.patterns = edit, layer, 0, []

    def __enter__(self):
        self.original = torch.nn.functional.softmax

        def softmax(*arguments, **keywords):
            pattern = self.original(*arguments, **keywords)
            if pattern.dim() != 4:
                return pattern
            if self.calls == self.layer:
                pattern = self.edit(pattern)
            self.calls += 1
            self.patterns.append(pattern)
            return pattern

        torch.nn.functional.softmax = softmax
        return self

    def __exit__(self, *_):
        torch.nn.functional.softmax = self.original

    def run(self, forward):
        self.calls, self.patterns = 0, []
        return forward()


def base_arguments(model, row):
    tokens = torch.tensor([row])
    if model.config.model_type == "bert":
        return dict(input_ids=tokens, token_type_ids=torch.zeros_like(tokens))
    return dict(input_ids=tokens)


def write_patterns(name):
    """Patterns of all layers, and logits with head 1 of layer 1 zeroed, exchanged, and scaled at two queries."""
    model = tiny_model(name)
    rows = sequences()
    tensors = {}
    layers = model.config.num_hidden_layers
    attentions = [model(**base_arguments(model, row), output_attentions=True).attentions for row in rows]
    for layer in range(layers):
        tensors[f"attention_pattern.{layer}"] = torch.cat([pairs(sequence[layer]) for sequence in attentions])
    others = sequences(seed=200)
    other_patterns = [model(**base_arguments(model, row), output_attentions=True).attentions[1] for row in others]

    def logits(edit_of):
        results = []
        for index, row in enumerate(rows):
            with EditedSoftmax(edit_of(index), 1) as edited:
                results.append(edited.run(lambda: model(**base_arguments(model, row)).logits))
        return torch.cat([result.reshape(-1, result.shape[-1]) for result in results])

    def zero(_):
        def edit(pattern):
            pattern = pattern.clone()
            pattern[:, 1] = 0
            return pattern
        return edit

    def exchange(index):
        def edit(pattern):
            pattern = pattern.clone()
            pattern[:, 1] = other_patterns[index][:, 1]
            return pattern
        return edit

    def halve(_):
        def edit(pattern):
            factors = torch.ones(1, 1, pattern.shape[2], 1)
            factors[:, :, [0, -1]] = 0.5
            return pattern * factors
        return edit

    tensors["zeroed"], tensors["exchanged"], tensors["halved"] = logits(zero), logits(exchange), logits(halve)
    plain = torch.cat([model(**base_arguments(model, row)).logits.reshape(-1, tensors["zeroed"].shape[-1])
                       for row in rows])
    assert all((tensors[edit] - plain).abs().max() > 1e-3 for edit in ["zeroed", "exchanged", "halved"])
    if name in CAUSAL:
        tensors |= causal_gradient(model, rows)
    write_tensors(FIXTURES / "attention" / f"{name}.safetensors", tensors)
    write_json(FIXTURES / "attention" / f"{name}.json", {"sequences": rows, "others": others,
                                                         "labels": causal_labels(rows)})


def causal_gradient(model, rows):
    """The slope of the loss by a factor [1, heads] of layer 1's pattern, at 0.75."""
    heads = model.config.num_attention_heads
    factor = torch.full((heads,), 0.75, requires_grad=True)
    losses, count = 0, 0
    for row, labels in zip(rows, causal_labels(rows)):
        with EditedSoftmax(lambda pattern: pattern * factor[None, :, None, None], 1) as edited:
            loss, labelled = causal_loss_sum(edited.run(lambda: model(**base_arguments(model, row)).logits)[0], labels)
        losses, count = losses + loss, count + labelled
    loss = losses / count
    return {"factor.loss": loss.reshape(1), "factor.gradient": torch.autograd.grad(loss, factor)[0].reshape(1, -1)}


# MARK: MPNet


def write_mpnet(name, rows):
    model, folder = tiny_model(name), FIXTURES / "relative" / name
    save_model(model, folder)
    body = getattr(model, "mpnet", model)
    recorded = {}

    def record(site, module, of_input=False):
        def hook(_, arguments, output):
            value = arguments[0] if of_input else output
            recorded.setdefault(site, []).append(value[0] if isinstance(value, tuple) else value)
        return module.register_forward_hook(hook)

    handles = [record("embedding", body.embeddings)]
    for index, block in enumerate(body.encoder.layer):
        attention = block.attention
        handles += [record(f"block_output.{index}", block), record(f"block_input.{index}", block, True),
                    record(f"query_output.{index}", attention.attn.q), record(f"key_output.{index}", attention.attn.k),
                    record(f"value_output.{index}", attention.attn.v),
                    record(f"attention_value_output.{index}", attention.attn.o, True),
                    record(f"attention_output.{index}", attention.attn.o),
                    record(f"mlp_activation.{index}", block.intermediate),
                    record(f"mlp_output.{index}", block.output.dense)]
    outputs = [model(torch.tensor([row]), output_attentions=True) for row in rows]
    for handle in handles:
        handle.remove()
    tensors = {key: torch.cat([value.reshape(-1, value.shape[-1]) for value in values])
               for key, values in recorded.items()}
    for layer in range(model.config.num_hidden_layers):
        tensors[f"attention_pattern.{layer}"] = torch.cat([pairs(output.attentions[layer]) for output in outputs])
    labels = None
    if name in MPNET_CLASSIFIER:
        labels = [2, 0, 1]
        tensors["logits"] = torch.cat([output.logits for output in outputs])
        table = body.encoder.relative_attention_bias.weight.requires_grad_(True)
        logits = torch.cat([model(torch.tensor([row])).logits for row in rows])
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
        tensors["loss"] = loss.reshape(1)
        tensors["gradient.table"] = torch.autograd.grad(loss, table)[0]
    write_tensors(folder / "expected.safetensors", tensors)
    cases = {"sequences": rows}
    if labels:
        cases["labels"] = labels
    write_json(folder / "cases.json", cases)


# MARK: T5


def record_t5(model, sources, targets):
    """Sites of encoder and decoder, [rows, width], and logits; with the graph attached."""
    recorded = {}

    def record(site, module, of_input=False):
        def hook(_, arguments, output):
            value = arguments[0] if of_input else output
            recorded.setdefault(site, []).append(value[0] if isinstance(value, tuple) else value)
        return module.register_forward_hook(hook)

    handles = []
    for prefix, stack in [("encoder:", model.encoder), ("", model.decoder)]:
        for index, block in enumerate(stack.block):
            own = block.layer[0].SelfAttention
            mlp = block.layer[-1].DenseReluDense
            handles += [record(f"{prefix}block_output.{index}", block), record(f"{prefix}block_input.{index}", block, True),
                        record(f"{prefix}attention_output.{index}", own),
                        record(f"{prefix}query_output.{index}", own.q),
                        record(f"{prefix}attention_value_output.{index}", own.o, True),
                        record(f"{prefix}mlp_activation.{index}", mlp.act), record(f"{prefix}mlp_output.{index}", mlp)]
        handles.append(record(f"{prefix}final_norm_output", stack.final_layer_norm))
    for index, block in enumerate(model.decoder.block):
        cross = block.layer[1].EncDecAttention
        handles += [record(f"cross_attention_output.{index}", cross), record(f"cross_query_output.{index}", cross.q),
                    record(f"cross_attention_value_output.{index}", cross.o, True),
                    record(f"encoder:cross_key_output.{index}", cross.k),
                    record(f"encoder:cross_value_output.{index}", cross.v)]
    logits = []
    for source, target in zip(sources, targets):
        output = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([target]),
                       output_attentions=True, use_cache=False)
        logits.append(output.logits[0])
        for index, attention in enumerate(output.encoder_attentions):
            recorded.setdefault(f"encoder:attention_pattern.{index}", []).append(pairs(attention))
        for index, attention in enumerate(output.decoder_attentions):
            recorded.setdefault(f"attention_pattern.{index}", []).append(pairs(attention))
        for index, attention in enumerate(output.cross_attentions):
            recorded.setdefault(f"cross_attention_pattern.{index}", []).append(pairs(attention))
    for handle in handles:
        handle.remove()
    tensors = {key: torch.cat([value.reshape(-1, value.shape[-1]) for value in values])
               for key, values in recorded.items()}
    tensors["logits"] = torch.cat(logits)
    return tensors


def t5_loss(model, sources, targets):
    """Mean cross-entropy of each decoder row's next token."""
    losses, count = 0, 0
    for source, target in zip(sources, targets):
        logits = model(input_ids=torch.tensor([source]), decoder_input_ids=torch.tensor([target]),
                       use_cache=False).logits[0]
        loss, labelled = causal_loss_sum(logits, [-100] + target[1:])
        losses, count = losses + loss, count + labelled
    # transformers' own loss shifts the labels into the decoder's tokens: the same thing.
    own = model(input_ids=torch.tensor([sources[0]]), labels=torch.tensor([targets[0][1:]]), use_cache=False).loss
    first = model(input_ids=torch.tensor([sources[0]]), decoder_input_ids=torch.tensor([targets[0]]),
                  use_cache=False).logits[0]
    assert torch.allclose(own, causal_loss_sum(first, [-100] + targets[0][1:])[0] / (len(targets[0]) - 1), rtol=1e-5)
    return losses / count


def added(module, offset):
    """Adds a vector to the output rows of a module."""
    def hook(_, __, output):
        return (output[0] + offset,) + output[1:] if isinstance(output, tuple) else output + offset
    return module.register_forward_hook(hook)


def write_t5(name, sources):
    model, folder = tiny_model(name), FIXTURES / "relative" / name
    save_model(model, folder)
    tensors = record_t5(model, sources, TARGETS)
    tensors["loss"] = t5_loss(model, sources, TARGETS).reshape(1)
    # Edits on both sides: a vector on all rows of encoder block 0 and of the cross attention's output of decoder layer 1.
    shift = torch.linspace(-1, 1, model.config.d_model)
    handles = [added(model.encoder.block[0], shift), added(model.decoder.block[1].layer[1].EncDecAttention, -0.5 * shift)]
    tensors["shifted.logits"] = record_t5(model, sources, TARGETS)["logits"]
    for handle in handles:
        handle.remove()
    # The slope by vectors that are added there, at zero.
    vectors = [torch.zeros(model.config.d_model, requires_grad=True) for _ in range(2)]
    handles = [added(model.encoder.block[0], vectors[0]),
               added(model.decoder.block[1].layer[1].EncDecAttention, vectors[1])]
    slopes = torch.autograd.grad(t5_loss(model, sources, TARGETS), vectors)
    for handle in handles:
        handle.remove()
    tensors["gradient.encoder"], tensors["gradient.cross"] = slopes[0].reshape(1, -1), slopes[1].reshape(1, -1)
    write_tensors(folder / "expected.safetensors", tensors)
    write_json(folder / "cases.json", {"sequences": TARGETS, "encoder": sources,
                                       "labels": [[-100] + target[1:] for target in TARGETS]})
    generated = []
    for source in sources:
        tokens = model.generate(torch.tensor([source]), attention_mask=torch.ones(1, len(source), dtype=torch.long),
                                max_new_tokens=10, do_sample=False, num_beams=1, use_cache=False, eos_token_id=None,
                                pad_token_id=0)[0].tolist()
        generated.append(tokens[1:])
    write_json(folder / "expected.json", {"loss": float(tensors["loss"]), "generated": generated})


def write_buckets():
    distances = torch.arange(-300, 301)
    cases = []
    for buckets, maximum, bidirectional in [(32, 128, True), (32, 128, False), (8, 9, True), (8, 9, False), (64, 777, True)]:
        found = T5Attention._relative_position_bucket(distances, bidirectional, buckets, maximum)
        cases.append({"buckets": buckets, "maximum": maximum, "bidirectional": bidirectional, "found": found.tolist()})
    write_json(FIXTURES / "attention" / "buckets.json", {"first": -300, "cases": cases})


def main():
    for name in PATTERN_MODELS:
        write_patterns(name)
    rows = sequences(lengths=(9, 5, 20))
    for name in ENCODERS | MPNET_CLASSIFIER:
        write_mpnet(name, rows)
    for name in ENCODER_DECODERS:
        write_t5(name, rows)
    write_buckets()


if __name__ == "__main__":
    main()
