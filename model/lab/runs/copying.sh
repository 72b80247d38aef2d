#!/usr/bin/env bash
# From a finished model on: teaches it to copy names from its snippets (LOG.md, 2026-11-30 and 2026-12-01). Only the attention
# learns, the loss of plain tokens is sampled, the rotary base is higher. Half of the rows copy, half are ordinary ones.
#
#   BEGIN         the model to go on from: a GGUF or a checkpoint (default: the one that ships)
#   MINUTES       of training; ROPE_BASE, WORKERS
set -euo pipefail
cd "$(dirname "$0")/../../.."
source model/lab/runs/settings.sh

BEGIN=${BEGIN:-model/builtin/edgewise-builtin.Q8_0.gguf}
[ -e "$WORK/tokenizer.model" ] || cp model/builtin/tokenizer.model "$WORK/tokenizer.model"
prepare
copies() { # SPLIT OUT ARGUMENTS ...
    [ -e "$2" ] || python -m model.lab.copies --corpus "$WORK/corpus/$1.jsonl" --tokenizer "$WORK/tokenizer.model" \
        --time 1024 --snippet-chars 1600 --out "$2" "${@:3}"
}
copies train "$WORK/copies-1024.npz" --share 0.5 --package-rows 60 --seed 3
copies heldout "$WORK/held-copies.npz" --package-rows 10 --seed 5
[ -e "$WORK/ordinary-1024.npz" ] || rows train 1024 --spm-rate 1.0 --fim-rate 0.5 --repo-rate 0.5 --snippet-chars 1600 \
    --share 0.08 --seed 21 --out "$WORK/ordinary-1024.npz"
[ -e "$WORK/copies-1024e.npz" ] || python -m model.lab.echo --rows "$WORK/copies-1024.npz" \
    --tokenizer "$WORK/tokenizer.model" --rate 0.1 --out "$WORK/copies-1024e.npz"
[ -e "$WORK/mixed-1024.npz" ] || python -m model.lab.mix --rows "$WORK/copies-1024e.npz" 3000 \
    --rows "$WORK/ordinary-1024.npz" 3000 --out "$WORK/mixed-1024.npz"

python -m model.lab.train --run "$WORK/run-copying" --begin-with "$BEGIN" --rows "$WORK/mixed-1024.npz" \
    --held-out "$WORK/held-copies.npz" --workers "${WORKERS:-$(nproc)}" --n-layers 6 --rope-base "${ROPE_BASE:-50000}" \
    --minutes "${MINUTES:-46}" --n-batch-tokens 4096 --lr-matrix 0.004 --lr-other 0.001 --warmup-steps 10 --decay-from 0.35 \
    --train-only attention --context-share 0.4 --weight-decay 0.02 --eval-every 20 --eval-rows 16

FAMILY=edgewise-prefix finish "$WORK/run-copying" "$WORK/edgewise-copying"
