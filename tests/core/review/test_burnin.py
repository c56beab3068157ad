import numpy as np

from faceplate.review.burnin import burn_in


def test_words_are_written_on_a_darkened_strip_and_the_input_stays() -> None:
    picture = np.full((200, 300, 3), 120, np.uint8)
    marked = burn_in(picture, "shot", "AI-altered media", "1001")
    assert (picture == 120).all()
    assert (marked[:150] == 120).all()
    strip = marked[-8:]
    assert strip.min() == 40
    assert marked[150:].max() > 200


def test_long_words_in_a_small_picture_stay_inside_it() -> None:
    picture = np.full((20, 64, 3), 120, np.uint8)
    marked = burn_in(picture, "a very long name of a shot", "AI-altered media", "1001")
    assert marked.shape == picture.shape
