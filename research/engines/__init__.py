"""Vision-language models behind one contract: questions about pictures in, answers out. Used by `research.captions` and
by the evaluation's judge.
"""
