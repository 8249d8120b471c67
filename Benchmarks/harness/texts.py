"""Token ids of texts, by the model's own tokenizer. Nothing is added before or after."""

import json
import random

from tokenizers import Tokenizer

from .places import EXAMPLES, data_folder

END_TOKEN = 2
CHAT = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
TEXT = (
    "The lighthouse keeper wrote in his log every evening, even when nothing had happened. On the third of March he "
    "noted that the wind had turned to the north-west, that two fishing boats had passed before noon, and that the "
    "oil for the lamp would last another forty days. He did not write about the letter on the kitchen table. It had "
    "come with the supply boat a week earlier, and he knew from the handwriting who had sent it. Outside, the sea was "
    "grey and calm. He lit the lamp, climbed down the stairs, and sat for a long time looking at the envelope before "
    "he finally opened it and began to read. ")

#: Lengths in tokens of ARC-Easy's training prompts: the shortest, each further twentieth, the longest.
ARC_EASY_LENGTHS = [
    49, 55, 58, 60, 62, 64, 66, 68, 70, 73, 75, 78, 81, 83, 86, 90, 94, 99, 106, 118, 207]


class Texts:
    def __init__(self, folder):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def running(self, count):
        """So many tokens of plain English."""
        tokens = self.encode(TEXT)
        return (tokens * (count // len(tokens) + 1))[:count]

    def sequences(self, count, length):
        """Sequences of equal length, each beginning elsewhere in the text."""
        tokens = self.running(length + 17 * count)
        return [tokens[17 * index:17 * index + length] for index in range(count)]


def labelled(prompt, answer):
    """(tokens, labels, prompt length); the answer carries the labels."""
    return prompt + answer, [-100] * len(prompt) + answer, len(prompt)


def emoji(texts):
    """The ten examples of the emoji demo."""
    lines = (EXAMPLES / "emoji_train.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [json.loads(line) for line in lines]
    return [labelled(texts.encode(CHAT.format(example["prompt"])), texts.encode(example["completion"]) + [END_TOKEN])
            for example in examples]


def arc_easy(texts, count):
    """Examples of ARC-Easy's training split, and where they come from.

    Where the data is not at hand, running text of as unequal lengths stands for it.
    """
    folder = data_folder()
    path = folder and folder / "commonsense" / "ARC-Easy" / "train.json"
    order = random.Random(0)
    if path and path.exists():
        rows = order.sample(json.loads(path.read_text(encoding="utf-8")), count)
        return [labelled(texts.encode(row["instruction"] + "\n"), texts.encode(row["output"]) + [END_TOKEN])
                for row in rows], "ARC-Easy, training split"
    answer = texts.encode("the correct answer is answer1") + [END_TOKEN]
    lengths = [order.randint(*(ARC_EASY_LENGTHS[place:place + 2])) for place in order.choices(range(20), k=count)]
    return ([labelled(texts.running(length), answer) for length in lengths],
            "ARC-Easy is not at hand: running text with its distribution of lengths")
