"""The native channel's own ways to reach people: mail by SMTP and SMS by an HTTP gateway."""
