"""What dev.py does its work with: setting up a host, and running it."""
