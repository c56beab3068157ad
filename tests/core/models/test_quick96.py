from faceplate.models.quick96 import Quick96Config


def test_quick96_has_the_papers_shape() -> None:
    config = Quick96Config()
    dims = (config.ae_dims, config.e_dims, config.d_dims, config.d_mask_dims)
    assert (config.resolution, config.options, dims) == (96, "ud", (128, 64, 64, 16))
