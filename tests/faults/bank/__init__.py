"""The bank test: pay through the public API while everything dies, then check the books."""
