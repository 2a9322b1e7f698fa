"""The scripted server: leads a vendor's terminal through its duties, and judges what it did."""
