"""From the start of a process to its first token: the same safetensors and text, files in the cache."""

from .. import agreement
from ..row import Contestant, Goal, Line, Race

NAME = "start"
TEXT = "The lighthouse keeper wrote in his log every evening, even when"


def make(setting):
    task = setting.task(text=TEXT)
    return Race(
        contestants=[Contestant.ours("first_token", task), Contestant("transformers", "transformers_first_token", task)],
        lines=[Line("start", "From start to first token, f32 safetensors, files cached", ["transformers"],
                    Goal("share", 0.15), agreement.same("text"))],
        unit=("starts", 1), samples=(7, 1), measures="start")
