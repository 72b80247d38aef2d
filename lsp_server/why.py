"""The last request in sentences: why there was no suggestion, or where its time went.

Runs in the session and in the command-line process. Pure: a record in, sentences out. Must not know where
records are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lsp_server.stats import requests_of
from lsp_server.trace import TraceRecord

NO_REQUEST = "No request has come yet: open a file in an editor that runs edgewise, and type."
PROPOSED_MS = 1.0

# The outcome in a trace -> what happened, and what to do about it.
REASONS: Mapping[str, str] = {
    "shown": "A suggestion was offered to the editor.",
    "disabled": "Suggestions are switched off here: see edgewise.completion.enabled, disabled_languages, "
    "disabled_globs and in_comments.",
    "bad-position": "The editor asked for a place that is outside of the document: restart the server if it "
    "happens again.",
    "not-open": "The editor asked about a document that it has not opened.",
    "file-too-large": "The file is larger than edgewise.completion.max_file_bytes.",
    "not-text": "The document is binary, or not in the encoding that it was opened with.",
    "middle-of-word": "The cursor was inside of a word; ask by hand to get a suggestion there.",
    "text-after-cursor": "Code follows the cursor on its line; ask by hand to get a suggestion there.",
    "superseded": "You typed on before the answer was there, so a newer request took its place.",
    "cancelled": "The editor took the request back before the answer was there.",
    "model-unavailable": "The model could not be asked: run `edgewise doctor`.",
    "timed-out": "The model took longer than edgewise.completion.timeout_ms: choose a smaller model or a "
    "shorter edgewise.completion.prompt_tokens.",
    "empty": "The model had nothing to add.",
    "whitespace-only": "The model added only blanks.",
    "repeats-suffix": "The model wrote what stands behind the cursor already.",
    "repetition": "The model repeated itself.",
    "unsure": "The model was not sure enough of what it wrote: ask by hand to see it, or set "
    "edgewise.completion.confidence to never.",
    "selection-mismatch": "The selected entry of the menu does not stand at the cursor.",
    "internal-error": "Something broke inside edgewise: set edgewise.log.level to debug and report the log.",
}

# The stage in a trace -> what was done meanwhile.
STAGES: Mapping[str, str] = {
    "context": "reading the text around the cursor",
    "cache": "looking for an earlier suggestion",
    "syntax": "reading the syntax tree at the cursor",
    "search": "looking for related code in the workspace",
    "precedent": "looking for lines like this one",
    "generate": "asking the model",
    "filters": "checking the model's text",
}


# The search's note in a trace -> why the prompt had little or no related code.
SEARCH_NOTES: Mapping[str, str] = {
    "in-file": "No related code was added: what was being typed is the beginning of a name in the same file.",
    "late": "The search was cut short by edgewise.completion.search_deadline_ms, so related code is missing.",
    "nothing": "The workspace holds no related code for this place.",
    "failed": "The search for related code failed: run `edgewise doctor`.",
}


def explain_last(records: Iterable[TraceRecord]) -> tuple[str, ...]:
    """Of the last request that was not taken back by the editor, if there is one."""
    requests = requests_of(records)
    settled = [one for one in requests if one.fields.get("outcome") not in ("superseded", "cancelled")]
    return explain((settled or requests)[-1]) if requests else (NO_REQUEST,)


def explain(record: TraceRecord) -> tuple[str, ...]:
    outcome = str(record.fields.get("outcome"))
    first = REASONS.get(outcome, f"The request ended as “{outcome}”.")
    sentences = (
        first,
        _origin(record),
        _precedent(record),
        _sureness(record),
        _times(record),
        _search(record),
        _tokens(record),
        _mode(record),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _origin(record: TraceRecord) -> str:
    fields = record.fields
    took = f"It was answered after {record.total_ms:.0f} ms"
    if fields.get("is_cached"):
        return f"{took}, out of an earlier suggestion that you are typing through."
    if fields.get("is_attached"):
        lead = _number(fields.get("lead_ms"))
        return f"{took}; the work had begun {lead:.0f} ms before the editor asked."
    return f"{took}; nothing of it had been computed before." if "wait" in record.stages_ms else f"{took}."


def _precedent(record: TraceRecord) -> str:
    n_places, n_alike, likelihood = (
        _number(record.fields.get(name)) for name in ("n_places", "n_alike", "likelihood")
    )
    if not n_places:
        return ""
    places = "one place" if n_places == 1 else f"{n_places:.0f} places"
    return (
        f"It follows {places} of the workspace, where the {n_alike:.0f} characters before the cursor are the "
        f"same, and was held to be right with {likelihood:.0%}; the model was not asked."
    )


def _sureness(record: TraceRecord) -> str:
    fields = record.fields
    if fields.get("is_cached") or "model_likelihood" not in fields:
        return ""
    likely = f"{_number(fields['model_likelihood']):.0%}"
    if fields.get("outcome") == "unsure":
        return f"It held what it wrote to be right with {likely}."
    if fields.get("stopped_by") == "unsure":
        return (
            f"With what came next the model held its text to be right with {likely}, so that was left out: "
            "see edgewise.completion.confidence."
        )
    return f"The model held its text to be right with {likely}."


def _times(record: TraceRecord) -> str:
    spent = [(ms, STAGES[name]) for name, ms in record.stages_ms.items() if name in STAGES]
    spent = sorted((pair for pair in spent if pair[0] >= PROPOSED_MS), reverse=True)
    if not spent:
        return ""
    parts = ", ".join(f"{ms:.0f} ms {what}" for ms, what in spent)
    return f"Of the work, {parts} took longest." if len(spent) == 1 else f"The work took {parts}."


def _search(record: TraceRecord) -> str:
    return SEARCH_NOTES.get(str(record.fields.get("search_note")), "")


def _tokens(record: TraceRecord) -> str:
    fields = record.fields
    if fields.get("is_cached") or "n_prompt" not in fields:
        return ""
    n_prompt, n_evaluated, n_generated = (
        _number(fields.get(name)) for name in ("n_prompt", "n_evaluated", "n_generated")
    )
    return (
        f"The prompt had {n_prompt:.0f} tokens, of which the model read {n_evaluated:.0f} anew, and it wrote "
        f"{n_generated:.0f} pieces."
    )


def _mode(record: TraceRecord) -> str:
    """One line or a block, and who decided it."""
    mode, by = record.fields.get("mode"), str(record.fields.get("mode_by", ""))
    if mode is None or not by:
        return ""
    asked = "A block was asked for" if mode == "block" else "One line was asked for"
    kind = by.removeprefix("tree:").replace("_", " ")
    return f"{asked}: " + (
        f"in the syntax tree the cursor stands in “{kind}”."
        if by.startswith("tree:")
        else "that is what the text around the cursor looks like."
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
