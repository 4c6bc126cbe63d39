"""What travels between simulator, pipeline and bench: names, keys and topics. Standard library only."""
