"""The network: log band levels → beat and downbeat activation per frame, and a distribution over tempi.

Convolutions over bands and time squeeze each frame to a vector, dilated residual layers look up to 20 s around it.
Everything that follows a convolution linearly (batch normalisation) is folded into it on export.
"""

import numpy as np
import torch
from torch import nn

BANDS = 72
DILATIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TEMPO_LOW, TEMPO_STEP, TEMPO_BINS = 36.0, 2 ** (1 / 30), 96
SCALE = 20.0


class Block(nn.Module):
    def __init__(self, channels, dilation, dropout):
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, (1, 5), dilation=(1, dilation), padding=(0, 2 * dilation), bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.narrow = nn.Conv2d(channels, channels, 1)
        nn.init.normal_(self.narrow.weight, std=0.02)
        self.drop = nn.Dropout2d(dropout)

    def forward(self, x):
        return self.narrow(self.drop(torch.relu(self.norm(self.wide(x)))))


class Network(nn.Module):
    def __init__(self, first=16, second=32, channels=40, pooled=48, hidden=96, dropout=0.1, dilations=DILATIONS):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(BANDS), requires_grad=False)
        self.std = nn.Parameter(torch.ones(BANDS), requires_grad=False)
        self.conv1 = nn.Conv2d(1, first, (6, 3), stride=(3, 1), padding=(0, 1), bias=False)
        self.norm1 = nn.BatchNorm2d(first)
        self.conv2 = nn.Conv2d(first, second, (5, 3), stride=(2, 1), padding=(0, 1), bias=False)
        self.norm2 = nn.BatchNorm2d(second)
        self.conv3 = nn.Conv2d(second, channels, (10, 1), bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.drop = nn.Dropout2d(dropout)
        self.blocks = nn.ModuleList(Block(channels, d, dropout) for d in dilations)
        self.heads = nn.Conv2d(channels, 2, 1)
        self.pool = nn.Conv2d(channels, pooled, 1)
        self.dense1, self.dense2 = nn.Linear(pooled, hidden), nn.Linear(hidden, TEMPO_BINS)

    def forward(self, levels):
        """levels (batch, bands, frames), log-compressed → (batch, 2, frames) logits, (batch, bins) logits."""
        x = ((levels - self.mean[:, None]) / self.std[:, None])[:, None]
        x = torch.relu(self.norm1(self.conv1(x)))
        x = torch.relu(self.norm2(self.conv2(x)))
        x = torch.relu(self.norm3(self.conv3(x)))
        x = self.drop(x)
        for block in self.blocks:
            x = x + block(x)
        x = torch.relu(x)
        pooled = torch.relu(self.pool(x))[:, :, 0].mean(dim=2)
        return self.heads(x)[:, :, 0], self.dense2(torch.relu(self.dense1(pooled)))


def compress(magnitude):
    """Level-invariant logarithm: magnitudes (…, frames, bands) relative to their mean."""
    return np.log1p(SCALE / max(float(magnitude.mean()), 1e-12) * magnitude)


def tempo_bins(bpm):
    """Position of a tempo on the axis of the tempo head."""
    return np.log(np.asarray(bpm) / TEMPO_LOW) / np.log(TEMPO_STEP)
