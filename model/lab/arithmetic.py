"""In which type a device multiplies fastest: bfloat16 where the hardware has it, float32 elsewhere.

A processor without bfloat16 instructions can still be asked for it, and PyTorch then converts every number
there and back: measured on an EPYC with AVX2 alone, training fell from 960 tokens a second of processor time
to 55. Knows nothing of nets or optimizers.
"""

from __future__ import annotations

import functools

import torch


@functools.cache
def has_bfloat16(device: str) -> bool:
    """Whether the device multiplies in bfloat16 itself."""
    if not device.startswith("cpu"):
        return True
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def fast_type(device: str) -> torch.dtype:
    """What matrix products are best done in."""
    return torch.bfloat16 if has_bfloat16(device) else torch.float32


def fast_arithmetic(device: str) -> torch.autocast:
    """A context in which products are done in the fast type; weights stay float32."""
    kind = device.partition(":")[0]
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=has_bfloat16(device))
