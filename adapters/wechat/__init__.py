"""WeChat: mini-programs and official accounts; `pay` is WeChat Pay."""
