"""The rows of the table, in its order. Each module has NAME and `make(setting)`, which gives a race."""

from . import (
    adapters, arc_easy, causal_tracing, decoding_f16, decoding_f32, decoding_instructions, decoding_long, decoding_q4_1,
    decoding_q8_0, decoding_slowdown, emoji_epoch, forward_last_logits, late_layers, memory_decoding, memory_training, planning,
    prompt_f16, prompt_q4_1, start, step_cost, training, user_declared)

MODULES = [
    training, user_declared, arc_easy, emoji_epoch, late_layers, causal_tracing, forward_last_logits, decoding_f32, decoding_f16,
    decoding_q8_0, decoding_q4_1, decoding_long, prompt_q4_1, prompt_f16, decoding_slowdown, decoding_instructions, adapters,
    memory_training, memory_decoding, start, planning, step_cost]
NAMED = {module.NAME: module for module in MODULES}
