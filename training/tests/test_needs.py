"""Counts of a full-width fine-tuning step: shapes and gradients hold, and parts add up."""

import pytest

from rfsr.finetune.needs import count


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_full_width_step_gives_every_trained_weight_a_gradient(checkpointing: bool) -> None:
    # count() raises where a weight has none
    needs = count("full", side=128, batch=1, checkpointing=checkpointing)
    assert needs.trained == pytest.approx(1608, abs=10)
    assert needs.optimizer == pytest.approx(2 * needs.gradients)


def test_activations_grow_with_the_batch_and_shrink_with_checkpointing() -> None:
    one, two = (count("full", side=128, batch=batch, checkpointing=False) for batch in (1, 2))
    less = count("full", side=128, batch=1, checkpointing=True)
    assert two.activations == pytest.approx(2 * one.activations, rel=0.05)
    assert less.activations < 0.8 * one.activations
