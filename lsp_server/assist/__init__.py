"""What is said about code: facts from the index, and the messages that ask an instruct model to put them
into words.

Runs in the session. Must not know LSP, nor how a model is run.
"""
