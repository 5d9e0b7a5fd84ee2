"""Write trained weights as the estimator reads them.

python -m training.key.export WEIGHTS.pt [WEIGHTS.pt ...] --output src/tracktion/estimators/data/key.npz

Several networks are averaged by the estimator.
"""

import argparse

import numpy as np
import torch


def arrays(state):
    """name → weights as trained, in 16 bits."""
    return {name.replace(".conv.", "."): value.numpy().astype(np.float16) for name, value in state.items()}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("weights", nargs="+")
    options.add_argument("--output", required=True)
    options.add_argument("--slope", type=float, default=1.0, help="from training.key.calibrate")
    options.add_argument("--floor", type=float, default=0.12, help="probability below which there is no key")
    options.add_argument("--every", type=int, default=1, help="frames averaged to one, as in training")
    options = options.parse_args()
    made = {name: np.array(getattr(options, name), np.float64) for name in ("slope", "floor", "every")}
    for i, path in enumerate(options.weights):
        made |= {f"{i}.{name}": value for name, value in arrays(torch.load(path)).items()}
    np.savez_compressed(options.output, **made)


if __name__ == "__main__":
    main()
