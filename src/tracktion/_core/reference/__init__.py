"""The kernels in NumPy: oracle for the tests, and fallback without a compiler."""
