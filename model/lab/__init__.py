"""The lab: corpus, tokenizer, training, export and evaluation of the built-in model. Runs from a command
line only.
"""
