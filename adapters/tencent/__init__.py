"""What WeChat and WeCom have in common: the calls with a token, and the posted messages."""
