"""tracktion: a folder of music, analysed, searchable, de-duplicated."""
