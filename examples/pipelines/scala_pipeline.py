"""Run `AlertPipeline.scala`: compile it if it is new (some seconds), then become its JVM.

python scala_pipeline.py BOOTSTRAP READINGS_TOPIC ALERTS_TOPIC

Of alertbench this takes what a machine without Scala lacks: a Java, the compiler among PySpark's jars, and the
broker's jars, which hold Kafka's client and Jackson. The pipeline itself knows nothing of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from base.errors import one_line_errors
from base.jars import broker_classpath
from base.java import find_java
from base.scala import compiled


@one_line_errors
def main() -> None:
    """One JVM in place of this process, so that a signal reaches it."""
    libraries = broker_classpath()
    program = compiled(Path(__file__).with_name("AlertPipeline.scala"), libraries)
    java = find_java().executable
    os.execv(java, [java, "-cp", os.pathsep.join((str(program), libraries)), "AlertPipeline", *sys.argv[1:]])


if __name__ == "__main__":
    main()
