"""The use cases of identity: roster, sign-in, binding, sessions, step-up and messages."""
