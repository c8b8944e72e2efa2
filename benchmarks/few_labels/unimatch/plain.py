# UniMatch as published; the first lines of the others say what they change.
_base_ = '../published/unimatch.py'
