#!/usr/bin/env bash
# The built-in model on a machine without a GPU: corpus, tokenizer, rows, training by the clock, export, evaluation.
# Start it in the background and leave it: `MINUTES=300 nohup nice -n 5 bash model/lab/runs/cpu.sh &`. Cut at any
# minute, the same command goes on; what is already there is not made again.
#
#   ROOTS         where to look for installed packages (default: this interpreter's library and its base's)
#   HEADER_ROOTS  trees without metadata whose files state their own licence
#   EVALUATION    folder of the evaluation data, to keep out of the corpus and to score with
set -euo pipefail
cd "$(dirname "$0")/../../.."
source model/lab/runs/settings.sh

MINUTES=${MINUTES:-90}
WORKERS=${WORKERS:-$(nproc)}

prepare
[ -e "$WORK/train-512.npz" ] || rows train 512 --out "$WORK/train-512.npz"
[ -e "$WORK/heldout-512.npz" ] || rows heldout 512 --out "$WORK/heldout-512.npz"
# The last phase: long rows, most of them with snippets from other files.
[ -e "$WORK/train-2048.npz" ] || rows train 2048 --snippet-chars 2400 --repo-rate 0.65 --fim-rate 0.85 \
    --share 0.3 --seed 2 --out "$WORK/train-2048.npz"
# Some rows say the same twice: it teaches to copy from the context, early (LOG.md).
[ -e "$WORK/train-512e.npz" ] || echoes 512 0.14
[ -e "$WORK/train-2048e.npz" ] || echoes 2048 0.08

# 8.0M parameters: at this speed the loss gains more from tokens than from width or depth (LOG.md).
python -m model.lab.train --run "$WORK/run-cpu" --rows "$WORK/train-512e.npz" --long-rows "$WORK/train-2048e.npz" \
    --held-out "$WORK/heldout-512.npz" --workers "$WORKERS" --compile --minutes "$MINUTES" \
    --d-model 256 --n-layers 6 --n-heads 4 --d-ffn 704 --n-batch-tokens 8192 --lr-matrix 0.008 --lr-other 0.004

# Version 0.2 goes on from those weights: suffix first with no joint, short rows, long ones at the very end.
[ -e "$WORK/heldout-spm.npz" ] || rows heldout 512 --spm-rate 1.0 --fim-rate 0.8 --out "$WORK/heldout-spm.npz"
[ -e "$WORK/train-256.npz" ] || rows train 256 --spm-rate 1.0 --fim-rate 0.7 --repo-rate 0.15 --seed 11 --out "$WORK/train-256.npz"
[ -e "$WORK/train-1024.npz" ] || rows train 1024 --spm-rate 1.0 --fim-rate 0.8 --repo-rate 0.7 --snippet-chars 1600 \
    --share 0.25 --seed 12 --out "$WORK/train-1024.npz"
for time in 256 1024; do [ -e "$WORK/train-${time}e.npz" ] || echoes $time 0.06; done
python -m model.lab.train --run "$WORK/run-spm" --begin-with "$WORK/run-cpu/checkpoint.pt" --rows "$WORK/train-256e.npz" \
    --long-rows "$WORK/train-1024e.npz" --held-out "$WORK/heldout-spm.npz" --workers "$WORKERS" --compile --minutes "$MINUTES" \
    --n-layers 6 --lr-matrix 0.008 --lr-other 0.004 --warmup-steps 40 --decay-from 0.68 --long-from 0.9

FAMILY=edgewise-prefix finish "$WORK/run-spm" "$WORK/edgewise-cpu"
