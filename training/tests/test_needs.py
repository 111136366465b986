"""Counts of a full-width fine-tuning step: shapes and gradients hold, and parts add up."""

from functools import cache

import pytest

from rfsr.finetune import needs

count = cache(needs.count)
"""A pass at full width takes seconds."""


@pytest.mark.parametrize(("family", "trained"), [("seesr", 1608), ("diffbir", 1229), ("pasd", 1469)])
def test_a_full_width_step_gives_every_trained_weight_a_gradient(family: str, trained: float) -> None:
    # count() raises where a weight has none
    found = count(family, "full", side=128, batch=1, checkpointing=False)
    assert found.trained == pytest.approx(trained, abs=10)
    assert found.optimizer == pytest.approx(2 * found.gradients)


def test_activations_grow_with_the_batch_and_shrink_with_checkpointing() -> None:
    one, two = (count("seesr", "full", side=128, batch=batch, checkpointing=False) for batch in (1, 2))
    less = count("seesr", "full", side=128, batch=1, checkpointing=True)
    assert two.activations == pytest.approx(2 * one.activations, rel=0.05)
    assert less.activations < 0.8 * one.activations


def test_moments_of_a_byte_take_a_quarter() -> None:
    whole = count("seesr", "full", side=128, batch=1, checkpointing=True)
    eighths = count("seesr", "full", side=128, batch=1, checkpointing=True, optimizer="adamw8bit")
    assert eighths.optimizer == pytest.approx(whole.optimizer / 4) and eighths.weights == whole.weights
