# Real pigs, 323 images: images/ and {train,val,test}.json as data/README.md makes them.
_base_ = './cattle_320.py'
data_root = '{{$PIGS_ROOT:data/pigs}}'
classes = ('pig', )
num_classes = len(classes)
metainfo = dict(classes=classes)
train_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo))
val_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo))
