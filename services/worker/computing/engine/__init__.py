"""The Llama family's layers written out for training an adapter: frozen weights, no padding, no casts."""
