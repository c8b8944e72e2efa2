# UniMatch as published; the others change one thing each.
_base_ = '../published/unimatch.py'
