"""The error function, its complement and its inverse, and erfc also far out."""

from cases import Case, Examples, between, real, unary, unit

from tinygrad_ce.rules import erf

# fmt: off
EXAMPLES: Examples = {
    erf.erf: [*unary(erf.erf, unit, False), *unary(erf.erf, real, False)],
    erf.erfc: [*unary(erf.erfc, unit, False), *unary(erf.erfc, real, False),
                   Case(erf.erfc, between(4.1, 6.0)(5))],
    erf.erfinv: unary(erf.erfinv, unit, False),
}
# fmt: on
