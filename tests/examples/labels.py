"""The cross-entropy of softmax by labels, with the classes along every axis."""

import numpy as np
from cases import Examples, holo, real

from tinygrad_ce.rules.labels import softmax_log_loss, y_minus_t

FOUR, THREE = np.array([2, 0, 1, 1]), np.array([3, 0, 2])

# fmt: off
EXAMPLES: Examples = {
    softmax_log_loss: [
        holo(lambda z: softmax_log_loss(z, FOUR), real(4, 3)),
        holo(lambda z: softmax_log_loss(z, THREE, 0), real(4, 3)),
        holo(lambda z: softmax_log_loss(z, FOUR.reshape(2, 2), 1), real(2, 3, 2)),
        holo(lambda z: softmax_log_loss(z, np.array(1)), real(3)),
    ],
    y_minus_t: [
        holo(lambda g, z: y_minus_t(g, z, FOUR), real(4), real(4, 3)),
        holo(lambda g, z: y_minus_t(g, z, THREE, 0), real(3), real(4, 3)),
        holo(lambda g, z: y_minus_t(g, z, FOUR.reshape(2, 2), 1), real(2, 2), real(2, 3, 2)),
    ],
}
# fmt: on
