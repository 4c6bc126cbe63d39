"""SEED's golden rows."""

from __future__ import annotations

#: SEED's golden rows: sensor_id, temperature, humidity, timestamp, rainfall, wind_speed, UV_index, alert.
GOLDEN_COLUMNS = ("sensor_id", "temperature", "humidity", "timestamp", "rainfall", "wind_speed", "UV_index")
GOLDEN = [
    ((40, 30.87, 54.67, 1732879703.8874645, 38.43, 4.17, 10.5), "High UV Index"),
    ((7, 38.78, 68.69, 1732879721.9553857, 43.72, 12.11, 3.36), "High Temperature"),
    ((18, 36.95, 53.2, 1732879738.0285892, 49.15, 3.72, 8.52), "High Temperature"),
    ((99, 25.3, 42.35, 1732879717.9334235, 22.77, 13.11, 8.81), "High UV Index"),
    ((30, 24.9, 64.51, 1732879693.8508563, 10.01, 4.17, 3.39), "No Alert"),
    ((78, 24.08, 61.19, 1732880484.3072073, 13.02, 0.85, 2.14), "No Alert"),
    ((19, 22.36, 54.42, 1732880558.6363192, 13.09, 11.15, 9.12), "High UV Index"),
    ((87, 39.59, 64.53, 1732880520.4614077, 45.22, 7.53, 4.26), "High Temperature"),
]

#: An older message: milliseconds, and nothing to be alarmed about.
MILLISECONDS = (
    b'{"sensor_id":79,"temperature":34.92,"humidity":69.01,"rainfall":33.04,"wind_speed":9.93,'
    b'"UV_index":4.69,"timestamp":1732985789438}'
)
