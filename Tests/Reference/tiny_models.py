"""Small seeded models, one for each thing that a model family can do differently.

Weights are wide (0.25) and norms and biases random, so that a forgotten bias, norm weight, scale or rotation shows.
"""

import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    Gemma2Config,
    Gemma2ForCausalLM,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GemmaConfig,
    GemmaForCausalLM,
    GPTNeoConfig,
    GPTNeoForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MPNetConfig,
    MPNetForSequenceClassification,
    MPNetModel,
    MistralConfig,
    MistralForCausalLM,
    Olmo2Config,
    Olmo2ForCausalLM,
    OlmoConfig,
    OlmoeConfig,
    OlmoeForCausalLM,
    OlmoForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    RobertaConfig,
    RobertaForSequenceClassification,
    T5Config,
    T5ForConditionalGeneration,
)

VOCABULARY = 96
HIDDEN = 32
LAYERS = 2


def _decoder(config_class, model_class, **changes):
    settings = dict(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=48,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=64,
        rms_norm_eps=1e-5,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    settings.update(changes)
    return lambda: model_class(config_class(attn_implementation="eager", **settings))


def _llama(**changes):
    return _decoder(LlamaConfig, LlamaForCausalLM, **changes)


def _gpt2(**changes):
    settings = dict(vocab_size=VOCABULARY, n_embd=HIDDEN, n_layer=LAYERS, n_head=4, n_positions=64,
                    bos_token_id=1, eos_token_id=2, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    settings.update(changes)
    return lambda: GPT2LMHeadModel(GPT2Config(attn_implementation="eager", **settings))


def _narrow(config_class, model_class, **changes):
    """A decoder of width 16, for the families whose every site is kept."""
    return _decoder(config_class, model_class,
                    **(dict(hidden_size=16, intermediate_size=24, num_key_value_heads=2) | changes))


def _gpt_neox(**changes):
    settings = dict(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=LAYERS,
                    num_attention_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2)
    settings.update(changes)
    return lambda: GPTNeoXForCausalLM(GPTNeoXConfig(attn_implementation="eager", **settings))


def _gpt_neo(**changes):
    settings = dict(vocab_size=VOCABULARY, hidden_size=16, num_layers=LAYERS, num_heads=2, window_size=4,
                    attention_types=[[["global", "local"], 1]], max_position_embeddings=32, bos_token_id=1,
                    eos_token_id=2, intermediate_size=24)
    settings.update(changes)
    return lambda: GPTNeoForCausalLM(GPTNeoConfig(attn_implementation="eager", **settings))


def _encoder(config_class, model_class, **changes):
    settings = dict(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=48,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        max_position_embeddings=40,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    settings.update(changes)
    return lambda: model_class(config_class(attn_implementation="eager", **settings))


def _bert(**changes):
    return _encoder(BertConfig, BertForSequenceClassification, type_vocab_size=2, pad_token_id=0, **changes)


def _roberta(**changes):
    return _encoder(RobertaConfig, RobertaForSequenceClassification, type_vocab_size=1, pad_token_id=1,
                    bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5, **changes)


def _mpnet(model_class, **changes):
    return _encoder(MPNetConfig, model_class, pad_token_id=1, bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5,
                    **changes)


def _t5(**changes):
    # Few buckets and a short maximum, so that short sequences reach the logarithmic buckets and the last one.
    settings = dict(vocab_size=VOCABULARY, d_model=HIDDEN, d_kv=6, d_ff=48, num_layers=LAYERS, num_heads=4,
                    num_decoder_layers=3, relative_attention_num_buckets=8, relative_attention_max_distance=9,
                    dropout_rate=0.0, decoder_start_token_id=0, pad_token_id=0, eos_token_id=1)
    settings.update(changes)
    return lambda: T5ForConditionalGeneration(T5Config(attn_implementation="eager", **settings))


# theta 100 puts one of the four rotary wavelengths in each of llama3's bands: kept, blended, divided.
_LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
               original_max_position_embeddings=32)
_YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=32.0, beta_slow=1.0)

# name -> (constructor, seed)
CAUSAL = {
    "llama": (_llama(tie_word_embeddings=True), 1),
    "llama3-rope-scaling": (_llama(num_key_value_heads=2, rope_theta=100.0, rope_scaling=_LLAMA3), 2),
    "llama-linear-rope": (_llama(rope_scaling=dict(rope_type="linear", factor=3.0)), 3),
    "llama-yarn-rope": (_llama(rope_theta=100.0, rope_scaling=_YARN), 4),
    "llama-biased-wide-heads": (_llama(num_key_value_heads=2, head_dim=12, attention_bias=True, mlp_bias=True), 5),
    "smollm2-like": (_llama(num_attention_heads=3, num_key_value_heads=1, hidden_size=24, num_hidden_layers=3,
                            rope_theta=100000.0, tie_word_embeddings=True, bos_token_id=1, eos_token_id=2), 6),
    "mistral": (_decoder(MistralConfig, MistralForCausalLM, num_key_value_heads=2, sliding_window=4), 7),
    "qwen2": (_decoder(Qwen2Config, Qwen2ForCausalLM, num_key_value_heads=2, rms_norm_eps=1e-6,
                       rope_theta=1000000.0, tie_word_embeddings=True), 8),
    "qwen2-sliding": (_decoder(Qwen2Config, Qwen2ForCausalLM, num_key_value_heads=2, num_hidden_layers=3,
                               rms_norm_eps=1e-6, use_sliding_window=True, sliding_window=4,
                               max_window_layers=1), 9),
    "gpt2": (_gpt2(), 10),
    "qwen3": (_narrow(Qwen3Config, Qwen3ForCausalLM, head_dim=6, tie_word_embeddings=True), 31),
    "qwen3-sliding": (_narrow(Qwen3Config, Qwen3ForCausalLM, head_dim=8, attention_bias=True,
                              use_sliding_window=True, sliding_window=4,
                              layer_types=["sliding_attention", "full_attention"]), 32),
    "gemma": (_narrow(GemmaConfig, GemmaForCausalLM, num_key_value_heads=1, head_dim=6, tie_word_embeddings=True), 33),
    # Caps that are near the scores and logits of such a model.
    "gemma2": (_narrow(Gemma2Config, Gemma2ForCausalLM, head_dim=6, sliding_window=4, query_pre_attn_scalar=6,
                       attn_logit_softcapping=4.0, final_logit_softcapping=6.0, tie_word_embeddings=True), 34),
    "gemma3": (_narrow(Gemma3TextConfig, Gemma3ForCausalLM, head_dim=6, sliding_window=4, query_pre_attn_scalar=20,
                       rope_theta=100.0, rope_local_base_freq=20.0,
                       rope_scaling=dict(rope_type="linear", factor=3.0),
                       layer_types=["sliding_attention", "full_attention"], tie_word_embeddings=True), 35),
    "olmo": (_narrow(OlmoConfig, OlmoForCausalLM, clip_qkv=0.75, rms_norm_eps=None), 36),
    "olmo2": (_narrow(Olmo2Config, Olmo2ForCausalLM), 37),
    "olmoe": (_narrow(OlmoeConfig, OlmoeForCausalLM, num_experts=5, num_experts_per_tok=2, norm_topk_prob=True,
                      intermediate_size=12, clip_qkv=2.5), 38),
    "olmoe-unnormed": (_narrow(OlmoeConfig, OlmoeForCausalLM, num_experts=4, num_experts_per_tok=3,
                               intermediate_size=8), 39),
    "phi3": (_narrow(Phi3Config, Phi3ForCausalLM, num_attention_heads=2, num_key_value_heads=1,
                     partial_rotary_factor=0.5, sliding_window=6), 40),
    "phi3-longrope": (_narrow(Phi3Config, Phi3ForCausalLM, original_max_position_embeddings=32,
                              rope_scaling=dict(type="longrope", short_factor=[1.0, 2.5],
                                                long_factor=[3.0, 9.0])), 41),
    "gpt-neox": (_gpt_neox(rotary_pct=0.5), 42),
    "gpt-neox-sequential": (_gpt_neox(rotary_pct=1.0, use_parallel_residual=False, attention_bias=False,
                                      hidden_act="gelu_new", rotary_emb_base=500), 43),
    "gpt-neo": (_gpt_neo(), 44),
}
CLASSIFIERS = {
    "bert": (_bert(num_labels=3), 21),
    "bert-regression": (_bert(num_labels=1), 22),
    "roberta": (_roberta(num_labels=2), 23),
    "roberta-regression": (_roberta(num_labels=1), 24),
}
# Encoders without a head, and encoders with a decoder, which make_attention.py records.
ENCODERS = {"mpnet": (_mpnet(MPNetModel), 31)}
MPNET_CLASSIFIER = {"mpnet-classifier": (_mpnet(MPNetForSequenceClassification, num_labels=3), 32)}
ENCODER_DECODERS = {
    "t5": (_t5(), 33),
    "t5-gated": (_t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False, num_decoder_layers=2), 34),
}


def randomise(model, seed):
    """Draws every parameter anew: matrices 0.25·N(0,1), norm weights 1 + 0.2·N(0,1), biases 0.2·N(0,1)."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("bias"):
                parameter.copy_(0.2 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(1 + 0.2 * noise)
            else:
                parameter.copy_(0.25 * noise)
    return model


def tiny_model(name):
    """The seeded f32 model of that name, in evaluation mode, frozen."""
    constructor, seed = (CAUSAL | CLASSIFIERS | ENCODERS | MPNET_CLASSIFIER | ENCODER_DECODERS)[name]
    model = randomise(constructor(), seed).eval()
    return model.requires_grad_(False)


def sequences(vocabulary=VOCABULARY, lengths=(9, 5, 12), seed=100):
    """Token sequences without the special tokens 0…2."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, vocabulary, (length,), generator=generator).tolist() for length in lengths]


PROMPT_LENGTHS = [5, 3, 8]


def causal_labels(rows=None, prompt_lengths=None):
    """Labels in the position of their own token, −100 in the prompt, and one ignored label inside an answer."""
    rows = rows or sequences()
    labels = [[-100] * prompt + row[prompt:] for row, prompt in zip(rows, prompt_lengths or PROMPT_LENGTHS)]
    labels[2][9] = -100
    return labels
