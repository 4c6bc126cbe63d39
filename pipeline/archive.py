"""The class archive of Spark's driver. Apart from `pipeline.session`, so that asking for it imports no Spark."""

from __future__ import annotations

from base.class_archive import ClassArchive
from base.jars import SPARK_VERSION, pyspark_folder
from base.java import Java


def driver_archive(java: Java) -> ClassArchive:
    """The class archive of a driver with the Kafka connector."""
    return ClassArchive(name=f"spark-{SPARK_VERSION}", jars=pyspark_folder(), java=java)
