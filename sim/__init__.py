"""Makes readings and the truth about them. Knows no Spark and no rules; only publish knows Kafka."""
