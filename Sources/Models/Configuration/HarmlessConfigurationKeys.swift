/// Keys of `config.json` that do not change what the model computes without dropout.
///
/// Dropout rates are here because a frozen model is always evaluated without dropout. Generation settings are here
/// because they concern what is done with the logits.
let harmlessConfigurationKeys: Set<String> = [
    // Where the checkpoint comes from
    "architectures", "model_type", "torch_dtype", "dtype", "transformers_version", "name_or_path", "finetuning_task",
    "task_specific_params", "tokenizer_class", "transformers.js_config", "is_llama_config", "unsloth_version",
    "unsloth_fixed", "base_model_name", "license", "language", "model_max_length", "max_sequence_length", "torchscript",
    "tf_legacy_loss",
    "use_bfloat16", "return_dict", "output_attentions", "output_hidden_states", "output_past",
    "n_special", "predict_special_tokens",
    // Special tokens
    "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "cls_token_id", "mask_token_id", "unk_token_id",
    "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id", "prefix", "bos_token", "eos_token",
    // Training
    "initializer_range", "initializer_factor", "attention_dropout", "hidden_dropout", "hidden_dropout_prob",
    "attention_probs_dropout_prob", "classifier_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop",
    "summary_first_dropout", "dropout_rate", "gradient_checkpointing", "use_cache", "pretraining_tp", "label_smoothing",
    // How the same numbers are computed
    "reorder_and_upcast_attn", "chunk_size_feed_forward", "attn_implementation", "use_flash_attn",
    "keys_to_ignore_at_inference",
    // Heads that are not built
    "summary_activation", "summary_proj_to_labels", "summary_type", "summary_use_proj", "id2label", "label2id",
    // Generation
    "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty",
    "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences", "output_scores", "suppress_tokens",
    "return_dict_in_generate", "begin_suppress_tokens", "exponential_decay_length_penalty", "remove_invalid_values",
    "generation_config",
    // BERT checkpoints of other frameworks
    "directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers",
    "pooler_size_per_head", "pooler_type", "gradient_clipping",
]
