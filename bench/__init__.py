"""Runs the simulator against a pipeline and measures from outside both."""
