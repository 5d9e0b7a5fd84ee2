"""The key network for training: every layer turns with the pitch classes, so 24 keys share two sets of weights."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

OCTAVES = 6


class Circle(nn.Module):
    """Full circular convolution over twelve pitch classes [shape (n, channels, 12)]."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, 12)

    def forward(self, x):
        return self.conv(torch.cat([x, x[..., :11]], dim=-1))


class KeyNet(nn.Module):
    """Pitches [shape (batch, time, 72)] → logits of the piece [(batch, 24)] and of each moment [(batch, time, 24)]."""

    def __init__(self, overtones=8, hidden=32, below=4, above=28, time=5, drop=0.2, ends=True):
        super().__init__()
        self.below, self.above, self.hidden = below, above, hidden
        self.partials = nn.Conv1d(1, overtones, below + above + 1)
        self.fold = Circle(overtones * OCTAVES, hidden)
        self.flow = nn.Conv2d(hidden, hidden, (time, 1), padding=(time // 2, 0))
        self.mix = Circle(hidden, hidden)
        self.moment = Circle(hidden, 2)
        self.ends = ends
        self.deep = Circle((4 if ends else 2) * hidden, hidden)
        self.piece = Circle(hidden, 2)
        self.drop = nn.Dropout(drop)

    def forward(self, x, mask):
        batch, time, _ = x.shape
        h = functional.pad(x.reshape(batch * time, 1, 72), (self.below, self.above))
        h = functional.relu(self.partials(h))
        h = h.reshape(batch * time, -1, OCTAVES, 12).reshape(batch * time, -1, 12)
        h = functional.relu(self.fold(h))
        h = h.reshape(batch, time, self.hidden, 12) * mask[:, :, None, None]
        h = h.permute(0, 2, 1, 3)
        h = functional.relu(h + self.flow(h)).permute(0, 2, 1, 3).reshape(batch * time, self.hidden, 12)
        h = functional.relu(self.mix(h))
        moments = self.moment(h).reshape(batch, time, 24)
        h = h.reshape(batch, time, self.hidden, 12) * mask[:, :, None, None]
        count = mask.sum(1)[:, None, None]
        mean = h.sum(1) / count
        spread = torch.sqrt(((h - mean[:, None]) ** 2 * mask[:, :, None, None]).sum(1) / count + 1e-4)
        g = [mean, spread]
        if self.ends:
            place = (torch.cumsum(mask, 1) - 0.5) / mask.sum(1, keepdim=True)
            for near in (place < 0.25, place > 0.75):
                part = near * mask
                g.append((h * part[:, :, None, None]).sum(1) / part.sum(1).clamp(min=1)[:, None, None])
        g = self.drop(torch.cat(g, dim=1))
        g = self.drop(functional.relu(self.deep(g)))
        return self.piece(g).reshape(batch, 24), moments


def from_weights(path):
    """The network of a training (.pt), or the first of a shipped file (.npz)."""
    if not path.endswith(".npz"):
        return from_state(torch.load(path))
    trained = {name.replace(".conv.", "."): name for name in KeyNet().state_dict()}  # as export.py names them
    shipped = np.load(path)
    return from_state(
        {name: torch.from_numpy(shipped[f"0.{short}"].astype(np.float32)) for short, name in trained.items()}
    )


def from_state(state):
    """A network of the shape that trained weights have, ready to use."""
    hidden = state["fold.conv.weight"].shape[0]
    net = KeyNet(
        overtones=state["partials.weight"].shape[0],
        hidden=hidden,
        time=state["flow.weight"].shape[2],
        ends=state["deep.conv.weight"].shape[1] == 4 * hidden,
    )
    net.load_state_dict(state)
    return net.eval()
