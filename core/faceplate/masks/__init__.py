"""Labels of masks by hand, and mattes by a mask model; the model is trained in `train`."""
