"""What browsers and servers of others call over plain HTTP: campus sign-on and notices."""
