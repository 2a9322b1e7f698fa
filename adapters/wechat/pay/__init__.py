"""WeChat Pay: API v3, and V2 where v3 has nothing (channels.md 6)."""
