"""The layers of dense decoders written out for training an adapter: frozen weights, no padding, no casts.

What tells one family from another is a `description`; the forward is one for all.
"""
