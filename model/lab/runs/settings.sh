# What the recipes share; sourced by them.
WORK=${WORK:-model/lab/work}
export PYTHONPATH=.
mkdir -p "$WORK"

# Corpus and tokenizer, unless they are there.
prepare() {
    local arguments=()
    for root in ${ROOTS:-$(python -c 'import sys; print(*{sys.prefix, sys.base_prefix})')}; do
        arguments+=(--root "$root")
    done
    for package in ${PACKAGES:-}; do arguments+=(--package "$package"); done
    for root in ${HEADER_ROOTS:-}; do arguments+=(--header-root "$root"); done
    [ -z "${EVALUATION:-}" ] || arguments+=(--exclude "$EVALUATION")
    [ -e "$WORK/corpus/corpus.tsv" ] || python -m model.lab.corpus "${arguments[@]}" --out "$WORK/corpus"
    [ -e "$WORK/tokenizer.model" ] || python -m model.lab.tokenizer --corpus "$WORK/corpus" --out "$WORK/tokenizer.model" \
        --chars "${TOKENIZER_CHARS:-25000000}" --pieces "${PIECES:-12288}"
}

# rows SPLIT N_TIME ...
rows() {
    python -m model.lab.samples --corpus "$WORK/corpus/$1.jsonl" --tokenizer "$WORK/tokenizer.model" --time "$2" "${@:3}"
}

# echoes N_TIME RATE
echoes() {
    python -m model.lab.echo --rows "$WORK/train-$1.npz" --tokenizer "$WORK/tokenizer.model" \
        --rate "$2" --out "$WORK/train-${1}e.npz"
}

# finish RUN OUT: export as Q8_0 and measure, in the layout of FAMILY (model/families.py): "edgewise" sends the suffix first,
# "edgewise-prefix" the prefix alone.
finish() {
    local order=spm
    [ "${FAMILY:-edgewise}" = edgewise ] || order=prefix
    local evaluation=()
    [ -z "${EVALUATION:-}" ] || evaluation=(--human-eval "$EVALUATION/HumanEval-SingleLineInfilling.jsonl.gz")
    python -m model.lab.export --checkpoint "$1/checkpoint.pt" --tokenizer "$WORK/tokenizer.model" --out "$2.Q8_0.gguf" \
        --family "${FAMILY:-edgewise}" --version "${VERSION:-0}"
    python -m model.lab.evaluate --model "$2.Q8_0.gguf" --tokenizer "$WORK/tokenizer.model" \
        --held-out "$WORK/corpus/heldout.jsonl" --order "$order" --lines "${LINES_MEASURED:-500}" "${evaluation[@]}" --out "$2.json"
}
