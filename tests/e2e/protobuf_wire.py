"""Just enough protobuf to write OTLP, Loki and Zipkin messages by hand, field by field."""
import struct


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field_varint(number, value):
    return varint(number << 3) + varint(value)


def field_fixed64(number, value):
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def field_bytes(number, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def any_value(value):
    """opentelemetry.proto.common.v1.AnyValue"""
    if isinstance(value, bool):
        return field_varint(2, int(value))
    if isinstance(value, int):
        return field_varint(3, value)
    if isinstance(value, float):
        return varint(4 << 3 | 1) + struct.pack("<d", value)
    return field_bytes(1, value)


def key_value(key, value):
    return field_bytes(1, key) + field_bytes(2, any_value(value))


def logs_request(records, resource=None):
    """ExportLogsServiceRequest of records {time, severity, text, body, attributes, trace_id, span_id}."""
    encoded = b""
    for record in records:
        message = field_fixed64(1, record["time"]) + field_varint(2, record.get("severity", 9))
        message += field_bytes(3, record.get("text", "INFO")) + field_bytes(5, any_value(record["body"]))
        for key, value in record.get("attributes", {}).items():
            message += field_bytes(6, key_value(key, value))
        if "trace_id" in record:
            message += field_bytes(9, bytes.fromhex(record["trace_id"])) + field_bytes(10, bytes.fromhex(record["span_id"]))
        encoded += field_bytes(2, message)
    attributes = b"".join(field_bytes(1, key_value(key, value)) for key, value in (resource or {}).items())
    return field_bytes(1, field_bytes(1, attributes) + field_bytes(2, encoded))


def traces_request(spans, resource=None):
    """ExportTraceServiceRequest of spans {trace_id, span_id, name, start, end}."""
    encoded = b""
    for span in spans:
        message = field_bytes(1, bytes.fromhex(span["trace_id"])) + field_bytes(2, bytes.fromhex(span["span_id"]))
        message += field_bytes(5, span["name"]) + field_varint(6, 2)
        message += field_fixed64(7, span["start"]) + field_fixed64(8, span["end"])
        encoded += field_bytes(2, message)
    attributes = b"".join(field_bytes(1, key_value(key, value)) for key, value in (resource or {}).items())
    return field_bytes(1, field_bytes(1, attributes) + field_bytes(2, encoded))


def loki_push(labels, entries):
    """logproto.PushRequest of one stream; entries are (nanoseconds, line)."""
    stream = field_bytes(1, labels)
    for nanos, line in entries:
        timestamp = field_varint(1, nanos // 10**9) + field_varint(2, nanos % 10**9)
        stream += field_bytes(2, field_bytes(1, timestamp) + field_bytes(2, line))
    return field_bytes(1, stream)
