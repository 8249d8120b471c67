"""Writes Tests/Fixtures/generation: what transformers' `generate` gives for many ways of decoding tiny models.

cases.json holds for each case the model, the prompt, the arguments of `generate`, and the sequences (end tokens left
out) with their scores. warpers.json holds scores before and after the processors that draws go through.
"""

import torch
from transformers import LogitsProcessor, LogitsProcessorList
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from fixture_files import FIXTURES, write_json
from tiny_models import sequences, tiny_model

MODELS = ["llama", "gpt2", "mistral"]
NEW_TOKENS = 12

# The arguments of `generate`; "ends" of 1 or 2 puts tokens that the model is likely to give soon in place of its own.
BEAMS = {
    "two": dict(num_beams=2, ends=1),
    "long": dict(num_beams=3, length_penalty=2.0, early_stopping="never", num_return_sequences=3, ends=1),
    "eager": dict(num_beams=4, length_penalty=0.5, early_stopping=True, num_return_sequences=2, ends=1),
    "short": dict(num_beams=4, length_penalty=-1.0, num_return_sequences=4, ends=2),
    "canonical": dict(num_beams=3, length_penalty=0.0, early_stopping="never", num_return_sequences=3, ends=2),
    "endless": dict(num_beams=3, num_return_sequences=2, ends=0),
    "unrepeated": dict(num_beams=4, repetition_penalty=1.3, no_repeat_ngram_size=2, num_return_sequences=4, ends=1),
    "late": dict(num_beams=3, min_new_tokens=7, num_return_sequences=3, ends=2),
    "biased": dict(num_beams=4, length_penalty=1.5, bias=True, bans=True, num_return_sequences=2, ends=1),
    "all": dict(num_beams=4, repetition_penalty=1.2, no_repeat_ngram_size=3, min_new_tokens=3, bias=True, bans=True,
                presence=0.4, frequency=0.2, length_penalty=0.7, early_stopping=True, num_return_sequences=4, ends=2),
}
GREEDY = {
    "plain": dict(ends=1),
    "repetition": dict(repetition_penalty=1.4, ends=0),
    "encouraged": dict(repetition_penalty=0.8, ends=0),
    "ngrams1": dict(no_repeat_ngram_size=1, ends=0),
    "ngrams2": dict(no_repeat_ngram_size=2, ends=0),
    "minimum": dict(min_new_tokens=5, ends=2),
    "bias": dict(bias=True, ends=0),
    "bans": dict(bans=True, ends=0),
    "presence": dict(presence=1.5, ends=0),
    "frequency": dict(frequency=0.7, ends=0),
    "all": dict(repetition_penalty=1.2, no_repeat_ngram_size=2, min_new_tokens=4, bias=True, bans=True, presence=0.5,
                frequency=-0.25, ends=1),
}


class OccurrencePenalty(LogitsProcessor):
    """What OpenAI and vLLM call presence and frequency penalty, over the tokens of the answer."""

    def __init__(self, prompt_length, presence, frequency):
        self.prompt_length, self.presence, self.frequency = prompt_length, presence, frequency

    def __call__(self, input_ids, scores):
        counts = torch.zeros_like(scores)
        answers = input_ids[:, self.prompt_length:]
        counts.scatter_add_(1, answers, torch.ones_like(answers, dtype=scores.dtype))
        return scores - self.presence * (counts > 0).to(scores.dtype) - self.frequency * counts


def generate(model, prompt, arguments):
    arguments = dict(arguments)
    processors = LogitsProcessorList()
    presence, frequency = arguments.pop("presence", 0), arguments.pop("frequency", 0)
    if presence or frequency:
        processors.append(OccurrencePenalty(len(prompt), presence, frequency))
    if "sequence_bias" in arguments:
        arguments["sequence_bias"] = {(int(token),): value for token, value in arguments["sequence_bias"].items()}
    if "bad_words_ids" in arguments:
        arguments["bad_words_ids"] = [[token] for token in arguments["bad_words_ids"]]
    with torch.no_grad():
        output = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
            max_new_tokens=NEW_TOKENS, pad_token_id=0, return_dict_in_generate=True, output_scores=True,
            logits_processor=processors, **arguments)
    ends = arguments["eos_token_id"] or []
    answers = []
    for row in output.sequences[:, len(prompt):].tolist():
        cut = next((place for place, token in enumerate(row) if token in ends), None)
        answers.append(row if cut is None else row[:cut])
    scores = output.sequences_scores.tolist() if arguments.get("num_beams", 1) > 1 else None
    return answers, scores


def likely_ends(model, prompt, count):
    """Tokens in the middle of what three beams give without an end."""
    answers, _ = generate(model, prompt, dict(num_beams=4, num_return_sequences=4, eos_token_id=None))
    found = []
    for place in (4, 6, 3, 8, 5, 2, 1):
        for answer in answers[::-1]:
            if answer[place] not in found:
                found.append(answer[place])
    return found[:count]


def arguments_of(model, prompt, settings):
    """The arguments of `generate`, made plain enough for JSON."""
    arguments = dict(settings)
    arguments["eos_token_id"] = likely_ends(model, prompt, arguments.pop("ends")) or None
    plain, _ = generate(model, prompt, dict(eos_token_id=None))
    if arguments.pop("bias", False):
        arguments["sequence_bias"] = {str(plain[0][0]): -2.5, str(plain[0][1]): 1.25, "40": 3.0}
    if arguments.pop("bans", False):
        # transformers silently lets a banned end token pass; here it is banned.
        ends = set(arguments["eos_token_id"] or [])
        arguments["bad_words_ids"] = sorted({plain[0][2], plain[0][3], 41, 42} - ends)
    return arguments


def cases():
    for name in MODELS:
        model = tiny_model(name)
        for index, prompt in enumerate(sequences()[:2]):
            for kind, table in (("beams", BEAMS), ("greedy", GREEDY)):
                for label, settings in table.items():
                    arguments = arguments_of(model.float(), prompt, settings)
                    answers, scores = generate(model, prompt, arguments)
                    exact, _ = generate(model.double(), prompt, arguments)
                    model.float()
                    assert answers == exact, f"{name} {label} {index}: a near tie makes a fragile fixture"
                    yield dict(name=f"{name} {kind} {label} {index}", model=name, prompt=prompt,
                               arguments=arguments, answers=answers, scores=scores)


def warpers():
    generator = torch.Generator().manual_seed(5)
    settings = [
        dict(temperature=0.7), dict(temperature=1.8, top_k=5), dict(top_k=1, kept=3), dict(top_p=0.8),
        dict(temperature=0.5, top_p=0.3), dict(top_p=0.01, kept=3), dict(min_p=0.2), dict(min_p=0.9, kept=2),
        dict(temperature=1.3, top_k=12, top_p=0.7, min_p=0.15), dict(temperature=0.9, top_k=20, top_p=0.4, kept=3),
    ]
    for one in settings:
        scores = 2 * torch.randn(1, 30, generator=generator)
        kept = one.get("kept", 1)
        chain = [TemperatureLogitsWarper(one["temperature"])] if "temperature" in one else []
        chain += [TopKLogitsWarper(one["top_k"], min_tokens_to_keep=kept)] if "top_k" in one else []
        chain += [TopPLogitsWarper(one["top_p"], min_tokens_to_keep=kept)] if "top_p" in one else []
        chain += [MinPLogitsWarper(one["min_p"], min_tokens_to_keep=kept)] if "min_p" in one else []
        warped = scores
        for warper in chain:
            warped = warper(None, warped)
        yield dict(settings=one, scores=scores[0].tolist(),
                   warped=[None if value == -float("inf") else value for value in warped[0].tolist()])


def main():
    written = list(cases())
    write_json(FIXTURES / "generation" / "cases.json", written)
    write_json(FIXTURES / "generation" / "warpers.json", list(warpers()))
    ended = sum(len(answer) < NEW_TOKENS for case in written for answer in case["answers"])
    print(len(written), "cases,", sum(len(case["answers"]) for case in written), "answers,", ended, "ended early")


if __name__ == "__main__":
    main()
