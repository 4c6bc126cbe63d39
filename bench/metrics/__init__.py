"""How right are alerts? The field's metrics, as functions of arrays.

``truth`` and ``alarm`` are boolean, (sensors, ticks): a row is a sensor, a column a tick of time; one dimension is one
sensor. Nothing crosses a row: no range, no buffer, no window. Scores have the same shape. What is undefined is None:
recall without truth, precision without alarms.
"""
