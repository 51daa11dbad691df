// Has nothing of its own: its target holds the headers that are precompiled for the others.
