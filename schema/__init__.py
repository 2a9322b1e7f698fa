"""The public GraphQL contract: names, nullability, errors and permissions."""
