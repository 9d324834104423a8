"""An output's port from its configuration, and how it writes what is to be said."""

from __future__ import annotations

from typing import Final

from drivers.hardware import output_port
from drivers.hardware.output_port import OutputPort
from drivers.registry import split_name
from receiver.config import Config, OutputConfig
from receiver.errors import BadInput
from receiver.output.message import Said, gone

WORDLESS: Final = {"ademco685": "0000"}


def check(config: Config) -> None:
    """Raise BadInput, one line, for an output that could not be driven."""
    lines = {line.uri.partition("?")[0] for line in config.lines}
    for output in config.outputs:
        port_of(output)
        if output.uri.partition("?")[0] in lines:
            raise BadInput(
                f'output "{output.name}": {output.uri} is a line of ours as well; it can only be one of them'
            )


def port_of(config: OutputConfig) -> OutputPort:
    """The port, not yet open. BadInput for options or numbers that its make does not have."""
    try:
        _, address, options = split_name(config.uri)
        port = output_port.make(config.uri, address, options)
        for number in ("", *config.line_numbers.values()):
            port.encode(gone().of_service("0000", number), number)
    except ValueError as error:
        raise BadInput(f'output "{config.name}": {error}') from None
    return port


def service_account(config: OutputConfig) -> str | None:
    """The account that stands for ourselves; None: words are said as words."""
    return config.service_account or WORDLESS.get(config.uri.partition(":")[0])


def line_number(said: Said, config: OutputConfig) -> str:
    """Our number for where it came by: of the path on this line, of the line; "": the output's own."""
    numbers = config.line_numbers
    return numbers.get(f"{said.line} {said.path}") or numbers.get(said.line, "")


def written(said: Said, config: OutputConfig, port: OutputPort) -> bytes:
    """The whole frame. What has no place in the layout is said in words, or of our own account: nothing is left out."""
    number = line_number(said, config)
    if said.frame is not None:
        try:
            return port.encode(said.frame, number)
        except ValueError:
            pass
    account = service_account(config)
    if account is not None:
        return port.encode(said.of_service(account, number or port.line), number)
    return port.own_message(said.words, number)
