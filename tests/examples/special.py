"""Elementwise functions that NumPy lacks, inside their domains; `test_special.py` has the edges."""

from cases import Examples, apart, binary, inside, positive, real, unary

from tinygrad_ce.rules import special

# fmt: off
EXAMPLES: Examples = {
    special.sigmoid: unary(special.sigmoid, real, False),
    special.softplus: unary(special.softplus, real, False),
    special.log_sigmoid: unary(special.log_sigmoid, real, False),
    special.xlogy: binary(special.xlogy, positive, positive, analytic=True),
    special.xlog1py: binary(special.xlog1py, positive, positive, analytic=True),
    special.entr: unary(special.entr, positive, False),
    special.logit: unary(special.logit, inside, False),
    special.binary_log_loss: binary(special.binary_log_loss, inside, inside, analytic=True),
    special.sigmoid_log_loss: binary(special.sigmoid_log_loss, apart, inside),
}
# fmt: on
