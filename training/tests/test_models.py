"""The networks: published sizes at full width, and the algebra the mini ones are built on."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rfsr.convert.synthesize import random_network
from rfsr.families import FAMILIES
from rfsr.models import diffbir, pasd, seesr
from rfsr.models.blocks import UNetConfig
from rfsr.models.denoiser import Denoiser
from rfsr.models.published import SIZES
from rfsr.models.seesr import CONFIGS
from rfsr.models.tagger import DapeConfig, DapeTagger, MiniTagger, TaggerConfig
from rfsr.models.text import TextConfig, TextEncoder
from rfsr.models.unet import ControlledUNet
from rfsr.models.vae import LeanAutoencoder, LeanConfig, StockAutoencoder
from rfsr.models.vocabulary import NEGATIVE_PROMPT, build_tokenizer, token_ids

ALGEBRA_TOLERANCE = 1e-5
"""Values near one in float32, a handful of operations."""
PCA_TOLERANCE = 0.02
"""Of pictures in -1…1: a fresh correction has weights of 1e-3, not zero."""


def millions(module: nn.Module) -> float:
    return sum(parameter.numel() for parameter in module.parameters()) / 1e6


def test_full_autoencoder_text_encoder_and_tagger_have_the_published_sizes() -> None:
    with torch.device("meta"):
        assert millions(StockAutoencoder(SIZES["full"].vae)) == pytest.approx(83.65, abs=0.01)
        assert millions(TextEncoder(SIZES["full"].text["sd2"])) == pytest.approx(340.39, abs=0.01)
        assert millions(TextEncoder(SIZES["full"].text["sd1"])) == pytest.approx(123.06, abs=0.01)
        assert millions(DapeTagger(SIZES["full"].tagger)) == pytest.approx(212.1, abs=0.05)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_mini_denoisers_stay_within_their_budget(family: str) -> None:
    with torch.device("meta"):
        assert 2.0 < millions(Denoiser(FAMILIES[family].configs["mini"])) <= 3.2


def test_families_differ_in_what_their_denoiser_reads() -> None:
    with torch.device("meta"):
        reads = {name: Denoiser(config).reads for name, config in (
            ("seesr", seesr.FULL), ("diffbir", diffbir.FULL), ("pasd", pasd.FULL), ("pasd mini", pasd.CONFIGS["mini"]),
        )}  # fmt: skip
    assert reads == {
        "seesr": ("condition_embedding", "image_embeds"),
        "diffbir": ("condition_latent",),
        "pasd": ("condition_embedding",),
        "pasd mini": ("condition_embedding", "condition_latent"),
    }


def inputs(batch: int = 2, height: int = 4, width: int = 8) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    unet = CONFIGS["nano"].unet

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    return {
        "sample": draw(batch, 16, height, width),
        "context": draw(batch, 5, unet.text_dim),
        "condition_embedding": draw(batch, unet.block_out_channels[0], height, width),
        "image_embeds": draw(batch, 4, unet.image_dim),
        "condition_latent": draw(batch, 16, height, width),
    }


def nano_denoiser() -> Denoiser:
    torch.manual_seed(0)
    denoiser = Denoiser(CONFIGS["nano"]).eval()
    denoiser.residual_std.copy_(torch.linspace(0.2, 0.9, 16))
    return denoiser


@torch.no_grad()
def test_the_regression_target_is_what_the_wrapper_turns_back_into_the_noise() -> None:
    denoiser, given = nano_denoiser(), inputs(batch=3)
    timestep = torch.tensor([1.0, 500.0, 999.0])
    eps = torch.randn(given["sample"].shape, generator=torch.Generator().manual_seed(1))
    sample, condition = given["sample"], given["condition_latent"]
    target = denoiser.target(sample, timestep, condition, eps)
    scaled, skip_gain, out_gain = denoiser.precondition(sample, timestep, condition)
    assert torch.allclose(skip_gain * scaled + out_gain * target, eps, atol=ALGEBRA_TOLERANCE)


@torch.no_grad()
@pytest.mark.parametrize("timestep", [1, 300, 999])
def test_networks_see_and_learn_values_of_unit_variance(timestep: int) -> None:
    denoiser, generator = nano_denoiser(), torch.Generator().manual_seed(2)
    shape, times = (64, 16, 16, 16), torch.full((64,), float(timestep))
    condition, difference, eps = (torch.randn(shape, generator=generator) for _ in range(3))
    clean = condition + difference * denoiser.residual_std[:, None, None]
    abar = denoiser.alphas[timestep]
    sample = abar.sqrt() * clean + (1 - abar).sqrt() * eps
    scaled, _, _ = denoiser.precondition(sample, times, condition)
    target = denoiser.target(sample, times, condition, eps)
    # 16,384 draws a channel: the deviation of their standard deviation is 0.6 %
    assert scaled.std(dim=(0, 2, 3)) == pytest.approx(torch.ones(16), abs=0.03)
    assert target.std(dim=(0, 2, 3)) == pytest.approx(torch.ones(16), abs=0.03)


@torch.no_grad()
def test_a_sample_of_a_batch_gets_what_it_gets_alone() -> None:
    denoiser, given = nano_denoiser(), inputs()
    both = denoiser(timestep=torch.tensor([21.0, 981.0]), **given)
    second = {name: value[1:] for name, value in given.items()}
    alone = denoiser(timestep=torch.tensor([981.0]), **second)
    assert both.shape == given["sample"].shape
    assert torch.allclose(both[1:], alone, atol=ALGEBRA_TOLERANCE)


@torch.no_grad()
def test_a_fresh_control_net_is_silent_until_its_zero_convolutions_learn() -> None:
    denoiser, given = nano_denoiser(), inputs()
    times = torch.tensor([500.0, 500.0])
    before = denoiser(timestep=times, **given)
    changed = {**given, "condition_embedding": 1 - given["condition_embedding"]}
    assert torch.equal(before, denoiser(timestep=times, **changed))
    nn.init.normal_(denoiser.controlnet.controlnet_mid_block.weight)
    assert not torch.allclose(denoiser(timestep=times, **given), denoiser(timestep=times, **changed))


@torch.no_grad()
def test_the_condition_embedding_has_the_latents_cells_and_starts_at_zero() -> None:
    denoiser = nano_denoiser()
    embedding = denoiser.embed_condition(torch.rand(2, 3, 32, 64))
    assert embedding.shape == (2, CONFIGS["nano"].unet.block_out_channels[0], 4, 8)
    assert not embedding.any()


@torch.no_grad()
def test_pixel_attention_starts_without_effect_and_then_reads_the_residual_of_its_skip() -> None:
    torch.manual_seed(0)
    denoiser, plain = (Denoiser(family.CONFIGS["nano"]).eval() for family in (pasd, diffbir))
    kept = {name: value for name, value in denoiser.state_dict().items() if name in plain.state_dict()}
    plain.load_state_dict(kept)
    given = {name: value for name, value in inputs().items() if name in ("sample", "context", "condition_latent")}
    times, embedding = torch.tensor([500.0, 500.0]), torch.zeros(2, 16, 4, 8)
    assert torch.allclose(denoiser(timestep=times, condition_embedding=embedding, **given), plain(timestep=times, **given))
    block = denoiser.unet.up_blocks[0]
    nn.init.normal_(block.pixel_attentions[0].proj_out.weight)
    x, time, text = torch.randn(1, 16, 2, 4), torch.randn(1, 32), torch.randn(1, 5, 16)
    skips = [torch.randn(1, block.resnets[i].in_channels - 16, 2, 4) for i in (1, 0)]
    still = [torch.zeros_like(skip) for skip in skips]
    # moved from skip to residual, the sum is the same: only pixel attention can tell
    moved = block(x, still, skips, torch.Size([4, 8]), time, text, None)
    assert not torch.allclose(moved, block(x, skips, still, torch.Size([4, 8]), time, text, None))
    assert not hasattr(denoiser.unet.up_blocks[1], "pixel_attentions")


def test_a_residual_denoiser_refuses_to_run_without_the_latent_of_the_input() -> None:
    given = inputs()
    del given["condition_latent"]
    with pytest.raises(ValueError, match="expected condition_latent"):
        nano_denoiser()(timestep=torch.tensor([1.0, 1.0]), **given)


def lean_autoencoder() -> LeanAutoencoder:
    torch.manual_seed(0)
    return LeanAutoencoder(LeanConfig(encoder_channels=(8, 16), decoder_channels=(16, 8, 8))).eval()


@torch.no_grad()
def test_a_fresh_lean_autoencoder_is_the_projection_on_principal_components() -> None:
    vae = lean_autoencoder()
    ramps = torch.linspace(-1, 1, 64)
    picture = torch.stack([ramps[:, None] * ramps, ramps[:, None].expand(64, 64), ramps.expand(64, 64)])[None]
    vae.fit_pca(picture)
    mean, std = vae.encode_moments(picture)
    assert mean.shape == std.shape == (1, 16, 8, 8)
    linear = vae.decode_linear(mean)
    # patches of smooth ramps lie in a few dimensions: 16 components hold them whole
    assert torch.allclose(linear, picture, atol=PCA_TOLERANCE)
    assert torch.allclose(vae.decode_latent(mean), linear, atol=PCA_TOLERANCE)


@torch.no_grad()
def test_decoding_part_of_a_latent_changes_nothing_away_from_the_cut() -> None:
    vae = lean_autoencoder()
    for parameter in vae.parameters():
        nn.init.normal_(parameter, std=0.1)
    latent = torch.randn(1, 16, 32, 8, generator=torch.Generator().manual_seed(3))
    whole, part = vae.decode_latent(latent), vae.decode_latent(latent[:, :, :24])
    # the convolutions reach 9¼ cells of 8 pixels: 6 at 1/8 of the side, 5 steps at 1/4, 3 at 1/2
    kept = (24 - 10) * 8
    assert torch.allclose(whole[:, :, :kept], part[:, :, :kept], rtol=1e-4, atol=ALGEBRA_TOLERANCE)
    assert not torch.allclose(whole[:, :, kept : 24 * 8], part[:, :, kept:], rtol=1e-4, atol=ALGEBRA_TOLERANCE)


@torch.no_grad()
def test_the_tagger_gives_the_mean_token_first_and_then_the_grid_row_by_row() -> None:
    torch.manual_seed(0)
    tagger = MiniTagger(TaggerConfig(side=64, channels=(8, 8, 8), embed_dim=8, tags=5)).eval()
    image = torch.randn(2, 3, 64, 64)
    features = tagger.features(image)
    embeds, logits = tagger(image)
    assert embeds.shape == (2, 17, 8) and logits.shape == (2, 5)
    wanted = tagger.norm(tagger.image_proj(torch.stack([features.mean(dim=(2, 3)), features[:, :, 1, 2]], dim=1)))
    assert torch.allclose(embeds[:, [0, 1 + 4 + 2]], wanted, atol=ALGEBRA_TOLERANCE)


@torch.no_grad()
def test_dape_gives_the_mean_token_first_and_reads_its_tags_from_all_tokens() -> None:
    torch.manual_seed(0)
    sizes = DapeConfig(
        side=64, swin_dim=8, heads=(1, 1, 2, 4), depths=(1, 1, 1, 1), window=2, embed_dim=12, tags=5, query_dim=16
    )
    tagger = DapeTagger(sizes).eval()
    torch.nn.init.normal_(tagger.label_embed)
    embeds, logits = tagger(torch.randn(2, 3, 64, 64))
    assert embeds.shape == (2, 1 + 2 * 2, 12) and logits.shape == (2, 5)
    assert torch.allclose(embeds[:, 0], embeds[:, 1:].mean(dim=1), atol=ALGEBRA_TOLERANCE)
    queries = tagger.wordvec_proj(tagger.label_embed).relu().expand(2, -1, -1)
    changed = embeds.clone()
    changed[:, 3] += 1
    assert not torch.allclose(tagger.tagging_head[0](queries, embeds), tagger.tagging_head[0](queries, changed), atol=1e-3)


@torch.no_grad()
def test_the_text_encoder_reads_the_order_of_words() -> None:
    torch.manual_seed(0)
    encoder = TextEncoder(TextConfig(30, width=16)).eval()
    context = encoder(torch.tensor([[2, 7, 8, 3], [2, 8, 7, 3]]))
    assert context.shape == (2, 4, 16)
    assert not torch.allclose(context[0, -1], context[1, -1])


def test_known_words_survive_the_tokenizer_and_unknown_ones_are_marked() -> None:
    tokenizer = build_tokenizer(["bird", "guitar"])
    ids = tokenizer.encode("Bird, GUITAR, qwertz, 8k").ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == "<|startoftext|> bird , guitar , <|unk|> , 8k <|endoftext|>"
    assert "<|unk|>" not in tokenizer.encode(NEGATIVE_PROMPT).tokens


def test_ids_are_padded_with_zero_and_cut_before_the_end_token() -> None:
    tokenizer = build_tokenizer(["bird"])
    short, long = token_ids(tokenizer, "bird"), token_ids(tokenizer, "bird " * 100)
    assert len(short) == len(long) == 77
    assert short[3:] == [0] * 74 and short[2] == long[-1] and len(set(long[1:-1])) == 1


ORDERED = UNetConfig(
    block_out_channels=(8, 16), attention_levels=(True, True), heads=(2, 2), layers_per_block=1, time_embed_dim=32, text_dim=6,
    image_dim=5, pixel_levels=(True, True), norm_groups=4, condition_channels=(2, 2, 4, 4),
)  # fmt: skip


@torch.no_grad()
def test_after_a_resnet_come_text_image_and_the_residuals_cells_in_this_order() -> None:
    """SeeSR's unet_2d_blocks.py and PASD's, written out; skips are what stands after the last."""
    unet = random_network(lambda: ControlledUNet(ORDERED), seed=0).eval()
    generator = torch.Generator().manual_seed(1)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    x, time, text, image = draw(2, 8, 4, 8), draw(2, 32), draw(2, 3, 6), draw(2, 7, 5)

    def attended(block: nn.Module, x: Tensor) -> Tensor:
        x = block.attentions[0](x, encoder_hidden_states=text).sample
        return block.image_attentions[0](x, encoder_hidden_states=image).sample

    down = unet.down_blocks[0]
    first = attended(down, down.resnets[0](x, time))
    skips = down(x, time, text, image)
    assert torch.equal(skips[0], first) and torch.equal(skips[1], down.downsamplers[0](first))
    middle, deep = unet.mid_block, draw(2, 16, 2, 4)
    expected = middle.resnets[1](attended(middle, middle.resnets[0](deep, time)), time)
    assert torch.equal(middle(deep, time, text, image), expected)
    up = unet.up_blocks[0]
    own, residuals = [draw(2, 8, 2, 4), draw(2, 16, 2, 4)], [draw(2, 8, 2, 4), draw(2, 16, 2, 4)]
    expected = deep
    for index, which in enumerate((1, 0)):
        expected = up.resnets[index](torch.cat([expected, own[which] + residuals[which]], 1), time)
        expected = up.attentions[index](expected, encoder_hidden_states=text).sample
        expected = up.image_attentions[index](expected, encoder_hidden_states=image).sample
        cells = residuals[which].permute(0, 2, 3, 1).reshape(2, 8, -1)
        expected = up.pixel_attentions[index](expected, encoder_hidden_states=cells).sample
    expected = up.upsamplers[0](expected, output_size=(4, 8))
    assert torch.equal(up(deep, own, residuals, torch.Size([4, 8]), time, text, image), expected)


def test_the_timesteps_embedding_has_cosines_before_sines() -> None:
    """As Stable Diffusion's: cos(t · 10000^(-i/half)), then sin of the same."""
    unet = ControlledUNet(ORDERED)
    times = torch.tensor([1.0, 501.0, 999.0], dtype=torch.float64)
    angles = times[:, None] * 10000.0 ** -(torch.arange(4, dtype=torch.float64) / 4)
    expected = torch.cat([angles.cos(), angles.sin()], dim=1)
    # single precision keeps an angle near a thousand to 6e-5
    torch.testing.assert_close(unet.time_proj(times.float()).double(), expected, atol=1e-4, rtol=0)


def test_sd_1s_text_encoder_has_the_quick_gelu_and_sd_2s_the_exact_one() -> None:
    x = torch.linspace(-4, 4, 33)
    for base, expected in (("sd1", x * torch.sigmoid(1.702 * x)), ("sd2", F.gelu(x))):
        mlp = TextEncoder(SIZES["toy"].text[base]).clip.encoder.layers[0].mlp
        assert torch.equal(mlp.activation_fn(x), expected)
        assert SIZES["full"].text[base].activation == SIZES["toy"].text[base].activation


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_a_sixteenth_of_the_published_width_keeps_activations_sane(family: str) -> None:
    """All layers there are, of random values as `rfsr synthesize` makes them."""
    denoiser = random_network(lambda: Denoiser(FAMILIES[family].configs["sixteenth"]), seed=0).eval()
    unet, generator = denoiser.config.unet, torch.Generator().manual_seed(1)
    sample, picture = torch.randn(1, 4, 8, 8, generator=generator), torch.rand(1, 3, 64, 64, generator=generator)
    image = None if unet.image_dim is None else torch.randn(1, 5, unet.image_dim, generator=generator)
    conditions = denoiser.conditions(picture=picture, image_embeds=image, condition_latent=sample)
    context = torch.randn(1, 7, unet.text_dim, generator=generator)
    assert 0.05 < denoiser(sample, torch.tensor([500.0]), context, **conditions).std() < 20
