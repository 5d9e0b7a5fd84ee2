"""Go on from shipped weights: the inverse of export.py, with batch normalisation set to what it would have measured."""

import numpy as np
import torch


def unpacked(packed, out):
    """(out / 4, rows, 4) → (out, rows)."""
    return packed.transpose(0, 2, 1).reshape(-1, packed.shape[1])[:out]


def fill(layer, weights, name):
    out = layer.weight.shape[0]
    layer.weight.data[:] = torch.from_numpy(unpacked(weights[name + "_w"], out).reshape(layer.weight.shape))
    bias = torch.from_numpy(weights[name + "_b"][:out])
    if layer.bias is not None:
        layer.bias.data[:] = bias
    return bias


def from_shipped(model, path, batch):
    """Load `path` (.npz) into `model`; `batch` (pieces, bands, frames) of log levels measures the normalisations.

    The network gives what it gave before, and trains as one whose normalisations had always been there.
    """
    weights = np.load(path)
    model.mean.data[:] = torch.from_numpy(weights["mean"])
    model.std.data[:] = torch.from_numpy(1 / weights["scale"])
    normed = [("front1", model.conv1, model.norm1), ("front2", model.conv2, model.norm2)]
    normed.append(("front3", model.conv3, model.norm3))
    for i, block in enumerate(model.blocks):
        normed.append((f"wide{i}", block.wide, block.norm))
        fill(block.narrow, weights, f"narrow{i}")
    for name in ("heads", "pool"):
        fill(getattr(model, name), weights, name)
    for name in ("dense1", "dense2"):
        layer = getattr(model, name)
        layer.weight.data[:] = torch.from_numpy(weights[name + "_w"])
        layer.bias.data[:] = torch.from_numpy(weights[name + "_b"])
    model.eval()
    for name, conv, norm in normed:
        bias = fill(conv, weights, name)
        measure = conv.register_forward_hook(lambda _, __, out, norm=norm, bias=bias: _as_measured(norm, bias, out))
        with torch.no_grad():
            model(batch)
        measure.remove()
    model.train()


def _as_measured(norm, bias, out):
    mean, variance = out.mean(dim=(0, 2, 3)), out.var(dim=(0, 2, 3))
    norm.running_mean[:], norm.running_var[:] = mean, variance
    norm.weight.data[:] = torch.sqrt(variance + norm.eps)
    norm.bias.data[:] = bias + mean
