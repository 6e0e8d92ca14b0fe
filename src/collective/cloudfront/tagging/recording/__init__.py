"""What a response was made from, noted while it is made."""
