"""Each member of a cast made ready: person, model, recipe, consent and colours."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import OcioConfig, load_config
from faceplate.config import to_dict
from faceplate.context import Context
from faceplate.errors import BadSettings, NotFound
from faceplate.geometry.points import Matrix
from faceplate.io.plate import Plate, open_plate
from faceplate.io.tracked import TrackedFace
from faceplate.io.trackfile import Track
from faceplate.io.whois import find_person
from faceplate.merge.animated import AnimatedRecipe
from faceplate.merge.cast import CastMember
from faceplate.merge.colors import measured_colors
from faceplate.merge.face import CastFace
from faceplate.merge.finish import needs_motion
from faceplate.merge.mattes import needs_segmenter
from faceplate.merge.motion import velocity_of_person
from faceplate.merge.openers import Openers
from faceplate.merge.predictions import CachedPredictor
from faceplate.merge.recipe import Recipe
from faceplate.merge.trackmattes import measured_mattes
from faceplate.merge.upscale import Upscaler, load_upscaler
from faceplate.models.folder import SwapModelConfig
from faceplate.models.net import People
from faceplate.models.store import WeightStore
from faceplate.provenance.consent import check_consent, load_consent, today
from faceplate.segment import Segmenter, is_mask_path, load_segmenter
from faceplate.segment.maskfile import mask_file, mask_sha256

__all__ = ["Role", "Surroundings", "cast_roles"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What all members of a cast have in common."""

    context: Context
    track: Track
    track_path: str
    shot: str | None
    """Name of the shot, for consent."""
    color_space: str
    ocio: str | None
    ocio_sha256: str | None
    """Of the config's file, where it must be that one."""
    openers: Openers


@dataclass(frozen=True, eq=False)
class Role:
    """One member of a cast, ready."""

    member: CastMember
    person: int
    """Number in the track."""
    track: Track
    predictor: CachedPredictor
    recipe: AnimatedRecipe
    encodings: Encodings
    consent_id: str | None
    mattes: Plate | None
    """Where external mattes come from."""
    segmenter: Callable[[str], Segmenter]
    """Gives a segmenter by its name."""
    upscaler: Callable[[str], Upscaler | None]
    """Gives an upscaler by its name; None for `none`."""
    _people: People
    _ask_consent: Callable[[Sequence[int]], str | None]
    """Asks for the consent of those whose faces go in; gives the record's id."""
    _asked: frozenset[int]
    """Those who have been asked for."""

    @property
    def likeness(self) -> str:
        """Id of whose face goes in."""
        return self.predictor.config.people[self.people(self.recipe.base.direction)[0]]

    def people(self, direction: str) -> People:
        """Return whose face goes in and who is in the plate, as the model numbers them."""
        return self._people if direction == "likeness" else (self._people[1], self._people[0])

    def with_recipe(self, recipe: AnimatedRecipe) -> "Role":
        """Return the same with another recipe. Raises ConsentRefused: it may turn the direction
        round, and then somebody else's face goes in.
        """
        wanted = frozenset(_faces_in(self._people, recipe))
        if wanted - self._asked:
            self._ask_consent(sorted(wanted - self._asked))
        return replace(self, recipe=recipe, _asked=self._asked | wanted)

    def face(self, number: int) -> TrackedFace | None:
        """Return this person's face in a frame, or None."""
        found = self.track.person(self.person) if self.person else None
        return None if found is None else found.at(number)

    def cast_face(self, number: int) -> CastFace | None:
        """Return all that is decided about the face in a frame, or None where there is none."""
        face = self.face(number)
        if face is None:
            return None
        recipe = self.recipe.at(number)
        return CastFace(
            face,
            self.predictor,
            recipe,
            self.encodings,
            self.people(recipe.direction),
            self.member.morph,
            measured_colors(face, self.predictor.sha256),
            measured_mattes(face, self.predictor.sha256),
            None if self.mattes is None else self.mattes.read(number),
            self.segmenter(recipe.segmenter) if needs_segmenter(recipe) else None,
            self.upscaler(recipe.super_resolution),
            self.velocity(number),
        )

    def velocity(self, number: int) -> Matrix | None:
        """Return how the face moves in a frame, where its recipe blurs motion, else None."""
        found = self.track.person(self.person)
        if found is None or not needs_motion(self.recipe.at(number)):
            return None
        if self.track.cuts:  # motion ends at a cut
            shot = self.track.shot_of(number)
            faces = tuple(face for face in found.faces if self.track.shot_of(face.frame) == shot)
            found = replace(found, faces=faces)
        return velocity_of_person(found, number, self.track.plate.pixel_aspect)

    def settings(self, number: int) -> dict[str, Any]:
        """Return as plain values what decides about the face in a frame, besides the model."""
        face, recipe = self.face(number), self.recipe.at(number)
        mattes = None if self.mattes is None else self.mattes.sha256(number)
        velocity = self.velocity(number)
        return {
            "recipe": to_dict(recipe),
            "people": list(self.people(recipe.direction)),
            "morph": self.member.morph,
            "mattes": mattes,
            "velocity": None if velocity is None else velocity.round(9).tolist(),
            **_mask_model(recipe),
            "face": None if face is None else _plain(face, self.predictor.sha256),
        }


def cast_roles(members: Sequence[CastMember], given: Surroundings) -> list[Role]:
    """Make the members of a cast ready, in their order.

    Raises:
        ConsentRefused: No valid consent for whose face goes in.
        NotFound: Model, recipe, consent or person is not there.
        BadSettings: A recipe or colour settings that cannot be right.
        OutsideRoots: A recipe names a mask model where the context allows none.
        UnknownColorSpace: The plate's space is not in the config.
    """
    config = load_config(given.ocio, sha256=given.ocio_sha256)
    roles = [_role(member, given, config) for member in members]
    people = [role.person for role in roles]
    if len(set(people)) != len(people):
        raise BadSettings(f"a cast names nobody twice; its members are the persons {people}")
    return roles


def _role(member: CastMember, given: Surroundings, config: OcioConfig) -> Role:
    person = _person(given.track, given.track_path, member.person)
    recipe = given.openers.recipe(Path(member.recipe) if member.recipe else None)
    for name in (recipe.base.segmenter, *(key.value for key in recipe.keys.get("segmenter", ()))):
        _check_mask_path(given.context, str(name))
    _mask_model(recipe.base)  # that it is not there is told before the first frame
    predictor = given.openers.model(Path(member.model))
    model = predictor.config
    people = (
        model.number_of(member.likeness or model.likeness),
        model.number_of(member.performer or model.performer),
    )
    ask = partial(_consent, member, given, model)
    wanted = _faces_in(people, recipe)
    consent_id = ask(wanted)
    encodings = Encodings(config, given.color_space, model.encoding)
    mattes = _mattes(member, given.track)
    return Role(
        member, person, given.track, predictor, recipe, encodings, consent_id, mattes,
        _segmenters(given.context), cache(partial(_upscaler, given.context)), people,
        ask, frozenset(wanted),
    )  # fmt: skip


def _mask_model(recipe: Recipe) -> dict[str, str]:
    """Return what tells a mask model that is named by its path; it may be trained on."""
    if not needs_segmenter(recipe) or not is_mask_path(recipe.segmenter):
        return {}
    return {"mask_model": mask_sha256(Path(recipe.segmenter))}


def _check_mask_path(context: Context, name: str) -> None:
    """Raise OutsideRoots where a segmenter is named by a path that is not allowed."""
    if context.allowed_roots and is_mask_path(name):
        context.check_inside(name, "recipe: segmenter")
        if Path(name).is_dir():  # a link in the folder of a training may lead elsewhere
            context.check_inside(mask_file(Path(name)), "recipe: segmenter")


def _mattes(member: CastMember, track: Track) -> Plate | None:
    """Open external mattes. Raises BadSettings where they are of another size than the plate."""
    if member.mattes is None:
        return None
    mattes, wanted = open_plate(member.mattes, missing="skip"), track.plate
    if mattes.size != (wanted.width, wanted.height):
        width, height = mattes.size
        raise BadSettings(
            f"{member.mattes}: mattes of {width} x {height} pixels for a plate of {wanted.width} x "
            f"{wanted.height}: render them at the plate's size"
        )
    return mattes


def _segmenters(context: Context) -> Callable[[str], Segmenter]:
    """Return what opens segmenters by name, a mask model anew where it was trained on."""
    opened = cache(partial(_segmenter, context))

    def segmenter(name: str) -> Segmenter:
        if not is_mask_path(name):
            return opened(name, 0)
        _check_mask_path(context, name)
        return opened(name, mask_file(Path(name)).stat().st_mtime_ns)

    return segmenter


def _segmenter(context: Context, name: str, written_ns: int) -> Segmenter:
    store = WeightStore(context.home / "weights")
    return load_segmenter(name, store.path, threads=context.threads)


def _upscaler(context: Context, name: str) -> Upscaler | None:
    store = WeightStore(context.home / "weights")
    return load_upscaler(name, store.path, threads=context.threads)


def _faces_in(people: People, recipe: AnimatedRecipe) -> list[int]:
    """Return the numbers of all whose faces the recipe puts in at any frame."""
    keys = [key.value for key in recipe.keys.get("direction", ())]
    directions = dict.fromkeys(keys or [recipe.base.direction])
    return [people[0 if direction == "likeness" else 1] for direction in directions]


def _consent(
    member: CastMember, given: Surroundings, model: SwapModelConfig, numbers: Sequence[int]
) -> str | None:
    """Ask for the consent of everybody whose face goes in; returns the record's id."""
    record = load_consent(Path(member.consent)) if member.consent else None
    decisions = [
        check_consent(
            record,
            use="swap",
            likeness=model.people[number],
            shot=given.shot,
            on=today(),
            policy=given.context.consent_policy,
            log=given.context.home / "consent.log",
            character=member.character,
            trained_under=model.consent_of(number),
        )
        for number in numbers
    ]
    return decisions[0].consent_id


def _person(track: Track, path: str, wanted: int | str) -> int:
    try:
        found = find_person(track, wanted)
    except NotFound as error:
        raise NotFound(f"{path} has {error}") from None
    if found is not None:
        return found.person
    logger.warning("%s has no face at all: the plate passes through", path)
    return 0


def _plain(face: TrackedFace, model_sha256: str) -> dict[str, Any]:
    points = [[round(float(value), 4) for value in point] for point in face.landmarks]
    colors = face.swap_colors.get(model_sha256, {})
    return {
        "person": face.person,
        "landmarks": points,
        "confidence": face.confidence,
        "colors": {name: list(numbers) for name, numbers in sorted(colors.items())},
        "mattes": dict(sorted(face.swap_mattes.get(model_sha256, {}).items())),
    }
