"""Programs that speak only the public protocol."""
