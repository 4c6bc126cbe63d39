"""Records that a parser may stumble over, each with a name and what must become of it.

The third column is written by hand: a reject's reason, an alert's rule, or None for neither.
"""

from __future__ import annotations

from wire.reject import EMPTY, NO_SENSOR_ID, NO_TIMESTAMP, NOT_FINITE, NOT_JSON

T = b'"timestamp":1732879703.8874645'


def hot(rest: bytes) -> bytes:
    """A reading above the temperature threshold, with more members at its end."""
    return b'{"sensor_id":7,' + T + b',"temperature":36.5' + rest + b"}"


def nested(depth: int) -> bytes:
    """A hot reading with a foreign member that makes it ``depth`` levels deep, its own included."""
    return hot(b',"x":' + b"[" * (depth - 1) + b"]" * (depth - 1))


HOT = "high_temperature"

RECORDS: list[tuple[str, bytes | None, str | None]] = [
    # Nothing, or nothing like an object.
    ("null value", None, EMPTY),
    ("empty", b"", EMPTY),
    ("blanks only", b"  \n ", NOT_JSON),
    ("json null", b"null", NOT_JSON),
    ("a number", b"5", NOT_JSON),
    ("a string", b'"abc"', NOT_JSON),
    ("empty array", b"[]", NOT_JSON),
    ("array of a reading", b"[" + hot(b"") + b"]", NOT_JSON),
    ("plain text", b"sensor offline", NOT_JSON),
    ("empty object", b"{}", NO_SENSOR_ID),
    # Objects that are cut, doubled or followed by something.
    ("truncated in a number", b'{"sensor_id":7,"timestamp":1732879703.88,"temperature":36.', NOT_JSON),
    ("truncated before the brace", hot(b"")[:-1], NOT_JSON),
    ("two objects", hot(b"") + hot(b""), NOT_JSON),
    ("two objects and a blank", hot(b"") + b" " + hot(b""), NOT_JSON),
    ("two objects and a comma", hot(b"") + b"," + hot(b""), NOT_JSON),
    ("text behind", hot(b"") + b" x", NOT_JSON),
    ("a brace behind", hot(b"") + b"}", NOT_JSON),
    ("a bracket behind", hot(b"") + b"]", NOT_JSON),
    ("a closed bracket behind", hot(b"") + b",{}]}", NOT_JSON),
    ("a NUL behind", hot(b"") + b"\x00", NOT_JSON),
    ("a comma too many", hot(b","), NOT_JSON),
    ("single quotes", hot(b"").replace(b'"', b"'"), NOT_JSON),
    ("bare names", hot(b"").replace(b'"', b""), NOT_JSON),
    ("a comment", hot(b"/* */"), NOT_JSON),
    ("blanks around", b" \t" + hot(b"") + b" \r\n", HOT),
    ("blanks inside", b'{ "sensor_id" : 7 ,\n "timestamp" : 1.5 ,\t"temperature" : 36 }', HOT),
    ("byte order mark", b"\xef\xbb\xbf" + hot(b""), NOT_JSON),
    # Bytes that are no UTF-8.
    ("invalid byte in front", b"\xff" + hot(b""), NOT_JSON),
    ("invalid byte in a foreign string", hot(b',"x":"\xff"'), NOT_JSON),
    ("surrogate in a foreign string", hot(b',"x":"\xed\xa0\x80"'), NOT_JSON),
    ("overlong in a foreign string", hot(b',"x":"\xc0\xaf"'), NOT_JSON),
    ("cut in the middle of a letter", hot(b',"x":"\xe2\x82"'), NOT_JSON),
    ("utf-8 in a foreign string", hot(',"x":"°C € 𝄞"'.encode()), HOT),
    ("UTF-16", hot(b"").decode().encode("utf-16"), NOT_JSON),
    # Foreign members.
    ("nested object", hot(b',"x":{"y":[1,{"z":null}]}'), HOT),
    ("brace in a string", hot(b',"x":"}"'), HOT),
    ("escapes in a string", hot(rb',"x":"\"}\\\ud834\udd1e\ud800"'), HOT),
    ("escape in a name", b'{"sensor_id":7,"timestamp":1.5,"temperat\\u0075re":36}', HOT),
    ("bad escape", hot(rb',"x":"\q"'), NOT_JSON),
    ("tab in a string", hot(b',"x":"a\tb"'), NOT_JSON),
    ("NaN in a foreign member", hot(b',"x":NaN'), NOT_JSON),
    ("Infinity in a foreign member", hot(b',"x":-Infinity'), NOT_JSON),
    ("1e999 in a foreign member", hot(b',"x":1e999'), HOT),
    ("a foreign word", hot(b',"x":tru'), NOT_JSON),
    ("Spark's own column", hot(b',"_corrupt":"x"'), HOT),
    ("name in other case", b'{"Sensor_ID":7,' + T + b"}", NO_SENSOR_ID),
    # sensor_id, timestamp, seq.
    ("no sensor_id", b"{" + T + b',"temperature":36}', NO_SENSOR_ID),
    ("null sensor_id", b'{"sensor_id":null,' + T + b"}", NO_SENSOR_ID),
    ("no sensor_id, no timestamp", b'{"temperature":36}', NO_SENSOR_ID),
    ("no timestamp", b'{"sensor_id":7,"temperature":36}', NO_TIMESTAMP),
    ("null timestamp", b'{"sensor_id":7,"timestamp":null,"temperature":1e999}', NO_TIMESTAMP),
    ("float sensor_id", b'{"sensor_id":7.0,' + T + b"}", NOT_JSON),
    ("sensor_id with exponent", b'{"sensor_id":7e0,' + T + b"}", NOT_JSON),
    ("text sensor_id", b'{"sensor_id":"7",' + T + b"}", NOT_JSON),
    ("true sensor_id", b'{"sensor_id":true,' + T + b"}", NOT_JSON),
    ("negative sensor_id", b'{"sensor_id":-7,' + T + b',"temperature":36}', HOT),
    ("largest sensor_id", b'{"sensor_id":9223372036854775807,' + T + b',"humidity":3}', "low_humidity"),
    ("sensor_id overflows", b'{"sensor_id":9223372036854775808,' + T + b"}", NOT_JSON),
    ("leading zero", b'{"sensor_id":07,' + T + b"}", NOT_JSON),
    ("seq", hot(b',"seq":12'), HOT),
    ("null seq", hot(b',"seq":null'), HOT),
    ("text seq", hot(b',"seq":"12"'), NOT_JSON),
    ("float seq", hot(b',"seq":12.0'), NOT_JSON),
    ("empty text seq", hot(b',"seq":""'), NOT_JSON),
    ("milliseconds", b'{"sensor_id":7,"timestamp":1732985789438,"temperature":36}', HOT),
    ("first millisecond", b'{"sensor_id":7,"timestamp":1e11,"temperature":36}', HOT),
    ("last second", b'{"sensor_id":7,"timestamp":99999999999.9,"temperature":36}', HOT),
    ("time zero", b'{"sensor_id":7,"timestamp":0,"temperature":36}', HOT),
    ("before 1970", b'{"sensor_id":7,"timestamp":-1.25,"temperature":36}', HOT),
    ("half a microsecond, even", b'{"sensor_id":7,"timestamp":0.0000025,"temperature":36}', HOT),
    ("half a microsecond, odd", b'{"sensor_id":7,"timestamp":0.0000035,"temperature":36}', HOT),
    ("text timestamp", b'{"sensor_id":7,"timestamp":"2024-11-29T11:28:23Z"}', NOT_JSON),
    ("timestamp overflows microseconds", b'{"sensor_id":7,"timestamp":1e17,"temperature":36}', NOT_FINITE),
    ("timestamp far before 1970", b'{"sensor_id":7,"timestamp":-1e13,"seq":1,"temperature":36}', NOT_FINITE),
    ("timestamp overflows", b'{"sensor_id":7,"timestamp":1e999}', NOT_FINITE),
    # Channels.
    ("all null", hot(b"").replace(b"36.5", b"null"), None),
    ("at the threshold", hot(b"").replace(b"36.5", b"35"), None),
    ("just above", hot(b"").replace(b"36.5", b"35.00000000000001"), HOT),
    ("minus zero humidity", b'{"sensor_id":7,' + T + b',"humidity":-0.0}', "low_humidity"),
    ("underflow", b'{"sensor_id":7,' + T + b',"humidity":1e-999}', "low_humidity"),
    ("integer channel", b'{"sensor_id":7,' + T + b',"UV_index":9}', "high_uv_index"),
    ("huge integer channel", b'{"sensor_id":7,' + T + b',"UV_index":123456789012345678901234}', "high_uv_index"),
    ("text channel", hot(b',"humidity":"19.5"'), NOT_JSON),
    ("text NaN", hot(b',"humidity":"NaN"'), NOT_JSON),
    ("NaN", hot(b',"humidity":NaN'), NOT_JSON),
    ("Infinity", hot(b',"humidity":Infinity'), NOT_JSON),
    ("1e999", hot(b',"rainfall":1e999'), NOT_FINITE),
    ("-1e999", hot(b',"rainfall":-1e999'), NOT_FINITE),
    ("integer overflows a double", hot(b',"rainfall":' + b"9" * 400), NOT_FINITE),
    ("true channel", hot(b',"humidity":true'), NOT_JSON),
    ("object channel", hot(b',"humidity":{"value":3}'), NOT_JSON),
    ("array channel", hot(b',"humidity":[3]'), NOT_JSON),
    ("empty text channel", hot(b',"humidity":""'), NOT_JSON),
    ("no digit behind the point", hot(b',"humidity":3.'), NOT_JSON),
    ("no digit before the point", hot(b',"humidity":.3'), NOT_JSON),
    ("plus sign", hot(b',"humidity":+3'), NOT_JSON),
    ("hexadecimal", hot(b',"humidity":0x3'), NOT_JSON),
    # The same name twice.
    ("twice, the last is cold", hot(b',"temperature":3'), None),
    ("twice, the last is null", hot(b',"temperature":null'), None),
    ("twice, the first is text", hot(b',"humidity":"x","humidity":30'), NOT_JSON),
    ("twice, the first is infinite", hot(b',"humidity":1e999,"humidity":30'), HOT),
    ("sensor_id twice", hot(b',"sensor_id":8'), HOT),
    # Several rules at once.
    ("rain and wind", b'{"sensor_id":7,' + T + b',"wind_speed":20.01,"rainfall":50.01}', "heavy_rainfall"),
    ("all five", hot(b',"humidity":1,"UV_index":9,"rainfall":51,"wind_speed":21'), HOT),
    # Long ones. Where in its buffer a fraction stands moves Spark's limit of 1,000 digits by two.
    ("70 KiB of blanks", hot(b"") + b" " * 70 * 1024, HOT),
    ("70 KiB string", hot(b',"x":"' + b"y" * 70 * 1024 + b'"'), HOT),
    ("70 KiB of rubbish", b"z" * 70 * 1024, NOT_JSON),
    ("longest integer", hot(b',"x":-' + b"9" * 1000), HOT),
    ("integer too long", hot(b',"x":' + b"9" * 1001), NOT_JSON),
    ("longest fraction", hot(b',"x":-0.' + b"9" * 990 + b"e-5"), HOT),
    ("fraction too long", hot(b',"x":0.' + b"9" * 1010), NOT_JSON),
    ("deepest", nested(1000), HOT),
    ("too deep", nested(1001), NOT_JSON),
    ("longest name", hot(b',"' + b"k" * 50_000 + b'":1'), HOT),
    ("name too long", hot(b',"' + b"k" * 50_001 + b'":1'), NOT_JSON),
]
