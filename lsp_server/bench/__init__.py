"""Typing traces replayed through the real server beside other tools' ways of asking, and a simulated typist.

Runs in the command-line process, above the server as an editor is. The session must not know it.
"""
