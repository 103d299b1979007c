"""Writes registry.binpb, the descriptors of Feast's registry messages: vendor.py, with feast 0.67.0.

Field numbers, names and types; nothing of Feast's code.
"""

from pathlib import Path

from feast.protos.feast.core import Registry_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

files = {}


def name_in_json(messages, descriptors) -> None:
    """The copy leaves out what protoc would have filled in."""
    for message in messages:
        descriptor = descriptors[message.name]
        for field in message.field:
            field.json_name = descriptor.fields_by_name[field.name].json_name
        name_in_json(message.nested_type, descriptor.nested_types_by_name)


def add(descriptor) -> None:
    """What a file needs stands before it."""
    if descriptor.name in files:
        return
    for needed in descriptor.dependencies:
        add(needed)
    proto = FileDescriptorProto()
    descriptor.CopyToProto(proto)
    name_in_json(proto.message_type, descriptor.message_types_by_name)
    files[descriptor.name] = proto


add(Registry_pb2.DESCRIPTOR)
Path(__file__).with_name("registry.binpb").write_bytes(
    FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True)
)
