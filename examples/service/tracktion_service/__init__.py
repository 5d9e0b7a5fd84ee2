"""A small web application that embeds tracktion: search, playlists, upload-and-analyse, tokens, metrics."""
