"""The one way to the database: connections, units of work, outbox and migrations."""
