"""What is measured: a file each, named in bench/catalog.py."""
