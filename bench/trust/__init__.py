"""The instrument's own proof: faults planted outside it, and whether it reports them, no more and no less."""
