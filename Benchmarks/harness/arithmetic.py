"""The operations that a pass of a Llama-like model takes: 2 for a multiplication with its addition."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    layers: int
    hidden: int
    vocabulary: int
    #: Numbers in the matrices of one block.
    block: int
    #: Those that a row meets after the attention: the output projection and the gated layer.
    following: int
    #: heads · head size: the columns of queries and of what attention mixes.
    attention: int

    @classmethod
    def read(cls, folder):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        heads, keys = config["num_attention_heads"], config["num_key_value_heads"]
        size = config.get("head_dim") or hidden // heads
        following = hidden * size * heads + 3 * hidden * inner
        block = hidden * size * (heads + 2 * keys) + following
        return cls(config["num_hidden_layers"], hidden, config["vocab_size"], block, following, heads * size)

    @property
    def keys(self):
        """Columns of keys, and of values."""
        return (self.block - self.following - self.hidden * self.attention) // (2 * self.hidden)

    @property
    def matrices(self):
        """Numbers in all matrices that a token meets; the embedding table counts as the output projection."""
        return self.layers * self.block + self.vocabulary * self.hidden


def pairs(lengths):
    """Causal pairs of query and key."""
    return sum(length * (length + 1) // 2 for length in lengths)


def not_read(sizes, rows, logit_rows):
    """What the last block is spared after its attention, where only some rows are read."""
    return 2 * sizes.following * (rows - logit_rows)


def forward(sizes, lengths, logit_rows, layers=None):
    """Blocks on all rows, the last one after its attention and the output projection on some."""
    layers = sizes.layers if layers is None else layers
    rows = sum(lengths)
    attention = 4 * sizes.attention * pairs(lengths)
    return (layers * (2 * sizes.block * rows + attention) + 2 * sizes.vocabulary * sizes.hidden * logit_rows
            - (not_read(sizes, rows, logit_rows) if layers else 0))


def backward(sizes, lengths, logit_rows, layers):
    """Gradients of activations through so many blocks: one product per matrix, five per pair of attention's two."""
    rows = sum(lengths)
    attention = 10 * sizes.attention * pairs(lengths)
    return (layers * (2 * sizes.block * rows + attention) + 2 * sizes.vocabulary * sizes.hidden * logit_rows
            - (not_read(sizes, rows, logit_rows) if layers else 0))


def interventions(sizes, count, rank, rows):
    """LoReFT forward (three products of width · rank) and backward (twice that)."""
    return 18 * count * rank * sizes.hidden * rows
