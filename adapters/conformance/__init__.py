"""The suite that a school's own kind of sign-on must pass: subclass `contract.ProviderContract`."""
