# As published/suponly.py.
_base_ = '../published/suponly.py'
