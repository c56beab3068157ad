"""The mean face that every crop is aligned to.

Source: dlib's mean face shape (Boost licence), the template of all suites that descend from it,
so that facesets of those keep their framing here.
"""

import numpy as np
import numpy.typing as npt

__all__ = ["ALIGN_INDEX", "TEMPLATE_51"]

ALIGN_INDEX: tuple[int, ...] = (*range(17, 49), 54)
"""The 33 iBUG points that align a face: brows, nose, eyes and the mouth corners (48, 54). The jaw
and the rest of the mouth move too much with speech."""

TEMPLATE_51: npt.NDArray[np.float64] = np.array(
    [
        # right brow, from 17
        (0.000213256, 0.106454),
        (0.0752622, 0.038915),
        (0.18113, 0.0187482),
        (0.29077, 0.0344891),
        (0.393397, 0.0773906),
        # left brow, from 22
        (0.586856, 0.0773906),
        (0.689483, 0.0344891),
        (0.799124, 0.0187482),
        (0.904991, 0.038915),
        (0.98004, 0.106454),
        # bridge, from 27
        (0.490127, 0.203352),
        (0.490127, 0.307009),
        (0.490127, 0.409805),
        (0.490127, 0.515625),
        # nostrils, from 31
        (0.36688, 0.587326),
        (0.426036, 0.609345),
        (0.490127, 0.628106),
        (0.554217, 0.609345),
        (0.613373, 0.587326),
        # right eye, from 36
        (0.121737, 0.216423),
        (0.187122, 0.178758),
        (0.265825, 0.179852),
        (0.334606, 0.231733),
        (0.260918, 0.245099),
        (0.182743, 0.244077),
        # left eye, from 42
        (0.645647, 0.231733),
        (0.714428, 0.179852),
        (0.793132, 0.178758),
        (0.858516, 0.216423),
        (0.79751, 0.244077),
        (0.719335, 0.245099),
        # outer lips, from 48
        (0.254149, 0.780233),
        (0.340985, 0.745405),
        (0.428858, 0.727388),
        (0.490127, 0.742578),
        (0.551395, 0.727388),
        (0.639268, 0.745405),
        (0.726104, 0.780233),
        (0.642159, 0.864805),
        (0.556721, 0.902192),
        (0.490127, 0.909281),
        (0.423532, 0.902192),
        (0.338094, 0.864805),
        # inner lips, from 60
        (0.290379, 0.784792),
        (0.428096, 0.778746),
        (0.490127, 0.785343),
        (0.552157, 0.778746),
        (0.689874, 0.784792),
        (0.553364, 0.824182),
        (0.490127, 0.831803),
        (0.42689, 0.824182),
    ],
    dtype=np.float64,
)
"""51x2: the iBUG points 17..67 in the unit square, x right, y down."""
TEMPLATE_51.setflags(write=False)
