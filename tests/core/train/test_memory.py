"""Precision, memory and means: what they change, and what they must not."""

import dataclasses

import numpy as np
import pytest
import torch
from tests.core.train.test_step import batch, stepper
from tests.support.training import TINY
from torch import Tensor, nn

from faceplate.errors import BadSettings
from faceplate.models.amp import AMP, AMPConfig
from faceplate.models.device import pick_precision
from faceplate.models.df import DF
from faceplate.train.average import Average
from faceplate.train.loader import Batch, SideBatch
from faceplate.train.memory import checkpoint_blocks
from faceplate.train.mover import Mover
from faceplate.train.presets import TrainSettings
from faceplate.train.step import Stepper


def four(step: int = 0, size: int = 32) -> Batch:
    rng = np.random.default_rng(step)

    def side() -> SideBatch:
        image = rng.random((4, size, size, 3), dtype=np.float32)
        return SideBatch(image, image, np.ones((4, size, size, 2), np.float32))

    return Batch(step, (side(), side()))


def weights_after(**changes: object) -> tuple[list[float], dict[str, Tensor]]:
    step = stepper(batch=4, learning_rate=1e-3, **changes)
    losses = [step(four(number)) for number in range(3)]
    return [x for each in losses for x in (*each.sides, *each.parts.values())], step.weights()


@pytest.mark.parametrize("extra", [{}, {"gan_power": 0.3, "gan_patch_size": 7, "gan_dims": 4}])
def test_parts_of_a_batch_add_up_to_the_whole(extra: dict[str, float]) -> None:
    # Plain gradient steps would be nearer still; Adam's first step is a sign, which rounding turns.
    one, whole = weights_after(optimizer="rmsprop", **extra)
    parts, pieces = weights_after(optimizer="rmsprop", gradient_accumulation=2, **extra)
    assert parts == pytest.approx(one, rel=2e-4)
    for name, value in whole.items():
        torch.testing.assert_close(pieces[name], value, rtol=2e-3, atol=2e-4)


def test_the_gradient_of_a_cut_batch_is_the_whole_ones() -> None:
    grads = []
    for count in (1, 4):
        step = stepper(batch=4, gradient_accumulation=count)
        sides = step.sides(four())
        for number in range(count):
            size = 4 // count
            chosen = slice(number * size, (number + 1) * size)
            part = [
                type(side)(side.image[chosen], type(side.target)(*(t[chosen] for t in side.target)))
                for side in sides
            ]
            (step.losses(part, step.rng(0)).total / count).backward()
        grads.append({name: p.grad for name, p in step.net.named_parameters()})
    for name, grad in grads[0].items():
        torch.testing.assert_close(grads[1][name], grad, rtol=1e-3, atol=1e-6)


def test_a_batch_that_cannot_be_cut_is_refused() -> None:
    with pytest.raises(BadSettings, match="a divisor of the batch of 4"):
        TrainSettings(batch=4, gradient_accumulation=3)


def test_checkpointing_changes_no_bit_of_losses_and_gradients() -> None:
    results = []
    for wanted in (False, True):
        step = stepper(checkpointing=wanted)
        losses = step.losses(step.sides(batch()), step.rng(0))
        losses.total.backward()
        results.append((losses.total, [p.grad for p in step.net.parameters()]))
    assert torch.equal(results[0][0], results[1][0])
    assert all(torch.equal(a, b) for a, b in zip(results[0][1], results[1][1], strict=True))


def kept_bytes(checkpointed: bool) -> int:
    net = DF(dataclasses.replace(TINY, resolution=64), seed=1)
    if checkpointed:
        assert checkpoint_blocks(net) > 10
    weights = {p.data_ptr() for p in net.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        passed = net.train_pass([torch.rand(2, 3, 64, 64)] * 2)
    assert passed.decoded[0].image.requires_grad
    return sum(kept.values())


def test_checkpointing_keeps_less_for_the_gradient() -> None:
    assert kept_bytes(True) < 0.6 * kept_bytes(False)


def test_the_mean_follows_the_weights_with_its_decay() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    mean = Average(net, 0.75)
    expected = 0.0
    for step, value in enumerate((1.0, 3.0, -2.0)):
        nn.init.constant_(net.weight, value)
        mean.follow(100 + step)
        expected = 0.75 * expected + 0.25 * value
    assert mean.weights()["weight"].item() == pytest.approx(expected)


def test_early_weights_are_forgotten_sooner() -> None:
    net = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(net.weight)
    mean = Average(net, 0.999)
    nn.init.ones_(net.weight)
    mean.follow(0)
    assert mean.weights()["weight"].item() == pytest.approx(0.9)


def test_the_mean_is_what_is_saved_and_predicts_while_the_weights_are_what_learns() -> None:
    step = stepper(ema_decay=0.9)
    for number in range(3):
        step(batch(number))
    saved, trained = step.weights(), dict(step.net.named_parameters())
    name = "inter.dense1.weight"
    assert not torch.equal(saved[name], trained[name])
    mean, raw = saved[name].clone(), trained[name].detach().clone()
    with step.predicting():
        assert torch.equal(step.net.get_parameter(name), mean)
    assert torch.equal(step.net.get_parameter(name), raw)
    assert torch.equal(step.training_tensors()[f"raw/{name}"], raw)
    assert not any(key.startswith("raw/") for key in stepper().training_tensors())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_training_with_mean_and_scale_goes_on_bit_for_bit(dtype: torch.dtype) -> None:
    whole = stepper(dtype, ema_decay=0.9)
    whole(batch(0))
    weights = {name: value.clone() for name, value in whole.weights().items()}
    training = {name: value.clone() for name, value in whole.training_tensors().items()}
    resumed = stepper(dtype, ema_decay=0.9)
    resumed.restore(weights, training, "save")
    for number in (1, 2):
        assert whole(batch(number, seed=number)) == resumed(batch(number, seed=number))
    for ours, theirs in ((whole.weights(), resumed.weights()),):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    for name, value in whole.training_tensors().items():
        assert torch.equal(value, resumed.training_tensors()[name]), name


def test_without_the_mean_a_training_goes_on_from_the_weights_that_learnt() -> None:
    whole = stepper(ema_decay=0.9)
    for number in range(2):
        whole(batch(number))
    plain = stepper()
    plain.restore(whole.weights(), whole.training_tensors(), "save")
    raw = dict(whole.net.named_parameters())
    assert all(torch.equal(p, raw[name]) for name, p in plain.net.named_parameters())


def test_float16_learns_with_a_scaled_loss() -> None:
    full, half = stepper(), stepper(torch.float16)
    first = [sum(step(batch()).sides) for step in (full, half)]
    assert first[1] == pytest.approx(first[0], rel=5e-3)
    losses = [sum(half(batch()).sides) for _ in range(20)]
    assert losses[-1] < 0.9 * first[1]
    assert all(p.dtype == torch.float32 for p in half.net.parameters())
    assert "scaler/state" in half.training_tensors()


def test_gradients_beyond_float16_move_nothing_and_halve_the_scale() -> None:
    step = stepper(torch.float16)
    step(batch())
    scale = step.training_tensors()["scaler/state"][0].item()
    before = {name: value.clone() for name, value in step.weights().items()}
    hook = step.net.get_parameter("inter.dense1.weight").register_hook(lambda g: g * torch.inf)
    step(batch(1))
    hook.remove()
    assert all(torch.equal(before[name], now) for name, now in step.weights().items())
    assert step.training_tensors()["scaler/state"][0].item() == scale / 2
    step(batch(2))
    assert any(not torch.equal(before[name], now) for name, now in step.weights().items())


def test_every_number_format_can_be_asked_for() -> None:
    cpu = torch.device("cpu")
    assert [pick_precision(cpu, name) for name in ("fp32", "bf16", "fp16")] == [
        torch.float32,
        torch.bfloat16,
        torch.float16,
    ]


def test_an_offloaded_optimiser_makes_the_same_steps() -> None:
    # What it does lies in main memory beside the device; here both are main memory.
    results = []
    for offload in (False, True):
        torch.manual_seed(0)
        net = nn.Linear(6, 4)
        settings = TrainSettings(
            optimizer="adam", learning_rate=0.01, offload_optimizer=offload, clip_gradients=True
        )
        mover = Mover(net, settings, 100, seed=0)
        for step in range(3):
            net(torch.full((2, 6), 1.0 + step)).square().sum().backward()
            mover.move(step)
        assert all(p.grad is None for p in net.parameters())
        results.append((net.weight.detach(), mover.tensors()))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=0, atol=0)
    assert results[0][1].keys() == results[1][1].keys()


def test_an_offloaded_optimiser_goes_on_from_a_save() -> None:
    settings = TrainSettings(optimizer="adabelief", learning_rate=0.01, offload_optimizer=True)
    nets = [nn.Linear(3, 2) for _ in range(2)]
    first = Mover(nets[0], settings, 100, seed=0)
    nets[0](torch.ones(1, 3)).sum().backward()
    first.move(0)
    second = Mover(nets[1], settings, 100, seed=0)
    nets[1].load_state_dict(nets[0].state_dict())
    second.restore({name: value.clone() for name, value in first.tensors().items()})
    for net, mover in zip(nets, (first, second), strict=True):
        net(torch.ones(1, 3)).sum().backward()
        mover.move(1)
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_on_a_cpu_there_is_nowhere_to_offload_to() -> None:
    with pytest.raises(BadSettings, match="main memory already"):
        stepper(offload_optimizer=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_a_compiled_network_learns_the_same() -> None:
    plain, compiled = stepper(), stepper(compile=True)
    for number in range(3):
        ours, theirs = plain(batch(number)), compiled(batch(number))
        assert theirs.sides == pytest.approx(ours.sides, rel=1e-4)
    assert plain.weights().keys() == compiled.weights().keys()


@pytest.mark.parametrize(("training", "still"), [("original", True), ("all", False)])
def test_bottlenecks_that_are_left_alone_stay_as_they_are(training: str, still: bool) -> None:
    net = AMP(AMPConfig(64, "udt", 8, 4, 4, 4, inter_dims=32), seed=1)
    settings = TrainSettings(learning_rate=1e-3, inter_training=training)  # type: ignore[arg-type]
    step = Stepper(net, settings, 100, torch.device("cpu"), torch.float32, seed=0)
    before = [inter.dense.weight.detach().clone() for inter in net.inters()]
    step(four(0, 64))
    after = [inter.dense.weight for inter in net.inters()]
    assert all(torch.equal(*pair) == still for pair in zip(before, after, strict=True))
