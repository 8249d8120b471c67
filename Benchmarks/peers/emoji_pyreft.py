r"""The emoji demo in pyreft: the peer that our training time and answers are compared with.

LoReFT of rank 4 at the block output of layer 15, at the last prompt token, on SmolLM2-135M-Instruct (GGUF expanded to
f32 by transformers), through pyreft's own trainer: batch of all ten examples, learning rate 4e-3 with linear decay, no
weight decay, no clipping. Prints JSON: seconds per epoch, losses, and the answers before and after.

    python emoji_pyreft.py --model FILE.gguf --data ../../Examples/Data/emoji_train.jsonl \
        --questions ../../Examples/Data/emoji_questions.txt --epochs 100 --output emoji_pyreft.json

A prompt is `<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n`, without the system message that the
file's own chat template would add; a completion ends with <|im_end|>, which is a label. Ids come from llama.cpp.

The data module is made here: pyreft's make_last_position_supervised_data_module edits index base_prompt_length - 1,
which is the last prompt token (prompt_len - 1 as an exclusive end, which misses it, is a trap of its data set classes),
but it appends tokenizer.eos_token, which transformers takes to be <|im_start|> for this GGUF, and puts a begin token
before the template's own. The rows, labels and positions below are what that function means to make.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
import transformers
from emoji_share import emoji_share

REFERENCE = Path(__file__).resolve().parents[2] / "Tests" / "Reference"
sys.path.insert(0, str(REFERENCE))

from smollm2_gguf import END_TOKEN, TEMPLATE, Vocabulary, load_model  # noqa: E402

LAYER = 15
RANK = 4
LEARNING_RATE = 4e-3


def training_rows(vocabulary, path):
    """[{input_ids, labels, intervention_locations}] of prompt/completion lines."""
    rows = []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        example = json.loads(line)
        prompt = vocabulary.encode(TEMPLATE.format(question=example["prompt"]))
        answer = vocabulary.encode(example["completion"]) + [END_TOKEN]
        rows.append({"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer,
                     "intervention_locations": [[len(prompt) - 1]]})
    return rows


def collate(rows):
    """Right padding to the longest, as DataCollatorForSeq2Seq does it."""
    width = max(len(row["input_ids"]) for row in rows)

    def padded(key, filler):
        return torch.tensor([row[key] + [filler] * (width - len(row[key])) for row in rows])
    return {
        "input_ids": padded("input_ids", END_TOKEN),
        "attention_mask": torch.tensor([[1] * len(row["input_ids"]) + [0] * (width - len(row["input_ids"]))
                                        for row in rows]),
        "labels": padded("labels", -100),
        "intervention_locations": torch.tensor([row["intervention_locations"] for row in rows]),
    }


class EpochClock(transformers.TrainerCallback):
    """Wall-clock seconds of every epoch and the logged losses."""

    def __init__(self):
        self.seconds, self.losses, self.started = [], [], 0.0

    def on_epoch_begin(self, *_, **__):
        self.started = time.perf_counter()

    def on_epoch_end(self, *_, **__):
        self.seconds.append(time.perf_counter() - self.started)
        print(f"epoch {len(self.seconds)}: {self.seconds[-1]:.2f} s", file=sys.stderr, flush=True)

    def on_log(self, *_, logs=None, **__):
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])


def answers(reft_model, vocabulary, questions, edited, new_tokens):
    """Greedy answers of the base model, or of the edited one."""
    found = []
    for question in questions:
        prompt = torch.tensor([vocabulary.encode(TEMPLATE.format(question=question))])
        settings = dict(max_new_tokens=new_tokens, do_sample=False, eos_token_id=END_TOKEN, pad_token_id=END_TOKEN)
        inputs = {"input_ids": prompt, "attention_mask": torch.ones_like(prompt)}
        if edited:
            position = prompt.shape[1] - 1
            _, output = reft_model.generate(inputs, unit_locations={"sources->base": (None, [[[position]]])},
                                            intervene_on_prompt=True, **settings)
        else:
            with torch.no_grad():
                output = reft_model.model.generate(**inputs, **settings)
        ids = [token for token in output[0, prompt.shape[1]:].tolist() if token != END_TOKEN]
        text = vocabulary.decode(ids)
        found.append({"question": question, "answer": text, "emoji_share": round(emoji_share(text), 4)})
    return found


def train(reft_model, rows, arguments):
    import pyreft

    clock = EpochClock()
    with tempfile.TemporaryDirectory() as folder:
        settings = transformers.TrainingArguments(
            output_dir=folder, num_train_epochs=arguments.epochs, per_device_train_batch_size=len(rows),
            learning_rate=LEARNING_RATE, lr_scheduler_type="linear", weight_decay=0.0, max_grad_norm=0.0,
            logging_steps=1, save_strategy="no", report_to=[], disable_tqdm=True, seed=arguments.seed, use_cpu=True,
            remove_unused_columns=False, dataloader_pin_memory=False)

        class Trainer(pyreft.ReftTrainerForCausalLM):
            """pyreft 0.1.0 does not know an argument of newer trainers, which says nothing with one batch a step."""

            def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
                return super().compute_loss(model, inputs, return_outputs)

        trainer = Trainer(model=reft_model, args=settings, train_dataset=rows,
                          data_collator=collate, callbacks=[clock])
        begun = time.perf_counter()
        trainer.train()
        return clock, time.perf_counter() - begun


def mean_share(found):
    return round(statistics.mean(item["emoji_share"] for item in found), 4) if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--questions", required=True)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--output", help="a file for the JSON as well")
    parser.add_argument("--save", help="a folder for pyreft's own checkpoint of the trained intervention")
    arguments = parser.parse_args()

    import pyreft

    torch.set_num_threads(arguments.threads)
    transformers.set_seed(arguments.seed)
    vocabulary, model = Vocabulary(arguments.model), load_model(arguments.model)
    torch.set_num_threads(arguments.threads)
    config = pyreft.ReftConfig(representations={
        "layer": LAYER, "component": "block_output", "low_rank_dimension": RANK,
        "intervention": pyreft.LoreftIntervention(embed_dim=model.config.hidden_size, low_rank_dimension=RANK,
                                                  dtype=torch.float32)})
    reft_model = pyreft.get_reft_model(model, config, set_device=False)
    rows = training_rows(vocabulary, arguments.data)
    questions = Path(arguments.questions).read_text(encoding="utf-8").split("\n")
    questions = [question for question in questions if question.strip()]

    # pyreft and pyvene print to stdout, which is for the report alone.
    with contextlib.redirect_stdout(sys.stderr):
        before = answers(reft_model, vocabulary, questions, False, arguments.new_tokens)
        clock, total = train(reft_model, rows, arguments)
        after = answers(reft_model, vocabulary, questions, True, arguments.new_tokens)
        if arguments.save:
            reft_model.save(arguments.save)

    report = {
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "labels": sum(label != -100 for row in rows for label in row["labels"]),
        "padded_to": max(len(row["input_ids"]) for row in rows),
        "epochs": arguments.epochs,
        "threads": arguments.threads,
        "seconds_total": round(total, 2),
        "seconds_per_epoch_median": round(statistics.median(clock.seconds), 3),
        "losses": clock.losses,
        "emoji_share_before": mean_share(before),
        "emoji_share_after": mean_share(after),
        "before": before,
        "after": after,
    }
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if arguments.output:
        Path(arguments.output).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
