"""The pretend Alipay: its gateway in key and in certificate mode, and what its app does."""
