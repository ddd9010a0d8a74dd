"""softmax and its companions over every axis."""

from cases import Examples, along, holo, positive, real

from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax, xlog_softmax

# fmt: off
EXAMPLES: Examples = {
    softmax: [holo(lambda x, k=k: softmax(x, k), real(3, 4)) for k in (-1, 0, 1)],
    log_softmax: [holo(lambda x, k=k: log_softmax(x, k), real(3, 4)) for k in (-1, 0, 1)],
    logsumexp: along(logsumexp, analytic=False),
    xlog_softmax: [holo(lambda t, z, k=k: xlog_softmax(t, z, k), positive(3, 4), real(3, 4))
                   for k in (-1, 0)],
}
# fmt: on
