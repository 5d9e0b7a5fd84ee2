"""Pictures for the docs, from the numbers that the benchmarks leave behind."""
