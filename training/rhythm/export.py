"""Fold and pack a trained network into the file that the library reads.

python -m training.rhythm.export MODEL.pt src/tracktion/estimators/data/rhythm.npz
"""

import sys

import numpy as np
import torch

from training.rhythm.model import SCALE, TEMPO_LOW, TEMPO_STEP, Network


def folded(conv, norm=None):
    """Weights (out, in, height, width) and bias with the normalisation that follows folded in."""
    w = conv.weight.detach().numpy()
    b = conv.bias.detach().numpy() if conv.bias is not None else np.zeros(len(w), np.float32)
    if norm is not None:
        gain = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy()
        w, b = w * gain[:, None, None, None], (b - norm.running_mean.numpy()) * gain + norm.bias.detach().numpy()
    return w, b


def packed(w, b):
    """(out / 4, rows, 4) with channels padded to a multiple of four."""
    extra = -len(w) % 4
    w = np.concatenate([w, np.zeros((extra, *w.shape[1:]), w.dtype)])
    rows = w.reshape(len(w) // 4, 4, -1).transpose(0, 2, 1)
    return np.ascontiguousarray(rows, np.float32), np.concatenate([b, np.zeros(extra)]).astype(np.float32)


def export(model):
    out = {
        "mean": model.mean.numpy(),
        "scale": 1 / model.std.numpy(),
        "compression": SCALE,
        "dilations": [b.wide.dilation[1] for b in model.blocks],
        "tempo": [TEMPO_LOW, TEMPO_STEP],
    }
    for name, conv, norm in (
        ("front1", model.conv1, model.norm1),
        ("front2", model.conv2, model.norm2),
        ("front3", model.conv3, model.norm3),
        ("heads", model.heads, None),
        ("pool", model.pool, None),
    ):
        out[name + "_w"], out[name + "_b"] = packed(*folded(conv, norm))
    for i, block in enumerate(model.blocks):
        out[f"wide{i}_w"], out[f"wide{i}_b"] = packed(*folded(block.wide, block.norm))
        out[f"narrow{i}_w"], out[f"narrow{i}_b"] = packed(*folded(block.narrow))
    out["calibration_tempo"], out["calibration_beats"] = [-1, 1, 0.3, 1, 1], [-1, 0.5, 0, 3, 1]
    for name in ("dense1", "dense2"):
        layer = getattr(model, name)
        out[name + "_w"], out[name + "_b"] = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    return {k: np.asarray(v, np.int32 if k == "dilations" else np.float32) for k, v in out.items()}


def main():
    model = Network()
    model.load_state_dict(torch.load(sys.argv[1]))
    model.eval()
    np.savez_compressed(sys.argv[2], **export(model))


if __name__ == "__main__":
    main()
