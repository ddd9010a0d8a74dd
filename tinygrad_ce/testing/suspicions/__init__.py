"""What may be wrong with a gradient. A suspicion says it as a predicate: "has the wrong sign"."""
