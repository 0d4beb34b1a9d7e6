"""From evidence to verdicts, one benchmark a file: pure functions, so that a threshold can change in seconds and an
average can be proved with evidence made by hand.
"""
