"""The cases of clients/verifiers/vectors: what writes them and what runs every reader over them."""
