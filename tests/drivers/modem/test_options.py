from __future__ import annotations

import pytest

from drivers.modem.options import DEFAULTS, settings_of
from drivers.registry import make_line


def test_every_option_in_one_name() -> None:
    options = {
        "baud": "115200", "speed": "2", "caller_id_wait_s": "0", "caller_id": "other", "tones": "modem",
        "dialect": "rockwell", "coding": "unsigned", "usb_serial": "123", "usb_reset": "yes",
    }  # fmt: skip
    assert set(options) == set(DEFAULTS)
    name = "modem:/dev/x?" + "&".join(f"{key}={value}" for key, value in options.items())
    assert make_line(name).name == name


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("dialect=hayes", "dialect is usr, v253, rockwell, not 'hayes'"),
        ("coding=g729", "coding is mu-law, a-law, unsigned, signed, ima, ima-high, not 'g729'"),
        ("caller_id=bell", "caller_id is japan, other, off, not 'bell'"),
        ("usb_reset=1", "usb_reset is no, yes, not '1'"),
        ("tones=loud", "tones is sound, modem, not 'loud'"),
        ("baud=0", "baud must be greater than 0"),
        ("baud=fast", "invalid literal"),
        ("speed=0", "speed must be greater than 0"),
        ("parity=odd", "unknown option 'parity'"),
    ],
)
def test_bad_options(options: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        make_line(f"modem:/dev/x?{options}")
    assert str(caught.value).count("modem:/dev/x?") == 1


def test_a_serial_number_is_wanted() -> None:
    with pytest.raises(ValueError, match="expected usb: and a serial number"):
        make_line("modem:usb:")
    assert make_line("modem:usb:000012345").name == "modem:usb:000012345"


def test_a_fast_modem_is_waited_for_as_long_as_a_real_one() -> None:
    """Limits are those of the wall clock: a busy machine makes a simulated modem slow, not dead."""
    assert settings_of("modem:/dev/x", {"speed": "20"}).patience == 20
    assert settings_of("modem:/dev/x", {"speed": "0.5"}).patience == 1
