"""The passes over many windows against what they say, window by window."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import dtmf, goertzel
from decoder.dtmf import BLOCK, ECHO_DB, ECHO_HOPS, PAIR, Windows

windows_on_lines = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(0, 1), st.sampled_from([1.0, 2.0, 4.0, 100.0])),
    max_size=60,
    unique_by=lambda window: window[:2],
).map(sorted)


@given(windows_on_lines)
def test_an_echo_is_much_quieter_than_its_key_just_before(chosen: list[tuple[int, int, int, float]]) -> None:
    line, hop, key, pair = np.array(chosen, np.float64).reshape(-1, 4).T
    seen = np.zeros((16, len(chosen)), np.float32)
    seen[PAIR] = pair
    windows = Windows(np.stack([line, hop, hop, key]).astype(np.int64), seen)
    expected = [
        not any(
            (line, key) == (other_line, other_key)
            and 0 < hop - other_hop <= ECHO_HOPS
            and pair <= 10 ** (ECHO_DB / 10) * louder
            for other_line, other_hop, other_key, louder in chosen
        )
        for line, hop, key, pair in chosen
    ]
    assert dtmf.without_echo(windows).tolist() == expected


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1_200), st.integers(0, 99))
def test_a_gate_says_of_many_blocks_what_it_says_of_each(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    tones = 3_000 * np.sin(2 * np.pi / 8_000 * np.outer([770.0, 1336.0], np.arange(BLOCK))).sum(axis=0)
    sound = random.normal(0, 10 ** random.uniform(0, 3, (size, 1)), (size, BLOCK))
    sound += tones * (random.random((size, 1)) < 0.2)
    blocks, gate = np.rint(sound).clip(-32_768, 32_767).astype(np.int16), dtmf.Gate()
    each = [at for at in range(size) if len(gate.hits(blocks[at : at + 1]))]
    assert gate.hits(blocks).tolist() == each


def test_products_in_pieces_are_products() -> None:
    frames = np.random.default_rng(1).normal(0, 1, (2_500, BLOCK)).astype(np.float32)
    basis = np.ascontiguousarray(goertzel.basis((697.0, 1209.0), BLOCK).T)
    out = np.empty((2_500, 4), np.float32)
    assert np.allclose(goertzel.products(frames, basis, out), frames @ basis, atol=1e-4)
