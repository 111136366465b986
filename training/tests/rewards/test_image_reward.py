"""ImageReward: BLIP's two halves against transformers, the head and the whole against plain formulas, with random weights."""

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, BlipVisionConfig
from transformers.models.blip.modeling_blip import BlipVisionModel

from rfsr.rewards.image_reward import ImageReward, RewardHead, VisionTransformer, centre_square, text_config

SMALL = {
    "vocab_size": 20, "hidden_size": 32, "encoder_hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 40,
}  # fmt: skip


def tokenizer() -> Tokenizer:
    words = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "a", "bird", "tree"]
    found = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    return found


def small_reward() -> ImageReward:
    torch.manual_seed(0)
    reward = ImageReward(VisionTransformer(width=48, depth=2, heads=3), text_config(**SMALL), tokenizer())
    for parameter in reward.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return reward.eval().requires_grad_(False)


def test_the_picture_encoder_equals_transformers() -> None:
    ours = small_reward().blip.visual_encoder
    config = BlipVisionConfig(
        hidden_size=48, intermediate_size=192, num_hidden_layers=2, num_attention_heads=3, image_size=224,
        patch_size=16, layer_norm_eps=1e-6,
    )  # fmt: skip
    theirs = BlipVisionModel(config).eval()
    names = {
        "cls_token": "embeddings.class_embedding", "pos_embed": "embeddings.position_embedding",
        "patch_embed.proj.": "embeddings.patch_embedding.", "blocks.": "encoder.layers.", "norm1": "layer_norm1",
        "norm2": "layer_norm2", "attn.": "self_attn.", "proj.": "projection.",
    }  # fmt: skip
    state = {}
    for name, value in ours.state_dict().items():
        for mine, other in names.items():
            if mine != "proj." or "attn" in name:
                name = name.replace(mine, other)
        state[name.replace("norm.", "post_layernorm.") if name.startswith("norm.") else name] = value
    theirs.load_state_dict(state)
    picture = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(picture), theirs(picture).last_hidden_state, atol=1e-5, rtol=1e-4)


def test_the_text_half_equals_bert_with_cross_attention() -> None:
    ours = small_reward().blip.text_encoder
    config = BertConfig(
        vocab_size=20, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=40, is_decoder=True, add_cross_attention=True, attn_implementation="eager",
    )  # fmt: skip
    theirs = BertModel(config, add_pooling_layer=False).eval()
    for layer in theirs.encoder.layer:
        # keys and values come from pictures, which are wider
        layer.crossattention.self.key = torch.nn.Linear(48, 32)
        layer.crossattention.self.value = torch.nn.Linear(48, 32)
    theirs.load_state_dict(ours.state_dict(), strict=False)
    theirs.embeddings.token_type_embeddings.weight.data.zero_()
    ids, mask = torch.tensor([[1, 4, 5, 2, 0]]), torch.tensor([[1, 1, 1, 1, 0]])
    seen = torch.randn(1, 7, 48)
    # bidirectional: a 3-D mask replaces the causal one of a decoder
    whole = mask[:, None, None, :].expand(1, 1, 5, 5).bool()
    blocked = torch.zeros(1, 1, 5, 5).masked_fill(~whole, torch.finfo(torch.float32).min)
    with torch.no_grad():
        mine = ours(input_ids=ids, attention_mask=mask, encoder_hidden_states=seen, is_decoder=False).last_hidden_state
        other = theirs(input_ids=ids, attention_mask=blocked, encoder_hidden_states=seen).last_hidden_state
    torch.testing.assert_close(mine[:, :4], other[:, :4], atol=1e-5, rtol=1e-4)


def test_the_score_is_the_standardised_head_of_the_first_word_and_differentiable() -> None:
    reward = small_reward()
    picture = torch.rand(2, 3, 256, 320, requires_grad=True)
    texts = ["a bird", "a tree"]
    score = reward.score(picture, texts)
    seen = reward.blip.visual_encoder((centre_square(picture) - reward.mean) / reward.std)
    for index, words in enumerate(([1, 4, 5, 2], [1, 4, 6, 2])):
        # padding is masked, so the unpadded sentence reads the same
        state = reward.blip.text_encoder(
            input_ids=torch.tensor([words]), attention_mask=torch.ones(1, 4, dtype=torch.long),
            encoder_hidden_states=seen[index : index + 1], is_decoder=False,
        ).last_hidden_state  # fmt: skip
        x = state[:, 0]
        for layer in reward.mlp.layers:
            if isinstance(layer, torch.nn.Linear):
                x = x @ layer.weight.T + layer.bias
        assert score[index].item() == pytest.approx((x.item() - 0.16717362830052426) / 1.0333394966054072, abs=1e-4)
    reward.loss(picture, texts).backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0


def test_the_head_has_the_published_names() -> None:
    assert [name for name in RewardHead(768).state_dict() if "weight" in name] == [
        f"layers.{index}.weight" for index in (0, 2, 4, 6, 7)
    ]


def test_pictures_are_cut_to_their_middle_square() -> None:
    picture = torch.zeros(1, 3, 448, 896)
    picture[..., 224:672] = 1
    assert centre_square(picture).shape == (1, 3, 224, 224)
    assert centre_square(picture)[..., 2:-2].min() > 0.99
