"""Thieves among 200 terminals without a network: what they take, not what a formula says."""
