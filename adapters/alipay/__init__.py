"""Alipay: who a wallet belongs to, its real name, its telephone, messages and money."""
