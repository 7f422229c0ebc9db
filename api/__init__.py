"""HTTP: decode the wish, hand it in, say how it went."""
