"""What each kind of evidence for a text weighs, for the rest of a line and for a next word. Plain data.

Runs in the session. Read the weights as log odds: fitted to what was written next at 5,720 places in
26 packages of Python, each as it is and as it was being written (softmax over the texts of a place and none
of them), by `python -m tests.bench.retrieval fit-precedents`. `likelihood.py` says what the names mean.
"""

from __future__ import annotations

from collections.abc import Mapping

LINE_WEIGHTS: Mapping[str, float] = {
    "alike": 0.74,
    "alike, whole line": 1.32,
    "candidates": -0.15,
    "closes too much": -0.99,
    "in a word": 0.19,
    "known first": 0.45,
    "length": -0.4,
    "log vote": 0.26,
    "new line": -0.85,
    "next line": 1.6,
    "none of them": 4.63,
    "nothing": -5.69,
    "own": 0.55,
    "own, near": -0.07,
    "places": 0.58,
    "surroundings": 2.2,
    "surroundings, own": -1.66,
    "texts": 0.24,
    "there already": -0.5,
    "unknown names": -0.98,
    "vote": 1.5,
}
WORD_WEIGHTS: Mapping[str, float] = {
    "alike": 0.9,
    "alike, whole line": 0.3,
    "candidates": -0.59,
    "closes too much": 0.02,
    "in a word": 1.11,
    "known first": 0.95,
    "length": -0.01,
    "log vote": 0.06,
    "new line": -0.61,
    "next line": 1.26,
    "none of them": 4.05,
    "nothing": -4.8,
    "own": 0.78,
    "own, near": 0.62,
    "places": 0.31,
    "surroundings": 2.15,
    "surroundings, own": -1.76,
    "texts": 0.51,
    "there already": -0.17,
    "unknown names": -0.72,
    "vote": 0.9,
}
