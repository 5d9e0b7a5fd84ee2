"""One file for each schema version; never edited after a release."""
