"""The services Models and Likenesses: convert in, ask, convert out."""

import json
import time

from faceplate_protos.v1 import likenesses_pb2, likenesses_pb2_grpc, models_pb2, models_pb2_grpc
from faceplate_server.convert import (
    consent_message,
    described_message,
    loaded_message,
    model_message,
)
from faceplate_server.peers import CLIENT
from faceplate_server.room import EngineRoom
from faceplate_server.shapes import Context
from faceplate_server.verbs import parse_object

__all__ = ["LikenessesService", "ModelsService"]

_IMPORTED = ("source", "out", "likeness", "performer", "name", "consent_id")


class ModelsService(models_pb2_grpc.ModelsServicer):
    """The swap models under the allowed roots."""

    def __init__(self, room: EngineRoom) -> None:
        self._room = room

    async def ListModels(  # noqa: N802
        self, request: models_pb2.ListModelsRequest, context: Context
    ) -> models_pb2.ListModelsResponse:
        """List the models under the allowed roots."""
        answer = await self._room.ask_twice("list_models")
        return models_pb2.ListModelsResponse(
            models=[model_message(model) for model in answer["models"]],
            recipe_schema_json=json.dumps(answer["recipe_schema"]),
        )

    async def DescribeModel(  # noqa: N802
        self, request: models_pb2.DescribeModelRequest, context: Context
    ) -> models_pb2.DescribeModelResponse:
        """Tell everything about one model."""
        return described_message(await self._room.ask_twice("describe_model", model=request.model))

    async def LoadModel(  # noqa: N802
        self, request: models_pb2.LoadModelRequest, context: Context
    ) -> models_pb2.LoadModelResponse:
        """Bring a model into memory."""
        began = time.perf_counter()
        client = CLIENT.get()
        answer = await self._room.ask_in_turn(client, "load_model", model=request.model)
        return models_pb2.LoadModelResponse(
            model=loaded_message(answer["model"]),
            milliseconds=(time.perf_counter() - began) * 1e3,
            was_read=answer["was_read"],
        )

    async def UnloadModel(  # noqa: N802
        self, request: models_pb2.UnloadModelRequest, context: Context
    ) -> models_pb2.UnloadModelResponse:
        """Free a model's memory."""
        client = CLIENT.get()
        answer = await self._room.ask_in_turn(client, "unload_model", model=request.model)
        return models_pb2.UnloadModelResponse(was_loaded=answer["was_loaded"])

    async def ImportModel(  # noqa: N802
        self, request: models_pb2.ImportModelRequest, context: Context
    ) -> models_pb2.ImportModelResponse:
        """Take a model over. It is there whole or not at all, so it may be asked twice."""
        values = {name: getattr(request, name) for name in _IMPORTED}
        answer = await self._room.ask_twice("import_model", values=values)
        return models_pb2.ImportModelResponse(model=model_message(answer))


class LikenessesService(likenesses_pb2_grpc.LikenessesServicer):
    """The consent records under the allowed roots."""

    def __init__(self, room: EngineRoom) -> None:
        self._room = room

    async def ListConsents(  # noqa: N802
        self, request: likenesses_pb2.ListConsentsRequest, context: Context
    ) -> likenesses_pb2.ListConsentsResponse:
        """List the records, and whether each holds."""
        asked = {**_asked(request.use), "likeness": request.likeness}
        answer = await self._room.ask_twice("list_consents", **asked)
        return likenesses_pb2.ListConsentsResponse(consents=[consent_message(c) for c in answer])

    async def ShowConsent(  # noqa: N802
        self, request: likenesses_pb2.ShowConsentRequest, context: Context
    ) -> likenesses_pb2.ShowConsentResponse:
        """Show one record, and whether it holds."""
        asked = {**_asked(request.use), "consent": request.consent}
        answer = await self._room.ask_twice("show_consent", **asked)
        return likenesses_pb2.ShowConsentResponse(consent=consent_message(answer))

    async def ImportConsent(  # noqa: N802
        self, request: likenesses_pb2.ImportConsentRequest, context: Context
    ) -> likenesses_pb2.ImportConsentResponse:
        """Take a record in."""
        record = parse_object(request.record_json, "record_json")
        answer = await self._room.ask_twice("import_consent", record=record)
        return likenesses_pb2.ImportConsentResponse(consent=consent_message(answer))


def _asked(use: likenesses_pb2.Use) -> dict[str, str]:
    return {"use": use.use, "shot": use.shot, "on": use.on}
