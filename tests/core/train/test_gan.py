import pytest
import torch
from tests.core.train.test_step import batch, stepper
from torch import Tensor, nn

from faceplate.errors import BadSettings
from faceplate.models.net import Decoded, TrainPass
from faceplate.train.gan import Gan, PatchDiscriminator, receptive_field, strides_for
from faceplate.train.losses import Target
from faceplate.train.presets import TrainSettings

CPU = torch.device("cpu")


def gan(**changes: object) -> Gan:
    wanted = {"gan_power": 0.1, "gan_patch_size": 7, "gan_dims": 4, "learning_rate": 1e-3}
    return Gan(16, TrainSettings(**{**wanted, **changes}), 100, CPU, seed=0)  # type: ignore[arg-type]


def faces(seed: int) -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("patch", "field", "strides"),
    [
        (16, 15, (2, 2, 2)),
        (24, 23, (2, 2, 1, 2)),
        (28, 27, (2, 1, 2, 1, 2)),
        (32, 31, (2, 2, 2, 2)),
        (40, 39, (2, 2, 1, 2, 2)),
        (64, 63, (2, 2, 2, 2, 2)),
    ],
)
def test_strides_and_receptive_fields_are_those_of_the_table(
    patch: int, field: int, strides: tuple[int, ...]
) -> None:
    assert strides_for(patch) == strides
    assert receptive_field(strides) == field


@pytest.mark.parametrize("patch", [3, 7, 16, 28, 32])
def test_a_patch_judgement_rests_on_exactly_its_receptive_field(patch: int) -> None:
    net = PatchDiscriminator(patch, 4).double()
    field = receptive_field(strides_for(patch))
    image = torch.rand(1, 3, 96, 96, dtype=torch.float64).requires_grad_()
    patches, _ = net(image)
    patches[0, 0, patches.shape[2] // 2, patches.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0].abs().sum(0) > 0
    rows, columns = seen.any(1).nonzero(), seen.any(0).nonzero()
    assert (rows.max() - rows.min() + 1).item() == field
    assert (columns.max() - columns.min() + 1).item() == field


@pytest.mark.parametrize(("patch", "count"), [(3, 1), (640, 9)])
def test_any_patch_of_the_range_is_met_as_near_as_nine_layers_come(patch: int, count: int) -> None:
    strides = strides_for(patch)
    assert strides[0] == 2
    assert len(strides) == count
    assert abs(receptive_field(strides) - patch) <= 2


@pytest.mark.parametrize(("patch", "side"), [(16, 32), (28, 33), (24, 47)])
def test_it_judges_patches_and_every_pixel_of_any_size(patch: int, side: int) -> None:
    patches, pixels = PatchDiscriminator(patch, 4)(torch.rand(2, 3, side, side))
    halvings = sum(stride == 2 for stride in strides_for(patch))
    assert pixels.shape == (2, 1, side, side)
    assert patches.shape == (2, 1, *[-(-side // 2**halvings)] * 2)


def test_the_same_seed_gives_the_same_discriminator() -> None:
    torch.manual_seed(1)
    first = gan().tensors()
    torch.manual_seed(2)
    assert all(torch.equal(first[name], value) for name, value in gan().tensors().items())


def test_channels_double_up_to_512() -> None:
    net = PatchDiscriminator(64, 64)
    assert [conv.out_channels for conv in net.down] == [128, 256, 512, 512, 512]


def passed(*images: Tensor) -> TrainPass:
    mattes = torch.ones(2, 1, 16, 16)
    return TrainPass([Decoded(image, mattes) for image in images], [], lambda **_: None)  # type: ignore[arg-type, return-value]


def test_only_the_likeness_is_judged_unless_both_are_asked_for() -> None:
    mask = torch.ones(2, 1, 16, 16)
    targets = [Target(faces(seed), mask, mask) for seed in (1, 2)]
    made = passed(faces(3), faces(4))
    real, fake = gan(masked_training=False).pair(made, targets)
    assert torch.equal(real, targets[0].image)
    assert torch.equal(fake, made.decoded[0].image)
    real, fake = gan(masked_training=False, gan_on="both").pair(made, targets)
    assert torch.equal(real, torch.cat([target.image for target in targets]))
    assert len(fake) == 4


def test_with_masked_training_nothing_outside_the_mask_is_judged() -> None:
    mask = torch.zeros(2, 1, 16, 16)
    mask[..., :6, :6] = 1
    pair = gan().pair(passed(faces(3)), [Target(faces(1), mask, mask)])
    assert all(images[..., 10:, :].abs().max() == 0 for images in pair)


def test_a_fresh_discriminator_cannot_tell_and_both_outputs_count() -> None:
    judge = gan()
    with torch.no_grad():
        for conv in (judge.net.middle, judge.net.last):
            nn.init.zeros_(conv.weight)
    assert judge.told_apart(faces(1), faces(2)).item() == pytest.approx(2 * 0.693147, abs=1e-5)
    assert judge.fooled(faces(2)).item() == pytest.approx(2 * 0.693147, abs=1e-5)


def test_the_loss_of_fooling_has_the_gradient_of_its_value() -> None:
    judge = gan()
    judge.net.double()
    fake = faces(1).double()[:1].requires_grad_()
    assert torch.autograd.gradcheck(judge.fooled, fake, fast_mode=True)


def test_the_discriminator_learns_and_then_pulls_faces_towards_the_real() -> None:
    judge = gan(learning_rate=2e-3)
    real, away = faces(1) * 0.2 + 0.6, torch.full((1, 3, 1, 1), -0.4, requires_grad=True)
    losses = []
    for step in range(30):
        loss = judge.told_apart(real, real + away)
        losses.append(loss.item())
        loss.backward()
        judge.mover.move(step)
    assert away.grad is None
    assert losses[-1] < 0.8 * losses[0]
    judge.fooled(real + away).backward()
    assert away.grad is not None
    assert (away.grad * away).sum().item() > 0
    assert all(p.grad is None for p in judge.net.parameters())


def test_a_training_with_gan_tells_its_terms_and_goes_on_bit_for_bit() -> None:
    wanted = {"gan_power": 0.5, "gan_patch_size": 7, "gan_dims": 4, "true_face_power": 0.1}
    whole = stepper(**wanted)
    assert set(whole(batch(0)).parts) == {
        *("gan", "gan_own", "true_face", "true_face_own"),
        *("background_0", "variation_0"),
    }
    resumed = stepper(**wanted)
    weights = {name: value.clone() for name, value in whole.weights().items()}
    training = {name: value.clone() for name, value in whole.training_tensors().items()}
    resumed.restore(weights, training, "save")
    for number in (1, 2):
        assert whole(batch(number, seed=number)) == resumed(batch(number, seed=number))
    for name, value in whole.training_tensors().items():
        assert torch.equal(value, resumed.training_tensors()[name]), name


def test_the_model_learns_from_the_gan_by_its_power() -> None:
    grads = {}
    for power in (0.0, 0.5, 1.0):
        step = stepper(gan_power=power, gan_patch_size=7, gan_dims=4, masked_training=False)
        step.losses(step.sides(batch()), step.rng(0)).total.backward()
        grads[power] = step.net.decoder_likeness.head[0].weight.grad.clone()
    torch.testing.assert_close(grads[1.0] - grads[0.0], 2 * (grads[0.5] - grads[0.0]))
    assert (grads[1.0] - grads[0.0]).abs().max() > 0


@pytest.mark.parametrize(
    "changes", [{"gan_power": 5.1}, {"gan_patch_size": 2}, {"gan_patch_size": 641}, {"gan_dims": 3}]
)
def test_values_beyond_their_range_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match=next(iter(changes))):
        TrainSettings(**changes)  # type: ignore[arg-type]
