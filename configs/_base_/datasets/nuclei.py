# Cell nuclei, 5 to 50 an image: images/ and {train,val,test}.json as data/README.md makes them.
_base_ = './cattle_320.py'
data_root = '{{$NUCLEI_ROOT:data/nuclei}}'
classes = ('nucleus', )
num_classes = len(classes)
metainfo = dict(classes=classes)
train_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo))
val_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo))
test_dataloader = dict(dataset=dict(data_root=data_root, metainfo=metainfo))
