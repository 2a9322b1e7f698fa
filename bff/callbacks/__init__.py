"""What browsers and servers of others call over plain HTTP: the campus sign-on."""
