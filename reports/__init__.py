"""Tables, figures and pages from stored results; never runs a measurement."""
