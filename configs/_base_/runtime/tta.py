# tools/test.py --tta, tools/predict.py --tta: the mean over several views of each image, which
# tta_pipeline of the data names.
tta_model = dict(type='TTASegmentor')
