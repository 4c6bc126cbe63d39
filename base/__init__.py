"""Plumbing that any room may use. Imports nothing of ours."""
