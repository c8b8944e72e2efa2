# As published/mean-teacher.py: its teacher is evaluated, and it mixes nothing.
_base_ = '../published/mean-teacher.py'
