"""Are the rules right? Alerts against what the simulator knows to be true, beside detectors that know nothing."""
