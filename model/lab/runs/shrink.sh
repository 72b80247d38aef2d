#!/usr/bin/env bash
# Size against quality, from a finished checkpoint: the table of quantization types, then the table of pruned,
# distilled and plainly trained students, all healed or trained on the same tokens in the same order.
#
#   CHECKPOINT    the finished run (default: the last CPU run)
#   ROWS          training rows; HELD_ROWS held-out rows of the same layout
#   STEPS         of 8,192 tokens that each student gets
#   SMALL         the sizes of the smoke test
set -euo pipefail
cd "$(dirname "$0")/../../.."
source model/lab/runs/settings.sh

CHECKPOINT=${CHECKPOINT:-$WORK/run-spm/checkpoint.pt}
ROWS=${ROWS:-$WORK/train-256e.npz}
HELD_ROWS=${HELD_ROWS:-$WORK/heldout-spm.npz}
STEPS=${STEPS:-250}
WORKERS=${WORKERS:-$(nproc)}
FEW_LAYERS=4 HALF_FFN=352 SHAPE=(--compile)
[ -z "${SMALL:-}" ] || { FEW_LAYERS=1 HALF_FFN=64 SHAPE=(--n-vocab 2048 --d-model 64 --n-heads 2 --d-ffn 96 --n-batch-tokens 2048); }
ALL_LAYERS=${SMALL:+2}; ALL_LAYERS=${ALL_LAYERS:-6}
OUT=$WORK/shrink
DOCS=${DOCS:-docs/images}
mkdir -p "$OUT" "$DOCS"

export_as() { # CHECKPOINT TYPE OUT
    python -m model.lab.export --checkpoint "$1" --tokenizer "$WORK/tokenizer.model" --type "$2" --out "$3"
}
table() { # NAME NAME=FILE ...
    python -m model.lab.shrink --tokenizer "$WORK/tokenizer.model" --held-out "$WORK/corpus/heldout.jsonl" \
        --lines "${LINES_MEASURED:-300}" --out "$OUT/$1.json" --plot "$DOCS/$1.svg" "${@:2}"
}
student() { # NAME LAYERS ARGUMENTS ...: the same rows, the same number of steps, whatever it begins with
    python -m model.lab.train --run "$OUT/run-$1" --rows "$ROWS" --held-out "$HELD_ROWS" --workers "$WORKERS" \
        "${SHAPE[@]}" --n-layers "$2" --steps "$STEPS" --warmup-steps 20 --decay-from 0.3 --lr-matrix "${LR:-0.004}" --lr-other 0.002 "${@:3}"
    export_as "$OUT/run-$1/checkpoint.pt" Q8_0 "$OUT/$1.gguf"
}

# The product's own quantizer, which keeps the embedding at Q8_0.
export_as "$CHECKPOINT" F16 "$OUT/F16.gguf"
for type in Q8_0 Q5_0 Q4_0; do
    rm -f "$OUT/$type.gguf"
    edgewise model quantize "$OUT/F16.gguf" --to "$type" --output "$OUT/$type.gguf"
done
table quantization F16="$OUT/F16.gguf" Q8_0="$OUT/Q8_0.gguf" Q5_0="$OUT/Q5_0.gguf" Q4_0="$OUT/Q4_0.gguf"

python -m model.lab.prune --checkpoint "$CHECKPOINT" --rows "$ROWS" --layers "$FEW_LAYERS" --out "$OUT/pruned-layers.pt"
python -m model.lab.prune --checkpoint "$CHECKPOINT" --rows "$ROWS" --d-ffn "$HALF_FFN" --out "$OUT/pruned-ffn.pt"
export_as "$OUT/pruned-layers.pt" Q8_0 "$OUT/layers-unhealed.gguf"
export_as "$OUT/pruned-ffn.pt" Q8_0 "$OUT/ffn-unhealed.gguf"
student layers-healed "$FEW_LAYERS" --begin-with "$OUT/pruned-layers.pt"
student ffn-healed "$ALL_LAYERS" --d-ffn "$HALF_FFN" --begin-with "$OUT/pruned-ffn.pt"
student layers-distilled "$FEW_LAYERS" --begin-with "$OUT/pruned-layers.pt" --teacher "$CHECKPOINT"
LR=0.008 student scratch "$FEW_LAYERS"
LR=0.008 student scratch-distilled "$FEW_LAYERS" --teacher "$CHECKPOINT"
table shrinking whole="$OUT/Q8_0.gguf" layers-unhealed="$OUT/layers-unhealed.gguf" ffn-unhealed="$OUT/ffn-unhealed.gguf" \
    layers-healed="$OUT/layers-healed.gguf" layers-distilled="$OUT/layers-distilled.gguf" \
    ffn-healed="$OUT/ffn-healed.gguf" scratch="$OUT/scratch.gguf" scratch-distilled="$OUT/scratch-distilled.gguf"
