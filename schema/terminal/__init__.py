"""What terminals ask: enrolment, heartbeat, look-up and purchases."""
