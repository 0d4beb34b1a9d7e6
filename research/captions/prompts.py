"""What a model is asked, in versioned words: a change of any of them is another fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from .rules import ASKED_AGAIN, Reason, Words

VERSION = 1
QUALITY = {
    "grey": "Is this picture black and white, sepia, or toned in a single colour? Answer yes or no.",
    "unclear": "Is this picture so blurred, noisy or low in resolution that the details of its objects cannot be seen? "
    "Answer yes or no.",
    "collage": "Is this picture a collage, a screenshot, or covered by large text? Answer yes or no.",
}
DESCRIBE = (
    "The first picture shows one {noun} with a little of what surrounds it. The second picture shows the whole scene, "
    "where a red box marks the same {noun}. Describe this {noun} alone, in one English phrase of {least} to {most} "
    "words that begins with it, such as 'a woman in ...' or 'a small wooden table with ...'. Say only what can be "
    "seen: colours, materials, patterns, parts, clothing, pose. Tell it apart from other things of its kind. Do not "
    "mention other objects, where it is, left or right, the picture, the box or the background; no opinions, no "
    "guesses, nothing that is absent. If you cannot tell what it is, answer UNSURE."
)
AGAIN = (
    "{question}\n\nYour last answer was: {answer}\nIt cannot be used, because {because}. Answer with the corrected "
    "phrase alone."
)


def describe(noun: str, words: Words) -> str:
    """The first question about an instance of the class `noun`."""
    return DESCRIBE.format(noun=noun, least=words.wanted[0], most=words.wanted[1])


def again(question: str, answer: str, reasons: Sequence[Reason], words: Words) -> str:
    """The question once more, with what was wrong with `answer`."""
    because = " and ".join(ASKED_AGAIN[reason].format(least=words.least, most=words.most) for reason in reasons)
    return AGAIN.format(question=question, answer=answer, because=because)


def version() -> str:
    """Another one where any word of a question has changed."""
    texts = "\0".join([*QUALITY.values(), DESCRIBE, AGAIN, *sorted(ASKED_AGAIN.values())])
    return f"{VERSION}-{hashlib.sha256(texts.encode()).hexdigest()[:12]}"
