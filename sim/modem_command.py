"""`yobirin sim modem`: voice modems on ptys, with every habit and fault that real ones have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

CODINGS: Final = {"ulaw": 131, "alaw": 130, "linear": 128, "signed": 133, "ima": 132}


@click.command()
@click.option("--speed", type=click.FloatRange(0, min_open=True), default=1.0, help="Times faster than the wall clock.")
@click.option("--count", type=click.IntRange(1, 64), default=1, help="How many modems.")
@click.option(
    "--link", type=click.Path(path_type=Path), help="Symbolic link to the pty (with --count: LINK0, LINK1 …)."
)
@click.option("--listen", type=click.Path(path_type=Path), help="Socket of the telephone line (default: LINK.line).")
@click.option("--reaches", type=click.Path(path_type=Path), help="Socket of the line that any number it dials reaches.")
@click.option(
    "--dialect",
    type=click.Choice(["v253", "usr", "rockwell"]),
    default="v253",
    show_default=True,
    help="Which voice commands it knows.",
)
@click.option("--coding", type=click.Choice(sorted(CODINGS)), help="Offer only this coding of sound.")
@click.option(
    "--rate", "rates", type=click.Choice(["7200", "8000", "11025"]), multiple=True, help="Only this rate; repeatable."
)
@click.option(
    "--caller-id",
    type=click.Choice(["between", "before", "car", "none"]),
    default="between",
    show_default=True,
    help="When it comes: after or before the first ring; car: RING at each burst of CAR besides.",
)
@click.option(
    "--caller-id-form",
    type=click.Choice(["lines", "hex", "complex", "keys"]),
    default="lines",
    show_default=True,
    help="How it is said: NMBR lines, MESG in hexadecimal, between DLE X and DLE . , or as keys.",
)
@click.option(
    "--hang-up-sign",
    type=click.Choice(["busy", "loop", "none"]),
    default="busy",
    show_default=True,
    help="How it tells that the far end is gone.",
)
@click.option("--no-dtmf-events", is_flag=True, help="It does not report the digits it hears by itself.")
@click.option("--no-hook-query", is_flag=True, help="It does not know AT+VLS?.")
@click.option("--no-dial-tone", is_flag=True, help="Nothing is heard on its line without a call.")
@click.option("--reply-ms", type=click.FloatRange(0), default=15.0, help="From a command to its answer.")
@click.option("--switch-ms", type=click.FloatRange(0), default=40.0, help="Between receiving and playing, each way.")
@click.option("--echo", is_flag=True, help="Habit: ATE0 changes nothing.")
@click.option("--numbers", is_flag=True, help="Habit: results are numbers, whatever ATV says.")
@click.option("--late-ms", type=click.FloatRange(0), default=0.0, help="Fault: every answer comes so much later.")
@click.option(
    "--bytes-a-second", type=click.FloatRange(0), default=0.0, help="Fault: its port gives no more than that."
)
@click.option("--garbage-a-minute", type=click.FloatRange(0), default=0.0, help="Fault: stray bytes, so often.")
@click.option("--drop-per-million", type=click.FloatRange(0, 1e6), default=0.0, help="Fault: received bytes lost.")
@click.option("--overrun-every-s", type=click.FloatRange(0), default=0.0, help="Fault: 100 ms lost so often, DLE o.")
@click.option("--mute-after-s", type=click.FloatRange(0), default=0.0, help="Fault: then it answers nothing any more …")
@click.option("--mute-for-s", type=click.FloatRange(0), default=0.0, help="… for so long; 0: for ever.")
@click.option(
    "--babble", type=click.Choice(["noise", "rings", "events", "answers"]), help="Fault: it says this without end."
)
@click.option("--babble-after-s", type=click.FloatRange(0, min_open=True), default=1.0, help="From then on …")
@click.option("--babble-for-s", type=click.FloatRange(0), default=0.0, help="… for so long; 0: for ever.")
@click.option(
    "--stuck",
    type=click.Choice(["reset", "port", "power"]),
    help="Fault: it keeps the line after its first call, until ATZ, until its port is closed, or for ever.",
)
@click.option("--unplug-after-s", type=click.FloatRange(0), default=0.0, help="Fault: then the port goes away …")
@click.option("--replug-after-s", type=click.FloatRange(0), default=0.0, help="… and comes back later, elsewhere.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Of everything random: the same seed, the same run."
)
@click.option("--json", "as_json", is_flag=True, help="Where the modems are, as JSON Lines.")
def modem(**options: Any) -> None:
    """Voice modems on ptys, each with a telephone line that `sim panel --dial` can call.

    Runs until it is interrupted. The first lines of the output say where each modem and its line are.
    """
    from sim.bench import Bench
    from sim.modem_settings import RATES, USUAL, Babble, ModemSettings, Stuck
    from sim.subscriber_line import CallerId, CallerIdForm, HangUpSign

    coding, rates, babble, stuck = (options.pop(name) for name in ("coding", "rates", "babble", "stuck"))
    after_s = options.pop("babble_after_s")
    same = (
        "dialect", "reply_ms", "switch_ms", "late_ms", "bytes_a_second", "garbage_a_minute", "drop_per_million",
        "overrun_every_s", "mute_after_s", "mute_for_s", "babble_for_s",
    )  # fmt: skip
    settings = ModemSettings(
        caller_id=CallerId(options.pop("caller_id")),
        caller_id_form=CallerIdForm(options.pop("caller_id_form")),
        hang_up_sign=HangUpSign(options.pop("hang_up_sign")),
        formats=(CODINGS[coding],) if coding else USUAL,
        rates=tuple(int(rate) for rate in rates) or RATES,
        reports_keys=not options.pop("no_dtmf_events"),
        tells_hook=not options.pop("no_hook_query"),
        dial_tone=not options.pop("no_dial_tone"),
        echo_stays=options.pop("echo"),
        numbers_stay=options.pop("numbers"),
        babble=Babble(babble or "noise"),
        babble_after_s=after_s if babble else 0.0,
        stuck=Stuck(stuck) if stuck else None,
        **{name: options.pop(name) for name in same},
    )
    as_json = options.pop("as_json")

    def ready(place: dict[str, str]) -> None:
        click.echo(json.dumps(place) if as_json else "  ".join(f"{key} {value}" for key, value in place.items()))

    Bench(settings, ready=ready, report=lambda line: click.echo(line, err=True), **options).run()
