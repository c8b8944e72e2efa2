# U2PL for a CPU: fewer maps in the representation, and fewer keys in the banks.
_base_ = './u2pl.py'
method = dict(
    contrastive=dict(bank=dict(capacity=5000, background_capacity=5000)),
    representation=dict(channels=64, out_channels=64))
