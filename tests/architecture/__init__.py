"""The machines behind the house rules: each reads the tree, and each is proven able to fail."""
