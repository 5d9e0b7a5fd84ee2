"""The streaming pass: blocks of samples in, frame-rate features out."""
