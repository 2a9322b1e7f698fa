"""The reviewed DDL, applied in order by Tortoise's own migration runner."""
