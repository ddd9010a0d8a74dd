"""The logarithm of the gamma function and its derivatives: small, large and negative numbers."""

from cases import Case, Examples, between, positive, unary

from tinygrad_ce.rules import gamma

# fmt: off
EXAMPLES: Examples = {
    gamma.lgamma: [*unary(gamma.lgamma, positive, False),
                   Case(gamma.lgamma, between(-0.7, -0.3)(3)),
                   Case(gamma.lgamma, between(8, 12)(5))],
    gamma.digamma: [*unary(gamma.digamma, positive, False),
                    Case(gamma.digamma, between(-2.7, -2.3)(3)),
                    Case(gamma.digamma, between(8, 12)(5))],
    gamma.polygamma: [*unary(lambda x: gamma.polygamma(1, x), positive, False),
                      Case(lambda x: gamma.polygamma(3, x), between(1, 12)(5)),
                      Case(lambda x: gamma.polygamma(2, x), between(-2.6, -2.4)(3))],
}
# fmt: on
