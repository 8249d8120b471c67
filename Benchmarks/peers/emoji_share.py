"""The share of emoji characters in an answer.

share = emoji scalars / non-whitespace scalars of the text (special tokens removed), 0 for an empty answer.
An emoji scalar has Emoji_Presentation or Extended_Pictographic, or belongs to emoji sequences: variation selector 16,
zero-width joiner, skin-tone modifiers U+1F3FB…1F3FF, regional indicators U+1F1E6…1F1FF, the keycap mark U+20E3 and tag
characters U+E0020…E007F. (Extended_Pictographic holds ©, ® and ™ too; so does this.)
U+FFFD, an emoji cut off in the middle by the token limit, counts as a character that is no emoji.
"""

import regex

_EMOJI = regex.compile(
    r"[\p{Emoji_Presentation}\p{Extended_Pictographic}\uFE0F\u200D\u20E3"
    r"\U0001F3FB-\U0001F3FF\U0001F1E6-\U0001F1FF\U000E0020-\U000E007F]"
)


def emoji_share(text):
    """A number between 0 and 1."""
    scalars = [character for character in text if not character.isspace()]
    return sum(bool(_EMOJI.match(character)) for character in scalars) / len(scalars) if scalars else 0.0
