"""One target under atheris (libFuzzer): `python -m benchmarks.fuzz.guided TARGET -max_total_time=60`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["decoder", "drivers"]):
    from benchmarks.fuzz.seeds import ROOT, WORDS, seeds
    from benchmarks.fuzz.targets import TARGETS


def main() -> None:
    """Begin with our own seeds; keep what is worth it, and what fails, under build/fuzz."""
    target = TARGETS[sys.argv[1]]
    corpus = ROOT / "build" / "fuzz" / "corpus" / target.name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(target.kind)):
        (corpus / f"seed-{number}").write_bytes(data)
    words = corpus.with_name(f"{target.name}.words")
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS.get(target.kind, ())))
    options = ["-max_len=65536", "-timeout=60", "-rss_limit_mb=2048", f"-dict={words}"]
    options.append(f"-artifact_prefix={corpus.parent.parent / target.name}-")
    atheris.Setup([sys.argv[0], *options, *sys.argv[2:], str(corpus)], target.run)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{octet:02x}" for octet in word[:128])


if __name__ == "__main__":
    main()
