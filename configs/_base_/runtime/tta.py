# tools/test.py --tta, tools/predict.py --tta: the mean over several views of each image; which
# ones says tta_pipeline of the data.
tta_model = dict(type='TTASegmentor')
