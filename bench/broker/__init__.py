"""Where the Kafka under test comes from: started here, or already running somewhere."""
