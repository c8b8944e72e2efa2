# U2PL (Wang et al., arXiv 2203.03884) with the numbers of its paper. An experiment puts `method` round
# a supervised model, and `method_hook` beside the default hooks, with its warm-up.
method = dict(
    type='U2PL',
    # eta of equation 8, alpha_0 of equation 7
    unsupervised=dict(weight=1., alpha=0.2, mix='cutmix', mix_prob=0.5),
    # lambda_c of equation 1; M and N of equation 4, 50 anchors and 256 negatives ('published': 256
    # and 50, which the authors ran), and its tau; the ranks follow the number of classes
    contrastive=dict(
        weight=0.1,
        samples='paper',
        temperature=0.5,
        threshold=0.3,
        ranks=None,
        negatives='paper',
        negative_pixels='unreliable',
        bank=dict(capacity=30000, background_capacity=50000, dtype='float32')),
    representation=dict(channels=256, out_channels=256))
method_hook = dict(type='U2PLHook', decay=0.99)
