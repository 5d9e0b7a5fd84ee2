"""Cython kernels that release the GIL, each with a NumPy twin in `reference`."""
