"""CLIP-IQA: both halves of CLIP against independent computations, with random weights."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModelWithProjection

from rfsr.rewards.clip_iqa import CLIP, ClipIQA, ModifiedResNet

END = 99


def small_clip() -> CLIP:
    torch.manual_seed(0)
    clip = CLIP(embed_dim=16, vision_layers=(1, 2, 1, 1), vision_width=16, side=64, vocab=100, text_width=64, text_layers=2)
    for parameter in clip.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    for name, buffer in clip.named_buffers():
        if name.endswith("running_var"):
            torch.nn.init.uniform_(buffer, 0.5, 2)
        elif name.endswith("running_mean"):
            torch.nn.init.normal_(buffer, std=0.2)
    return clip.eval()


def vision(state: dict[str, Tensor], x: Tensor, layers: tuple[int, ...]) -> Tensor:
    """The published ResNet as functions of its state dict, with PyTorch's own multi-head attention as the pool."""

    def conv_bn(x: Tensor, conv: str, bn: str, **how: int) -> Tensor:
        x = F.conv2d(x, state[f"{conv}.weight"], **how)
        mean, var = state[f"{bn}.running_mean"], state[f"{bn}.running_var"]
        return F.batch_norm(x, mean, var, state[f"{bn}.weight"], state[f"{bn}.bias"])

    x = F.relu(conv_bn(x, "conv1", "bn1", stride=2, padding=1))
    x = F.relu(conv_bn(x, "conv2", "bn2", padding=1))
    x = F.avg_pool2d(F.relu(conv_bn(x, "conv3", "bn3", padding=1)), 2)
    for layer, count in enumerate(layers, start=1):
        for index in range(count):
            at, stride = f"layer{layer}.{index}", 2 if layer > 1 and index == 0 else 1
            y = F.relu(conv_bn(x, f"{at}.conv1", f"{at}.bn1"))
            y = F.relu(conv_bn(y, f"{at}.conv2", f"{at}.bn2", padding=1))
            y = F.avg_pool2d(y, stride) if stride > 1 else y
            y = conv_bn(y, f"{at}.conv3", f"{at}.bn3")
            if f"{at}.downsample.0.weight" in state:
                pooled = F.avg_pool2d(x, stride) if stride > 1 else x
                x = conv_bn(pooled, f"{at}.downsample.0", f"{at}.downsample.1")
            x = F.relu(x + y)
    tokens = x.flatten(2).permute(2, 0, 1)
    tokens = torch.cat([tokens.mean(0, keepdim=True), tokens])
    biases = torch.cat([state[f"attnpool.{name}_proj.bias"] for name in "qkv"])
    pooled, _ = F.multi_head_attention_forward(
        query=tokens[:1], key=tokens, value=tokens, embed_dim_to_check=tokens.shape[2], num_heads=tokens.shape[2] // 64,
        in_proj_weight=None, in_proj_bias=biases, bias_k=None, bias_v=None, add_zero_attn=False, dropout_p=0,
        out_proj_weight=state["attnpool.c_proj.weight"], out_proj_bias=state["attnpool.c_proj.bias"],
        use_separate_proj_weight=True, training=False, need_weights=False,
        q_proj_weight=state["attnpool.q_proj.weight"], k_proj_weight=state["attnpool.k_proj.weight"],
        v_proj_weight=state["attnpool.v_proj.weight"],
    )  # fmt: skip
    return pooled[0]


def test_the_resnet_equals_its_layers_written_out_at_any_size() -> None:
    clip = small_clip()
    state = {name.removeprefix("visual."): value for name, value in clip.state_dict().items() if name.startswith("visual.")}
    picture = torch.randn(2, 3, 96, 64)
    theirs = vision(state, picture, (1, 2, 1, 1))
    torch.testing.assert_close(clip.visual(picture, positional=False), theirs, atol=1e-5, rtol=1e-4)


def test_the_text_half_equals_transformers() -> None:
    clip = small_clip()
    config = CLIPTextConfig(
        vocab_size=100, hidden_size=64, intermediate_size=256, num_hidden_layers=2, num_attention_heads=1,
        projection_dim=16, eos_token_id=END, hidden_act="quick_gelu",
    )  # fmt: skip
    theirs = CLIPTextModelWithProjection(config).eval()
    ours = clip.state_dict()
    state = {
        "embeddings.token_embedding.weight": ours["token_embedding.weight"],
        "embeddings.position_embedding.weight": ours["positional_embedding"],
        "final_layer_norm.weight": ours["ln_final.weight"],
        "final_layer_norm.bias": ours["ln_final.bias"],
    }
    for layer in range(2):
        at, to = f"transformer.resblocks.{layer}", f"encoder.layers.{layer}"
        for kind in ("weight", "bias"):
            parts = ours[f"{at}.attn.in_proj_{kind}"].chunk(3)
            state |= {f"{to}.self_attn.{name}_proj.{kind}": part for name, part in zip("qkv", parts, strict=True)}
            state[f"{to}.self_attn.out_proj.{kind}"] = ours[f"{at}.attn.out_proj.{kind}"]
            state |= {f"{to}.layer_norm{n}.{kind}": ours[f"{at}.ln_{n}.{kind}"] for n in (1, 2)}
            state |= {f"{to}.mlp.fc{n}.{kind}": ours[f"{at}.mlp.{name}.{kind}"] for n, name in ((1, "c_fc"), (2, "c_proj"))}
    keys = theirs.state_dict().keys()
    prefix = "text_model." if any(key.startswith("text_model.") for key in keys) else ""
    named = {prefix + name: value for name, value in state.items()} | {"text_projection.weight": ours["text_projection"].T}
    missing = theirs.load_state_dict(named, strict=False)
    assert not missing.unexpected_keys and all("position_ids" in key for key in missing.missing_keys)
    tokens = torch.zeros(2, 77, dtype=torch.long)
    tokens[0, :5], tokens[1, :3] = torch.tensor([98, 7, 8, 9, END]), torch.tensor([98, 4, END])
    with torch.no_grad():
        torch.testing.assert_close(clip.encode_text(tokens), theirs(tokens).text_embeds, atol=1e-5, rtol=1e-4)


def prompts() -> Tensor:
    tokens = torch.zeros(2, 2, 77, dtype=torch.long)
    tokens[..., 0], tokens[..., 2] = 98, END
    tokens[..., 1] = torch.tensor([[3, 4], [5, 6]])
    return tokens


def test_the_score_is_the_mean_probability_of_good_words_and_differentiable() -> None:
    clip = small_clip()
    reward = ClipIQA(clip, prompts())
    picture = torch.rand(2, 3, 64, 64, requires_grad=True)
    score = reward.score(picture, ["", ""])
    mean, std = torch.tensor([0.48145466, 0.4578275, 0.40821073]), torch.tensor([0.26862954, 0.26130258, 0.27577711])
    seen = clip.visual((picture - mean.view(3, 1, 1)) / std.view(3, 1, 1), positional=False)
    for index in range(2):
        probabilities = []
        for pair in prompts():
            words = clip.encode_text(pair)
            logits = clip.logit_scale.exp() * F.cosine_similarity(seen[index : index + 1], words)
            probabilities.append(logits.softmax(0)[0])
        assert score[index].item() == pytest.approx(torch.stack(probabilities).mean().item(), abs=1e-6)
    reward.loss(picture, ["", ""]).backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0


def test_rn50_has_the_published_size() -> None:
    with torch.device("meta"):
        clip = CLIP()
    assert sum(parameter.numel() for parameter in clip.visual.parameters()) == 38_316_896
    assert isinstance(clip.visual, ModifiedResNet)


def test_weights_load_from_a_folder(tmp_path: Path) -> None:
    save_file(small_clip().state_dict(), tmp_path / "RN50.safetensors")
    with pytest.raises(RuntimeError, match="size mismatch"):
        ClipIQA.load(tmp_path)
