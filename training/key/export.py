"""Write trained weights as the estimator reads them.

python -m training.key.export WEIGHTS.pt [WEIGHTS.pt ...] --output src/tracktion/estimators/data/key.npz

Several networks are averaged by the estimator.
"""

import argparse

import numpy as np
import torch


def arrays(state):
    """name → weights as trained, float32."""
    return {name.replace(".conv.", "."): value.numpy().astype(np.float32) for name, value in state.items()}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("weights", nargs="+")
    options.add_argument("--output", required=True)
    options.add_argument("--calibration", default="1,0.12", help="slope of the confidence and its floor")
    options = options.parse_args()
    made = {"calibration": np.array([float(v) for v in options.calibration.split(",")])}
    for i, path in enumerate(options.weights):
        made |= {f"{i}.{name}": value for name, value in arrays(torch.load(path)).items()}
    np.savez_compressed(options.output, **made)


if __name__ == "__main__":
    main()
