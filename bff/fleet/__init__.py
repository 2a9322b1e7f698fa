"""The fleet: devices as processes of their own, their lines and their power, and a judge."""
