"""Accuracy and speed of the Matcher, with peers beside it; see ``__main__``."""
