"""Is somebody there? What our voice detector takes for silence, and which machines it takes for a voice.

    python benchmarks/voice_detection.py [--utterances 10] [--seed 1]

Utterances of at least half a second of active speech (`speech.py`, `human_sounds.py`) at several active levels over
several lines, each with a second and a half of the line alone behind it. *Missed* is an utterance of which less than
400 ms (or half of it, if it is shorter) is called voice: what intake takes for nobody. *Time missed* is the share of
active time (ITU-T P.56) outside what is called voice. Beside it, on the same sound: WebRTC's detector (PyPI
`webrtcvad-wheels`, if it is installed), most and least sensitive, and a plain level over a floor; all with the same
400 ms of hangover. Promised: at −40 dBm0 at most 1 % missed, of utterances and of active time; at most 5 % of a steady
sound called voice, once it is known. Exits 1 if that is missed. A howler is no steady sound; it is shown as a limit.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import human_sounds
import speech
from voice_lines import HOWLER, LINES, STEADY, Line

from decoder.samples import I16, RATE_HZ, Samples, Span, from_ms, peak_of
from decoder.voice import FRAME, HANGOVER, Voice

LEVELS_DBM0 = (-20, -30, -35, -40, -45)
PROMISED_DBM0 = -40
MISSED_PERCENT_MAX = 1.0
HELD_PERCENT_MAX = 5.0  # of a steady sound, once it should be known
SPOKEN_MAX = 6 * RATE_HZ
PAUSE = from_ms(1500)
LEAST = from_ms(400)
ACTIVE_LEAST = RATE_HZ // 2
LATER = 5 * RATE_HZ  # when what is steady should have been recognised

F64 = np.ndarray
Random = np.random.Generator


def ours(sound: Samples) -> list[Span]:
    """What our detector calls voice, fed every 20 ms."""
    voice, spans, lost = Voice(), [], list(sound.lost)
    for at in range(0, len(sound.pcm), FRAME):
        piece, here = sound.pcm[at : at + FRAME], []
        while lost and lost[0].start < at + len(piece):
            here.append(Span(max(lost[0].start, at), min(lost[0].end, at + len(piece))))
            if lost[0].end > at + len(piece):
                break
            lost.pop(0)
        spans += voice.feed(Samples(at, piece, tuple(here)))
    return spans + voice.finish()


def bridged(active: np.ndarray) -> list[Span]:
    """Active 20 ms frames as spans, with the hangover that ours has."""
    spans: list[Span] = []
    edges = np.flatnonzero(np.diff(active, prepend=False, append=False)).reshape(-1, 2) * FRAME
    for first, last in edges.tolist():
        if spans and first - spans[-1].end <= HANGOVER:
            spans[-1] = Span(spans[-1].start, last)
        else:
            spans.append(Span(first, last))
    return spans


def level_over_floor(sound: Samples) -> list[Span]:
    """The obvious detector: louder than −38 dBm0, or 5 dB over the quietest frame of three seconds."""
    frames = sound.pcm[: len(sound.pcm) // FRAME * FRAME].reshape(-1, FRAME).astype(float)
    frames -= frames.mean(axis=1, keepdims=True)
    level = 20 * np.log10(np.maximum(np.sqrt(2 * (frames**2).mean(axis=1)), 1e-3) / peak_of(0))
    for lost in sound.lost:
        level[lost.start // FRAME : -(-lost.end // FRAME)] = np.nan
    past = np.concatenate([np.full(149, np.inf), np.where(np.isnan(level), np.inf, level)])
    floor = np.lib.stride_tricks.sliding_window_view(past, 150).min(axis=1)
    return bridged((level > -38) | (level > np.maximum(-54, floor + 5)))


def peers() -> dict[str, Callable[[Samples], list[Span]]]:
    """Other detectors, by name; those that are installed."""
    found: dict[str, Callable[[Samples], list[Span]]] = {"level": level_over_floor}
    try:
        import webrtcvad
    except ImportError:
        print("webrtcvad is not installed here (pip install webrtcvad-wheels): left out")
        return found

    def webrtc(mode: int) -> Callable[[Samples], list[Span]]:
        def heard(sound: Samples) -> list[Span]:
            vad = webrtcvad.Vad(mode)
            raw = sound.pcm.astype("<i2").tobytes()
            whole = range(0, len(raw) // (2 * FRAME) * 2 * FRAME, 2 * FRAME)
            return bridged(np.array([vad.is_speech(raw[at : at + 2 * FRAME], RATE_HZ) for at in whole]))

        return heard

    version = importlib.metadata.version("webrtcvad-wheels")
    print(f"WebRTC: webrtcvad-wheels {version}")
    return {"WebRTC 0": webrtc(0), "WebRTC 3": webrtc(3), **found}


def utterances(kind: str, count: int, seed: int) -> Iterator[I16]:
    """`count` utterances of this kind, of at least half a second of active speech each."""
    random = np.random.default_rng([seed, *kind.encode()])
    made = 0
    while made < count:
        if kind in human_sounds.KINDS:
            sound = speech.at_level(human_sounds.KINDS[kind](random) * 1000, speech.LEVEL_DBM0)
        else:
            _, sound = _of_corpus(seed, kind)[int(random.integers(len(_of_corpus(seed, kind))))]
            first = int(random.integers(max(len(sound) - SPOKEN_MAX, 0) + 1))
            sound = sound[first : first + SPOKEN_MAX]
        if speech.active(sound).sum() * FRAME >= ACTIVE_LEAST:
            made += 1
            yield sound


_CORPUS: dict[str, list[tuple[str, I16]]] = defaultdict(list)
SPOKEN = ("espeak", "whisper", "flite", "festival", "prompt")


def _of_corpus(seed: int, kind: str) -> list[tuple[str, I16]]:
    if not _CORPUS:
        for name, sound in speech.corpus(1.0, seed):
            source = "whisper" if "whisper" in name else name.partition("/")[0]
            _CORPUS[source].append((name, sound))
    return _CORPUS[kind]


@dataclass
class Score:
    """What one detector missed."""

    utterances: int = 0
    missed: int = 0
    active: int = 0
    silent: int = 0

    def add(self, other: Score) -> None:
        """Count another cell's, too."""
        self.utterances += other.utterances
        self.missed += other.missed
        self.active += other.active
        self.silent += other.silent

    def __str__(self) -> str:
        return f"{100 * self.missed / self.utterances:.1f} · {100 * self.silent / self.active:.1f}"


Places = list[tuple[int, np.ndarray]]  # where each utterance begins, and which of its frames are active


def call(said: list[I16], level_dbm0: float, line: Line, random: Random) -> tuple[Samples, Places]:
    """The utterances one behind the other over the line, and where they are."""
    parts: list[F64] = [np.zeros(PAUSE)]
    places: Places = []
    at = PAUSE
    for sound in said:
        spoken = speech.at_level(sound, level_dbm0).astype(float)
        places.append((at, speech.active(sound)))
        length = -(-len(spoken) // FRAME) * FRAME
        parts += [spoken, np.zeros(length - len(spoken) + PAUSE)]
        at += length + PAUSE
    joined = np.concatenate(parts)
    return line.carry(joined, random), places


def scored(spans: list[Span], places: Places, length: int) -> Score:
    """What of the utterances lies outside of what was called voice."""
    voice = np.zeros(length, bool)
    for span in spans:
        voice[span.start : span.end] = True
    score = Score()
    for at, mask in places:
        active = np.repeat(mask, FRAME)
        heard = voice[at : at + len(active)]
        score.utterances += 1
        score.missed += int(heard.sum() < min(LEAST, active.sum() / 2))
        score.active += int(active.sum())
        score.silent += int((active & ~heard).sum())
    return score


@dataclass
class Tables:
    """Scores by what is asked for."""

    by_level: dict[int, dict[str, Score]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Score)))
    by_kind: dict[str, dict[str, Score]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Score)))
    by_line: dict[str, dict[str, Score]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Score)))
    cells: list[tuple[Score, str]] = field(default_factory=list)


def measured(detectors: dict[str, Callable[[Samples], list[Span]]], count: int, seed: int) -> Tables:
    """Every kind at every level over every line."""
    tables = Tables()
    for kind in (*SPOKEN, *human_sounds.KINDS):
        said = list(utterances(kind, count, seed))
        for number, (name, line) in enumerate(LINES.items()):
            for level in LEVELS_DBM0:
                random = np.random.default_rng([seed, number, -level])
                sound, places = call(said, level, line, random)
                for detector, hear in detectors.items():
                    score = scored(hear(sound), places, len(sound.pcm))
                    tables.by_level[level][detector].add(score)
                    if level == PROMISED_DBM0:
                        tables.by_kind[kind][detector].add(score)
                        tables.by_line[name][detector].add(score)
                        if detector == "ours":
                            tables.cells.append((score, f"{kind} over {name}"))
    return tables


def told(title: str, table: dict, detectors: list[str]) -> None:
    """Print one table."""
    print(f"\n### {title}\n\n| | {' | '.join(detectors)} |\n|---|{'---|' * len(detectors)}")
    for row, scores in table.items():
        print(f"| {row} | {' | '.join(str(scores[name]) for name in detectors)} |")


def steady(detectors: dict[str, Callable[[Samples], list[Span]]], seconds: int, seed: int) -> float:
    """Print what share of a steady sound is called voice; return our worst, once it is known."""
    print(f"\n### Steady sounds of {seconds} s: % called voice in the first 5 s · afterwards\n")
    print(f"| | {' | '.join(detectors)} |\n|---|{'---|' * len(detectors)}")
    worst = 0.0
    for number, (name, line) in enumerate(STEADY.items()):
        random = np.random.default_rng([seed, number])
        length = seconds * RATE_HZ
        sound = line.carry(np.zeros(length), random)
        shares = []
        for detector, hear in detectors.items():
            voice = np.zeros(length, bool)
            for span in hear(sound):
                voice[span.start : span.end] = True
            first, later = 100 * voice[:LATER].mean(), 100 * voice[LATER:].mean()
            shares.append(f"{first:.1f} · {later:.2f}")
            if detector == "ours" and name != HOWLER:
                worst = max(worst, later)
        print(f"| {name} | {' | '.join(shares)} |", flush=True)
    return worst


def cost(seed: int) -> None:
    """Print what a live line costs."""
    sound = np.concatenate([sound for _, sound in speech.shelf(0, seed)])[: 60 * RATE_HZ]
    spent = []
    for _ in range(5):
        voice, begun = Voice(), time.process_time()
        for at in range(0, len(sound), FRAME):
            voice.feed(Samples(at, sound[at : at + FRAME]))
        spent.append(100 * (time.process_time() - begun) * RATE_HZ / len(sound))
    told = f"{min(spent):.2f} to {max(spent):.2f} % of a core, median {float(np.median(spent)):.2f}"
    print(f"\nCPU of a live line on which somebody speaks, fed every 20 ms: {told}")


def main() -> int:
    """Print all tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--utterances", type=int, default=10, help="of each kind, at each level, over each line")
    options.add_argument("--seconds", type=int, default=120, help="of each steady sound")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    detectors = {"ours": ours, **peers()}
    print(f"{chosen.utterances} utterances of a kind, seed {chosen.seed}; % of utterances missed · % of active time")
    tables = measured(detectors, chosen.utterances, chosen.seed)
    names = list(detectors)
    told("By active level, dBm0", tables.by_level, names)
    told(f"By kind, at {PROMISED_DBM0} dBm0", tables.by_kind, names)
    told(f"By line, at {PROMISED_DBM0} dBm0", tables.by_line, names)
    print("\nOur worst cells:")
    for score, where in sorted(tables.cells, key=lambda cell: -cell[0].silent / cell[0].active)[:8]:
        print(f"  {where}: {score}")
    held = steady(detectors, chosen.seconds, chosen.seed)
    cost(chosen.seed)
    missed = tables.by_level[PROMISED_DBM0]["ours"]
    share = max(missed.missed / missed.utterances, missed.silent / missed.active)
    return int(100 * share > MISSED_PERCENT_MAX or held > HELD_PERCENT_MAX)


if __name__ == "__main__":
    raise SystemExit(main())
