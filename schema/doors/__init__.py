"""Every way in: the channels' sign-in, real names, members, the campus sign-on, guardians."""
