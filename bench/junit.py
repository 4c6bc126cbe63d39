"""``junit.xml``: thresholds as CI systems read them, a test case for each threshold at each cell."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from bench.records import Result, shown

#: What XML 1.0 cannot hold in any spelling, as the colours in a dead child's log.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(result: Result) -> bytes:
    """The thresholds of ``result`` as JUnit XML; everything but ``passed`` is a failure, the value in its text."""
    counts = {"tests": len(result.thresholds), "failures": result.failed_checks, "errors": 0, "skipped": 0}
    counted = {name: str(count) for name, count in counts.items()}
    root = ET.Element("testsuites", counted)
    suite = ET.SubElement(root, "testsuite", {"name": _clean(f"alertbench {result.run.id}"), **counted})
    for one in result.thresholds:
        # The name holds the cell as well: some readers look at names only, and drop the second of two.
        name = _clean(f"{one.expression} at {one.cell}")
        case = ET.SubElement(suite, "testcase", {"classname": "alertbench.thresholds", "name": name})
        if one.verdict != "passed":
            message = _clean(f"{one.verdict}: {one.seen}")
            failure = ET.SubElement(case, "failure", {"type": one.verdict, "message": message})
            failure.text = _clean(f"{one.seen}\nlimit {shown(one.limit, one.unit)}\nrerun {result.run.rerun}\n")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
