"""Media pool and timelines of the fake Resolve; the files behind them are real."""

# ruff: noqa: N802  # the names are Resolve's

import re
from pathlib import Path
from typing import Any

from tests.hosts.resolve.fake_comp import FakeComp
from tests.hosts.resolve.recorded import Recorded, Trouble


class FakeMedia(Recorded):
    """A clip of the media pool."""

    kind = "MediaPoolItem"

    def __init__(self, trouble: Trouble, project: Any, properties: dict[str, str]) -> None:
        super().__init__(trouble)
        self.project = project
        self.properties = {
            "FPS": "24.0",
            "Start": "0",
            "Input Color Space": "Project",
            **properties,
        }

    def GetName(self) -> str:
        return Path(self.properties["File Path"]).name

    def GetClipProperty(self, name: str) -> str:
        return self.properties.get(name, "")

    def SetClipProperty(self, name: str, value: str) -> bool:
        managed = self.project.settings["colorScienceMode"].startswith("davinciYRGBColorManaged")
        if name.startswith("Input ") and not managed:
            return False
        self.properties[name] = value
        return True

    # for the fake's renderer
    @property
    def first(self) -> int:
        return int(self.properties["Start"])

    @property
    def length(self) -> int:
        sequence = re.search(r"\[(\d+)-(\d+)\]", self.properties["File Path"])
        return (
            int(sequence[2]) - int(sequence[1]) + 1 if sequence else int(self.properties["Frames"])
        )

    def file(self, index: int) -> Path:
        """Return the file of a frame, counted from 0."""
        path = self.properties["File Path"]
        sequence = re.search(r"\[(\d+)-(\d+)\]", path)
        if not sequence:
            return Path(path)
        number = str(int(sequence[1]) + index).zfill(len(sequence[1]))
        return Path(path.replace(sequence[0], number))


class FakeItem(Recorded):
    """A clip on a timeline."""

    kind = "TimelineItem"

    def __init__(
        self, trouble: Trouble, media: FakeMedia | None, start: int, length: int, left: int = 0
    ) -> None:
        super().__init__(trouble)
        self.takes = [media]
        self.take = 1
        self.start, self.length, self.left, self.track = start, length, left, 1
        self.name = "SH010"
        self.source_last: int | None = None
        self.sizing: dict[str, Any] = {
            "Pan": 0.0, "Tilt": 0.0, "ZoomX": 1.0, "ZoomY": 1.0, "RotationAngle": 0.0,
            "FlipX": False, "FlipY": False, "CropLeft": 0.0, "Opacity": 100.0, "Pitch": 0.0,
        }  # fmt: skip
        self.comps: list[FakeComp] = []
        self.headless = False

    @property
    def media(self) -> FakeMedia | None:
        return self.takes[self.take - 1]

    def GetUniqueId(self) -> str:
        return f"item-{self.start}-{self.track}"

    def GetName(self) -> str:
        return self.name

    def GetTrackTypeAndIndex(self) -> list[Any]:
        return ["video", self.track]

    def GetStart(self) -> int:
        return self.start

    def GetEnd(self) -> int:
        return self.start + self.length

    def GetLeftOffset(self) -> int:
        return self.left

    def GetRightOffset(self) -> int:
        return self.media.length - self.left - self.length if self.media else 0

    def GetSourceStartFrame(self) -> int:
        return self.left

    def GetSourceEndFrame(self) -> int:
        return self.left + self.length if self.source_last is None else self.source_last

    def GetFusionCompCount(self) -> int:
        return len(self.comps)

    def GetProperty(self) -> dict[str, Any]:
        return dict(self.sizing)

    def SetProperty(self, name: str, value: Any) -> bool:
        if name not in self.sizing:
            return False
        self.sizing[name] = value
        return True

    def GetMediaPoolItem(self) -> FakeMedia | None:
        return self.media

    def GetTakesCount(self) -> int:
        return len(self.takes) if len(self.takes) > 1 else 0

    def GetSelectedTakeIndex(self) -> int:
        return self.take if len(self.takes) > 1 else 0

    def SelectTakeByIndex(self, index: int) -> bool:
        if not 1 <= index <= len(self.takes):
            return False
        self.take = index
        return True

    def AddTake(self, media: FakeMedia, first: int, last: int) -> bool:
        if self.headless:
            return True  # says so, and there is none
        if not media.first <= first <= last < media.first + media.length:
            raise self.trouble.fail(f"frames {first} to {last} are not those of {media.GetName()}")
        if last - first + 1 != self.length:
            raise self.trouble.fail("a take of another length than the clip")
        self.takes.append(media)
        self.take = len(self.takes)
        return True

    def AddFusionComp(self) -> FakeComp:
        self.comps.append(FakeComp(self.trouble))
        return self.comps[-1]


class FakeTimeline(Recorded):
    """A timeline of video tracks."""

    kind = "Timeline"

    def __init__(self, trouble: Trouble, world: Any, start: int = 86400) -> None:
        super().__init__(trouble)
        self.world, self.start = world, start
        self.tracks: list[list[FakeItem]] = [[]]
        self.enabled = [True]
        self.marks: dict[str, Any] = {}

    def put(self, item: FakeItem, track: int = 1) -> FakeItem:
        """Put a clip on a track, made where it is missing."""
        while len(self.tracks) < track:
            self.tracks.append([])
            self.enabled.append(True)
        for other in self.tracks[track - 1]:
            if other.start < item.start + item.length and item.start < other.start + other.length:
                raise self.trouble.fail(f"a clip on track {track} was overwritten")
        item.track = track
        self.tracks[track - 1].append(item)
        return item

    def at(self, frame: int) -> FakeItem | None:
        """Return the topmost shown clip at a frame."""
        for items, enabled in reversed(list(zip(self.tracks, self.enabled, strict=True))):
            for item in items:
                if enabled and item.start <= frame < item.start + item.length:
                    return item
        return None

    def GetStartFrame(self) -> int:
        return self.start

    def GetSetting(self, name: str) -> str:
        return str(self.world.project.settings.get(name, ""))

    def GetMarkInOut(self) -> dict[str, Any]:
        return self.marks

    def GetTrackCount(self, kind: str) -> int:
        return len(self.tracks)

    def GetIsTrackEnabled(self, kind: str, index: int) -> bool:
        return self.enabled[index - 1]

    def SetTrackEnable(self, kind: str, index: int, enabled: bool) -> bool:
        self.enabled[index - 1] = enabled
        return True

    def GetItemListInTrack(self, kind: str, index: int) -> list[FakeItem]:
        return list(self.tracks[index - 1])

    def AddTrack(self, kind: str) -> bool:
        self.tracks.append([])
        self.enabled.append(True)
        return True

    def DeleteClips(self, items: list[FakeItem], ripple: bool = False) -> bool:
        for items_of_track in self.tracks:
            items_of_track[:] = [item for item in items_of_track if item not in items]
        return True

    def GetCurrentVideoItem(self) -> FakeItem | None:
        return self.at(self.world.playhead)


class FakeFolder(Recorded):
    """A bin."""

    kind = "Folder"

    def __init__(self, trouble: Trouble, name: str) -> None:
        super().__init__(trouble)
        self.name = name
        self.folders: list[FakeFolder] = []
        self.clips: list[FakeMedia] = []

    def GetName(self) -> str:
        return self.name

    def GetSubFolderList(self) -> list["FakeFolder"]:
        return list(self.folders)


class FakePool(Recorded):
    """The media pool."""

    kind = "MediaPool"

    def __init__(self, trouble: Trouble, project: Any) -> None:
        super().__init__(trouble)
        self.project = project
        self.root = FakeFolder(trouble, "Master")
        self.current = self.root
        self.counts_last = True
        """Whether the last frame of a span is part of it."""
        self.counts_from_start = True
        """Whether frames of a sequence count from its own first number."""

    def GetRootFolder(self) -> FakeFolder:
        return self.root

    def AddSubFolder(self, folder: FakeFolder, name: str) -> FakeFolder | None:
        if name in [one.name for one in folder.folders]:
            return None
        folder.folders.append(FakeFolder(self.trouble, name))
        return folder.folders[-1]

    def GetCurrentFolder(self) -> FakeFolder:
        return self.current

    def SetCurrentFolder(self, folder: FakeFolder) -> bool:
        self.current = folder
        return True

    def ImportMedia(self, infos: list[dict[str, Any]]) -> list[FakeMedia]:
        """Import into the folder that is open, whatever was meant."""
        made = []
        for info in infos:
            first, last = int(info["StartIndex"]), int(info["EndIndex"])
            pattern = Path(info["FilePath"])
            files = [pattern.with_name(pattern.name % each) for each in range(first, last + 1)]
            if not all(file.is_file() and file.stat().st_size for file in files):
                return []
            width = len(files[0].stem) - len(files[0].stem.rstrip("0123456789"))
            span = f"[{first:0{width}}-{last:0{width}}]"
            name = str(pattern.with_name(re.sub(r"%0\d+d", span, pattern.name)))
            media = FakeMedia(self.trouble, self.project, {"File Path": name, "Start": str(first)})
            self.current.clips.append(media)
            made.append(media)
        return made

    def AppendToTimeline(self, infos: list[dict[str, Any]]) -> list[FakeItem]:
        timeline = self.project.timeline
        return [
            timeline.put(self._item(info, int(info["recordFrame"])), int(info["trackIndex"]))
            for info in infos
        ]

    def CreateTimelineFromClips(self, name: str, infos: list[dict[str, Any]]) -> FakeTimeline:
        timeline = FakeTimeline(self.trouble, self.project.world)
        for info in infos:
            timeline.put(self._item(info, timeline.start))
        self.project.timelines.append(timeline)
        return timeline

    def DeleteTimelines(self, timelines: list[FakeTimeline]) -> bool:
        for timeline in timelines:
            if timeline is self.project.timeline:
                raise self.trouble.fail("the timeline that is shown was deleted")
            self.project.timelines.remove(timeline)
        return True

    def _item(self, info: dict[str, Any], record: int) -> FakeItem:
        media = info["mediaPoolItem"]
        base = media.first if self.counts_from_start else 0
        first, last = int(info["startFrame"]) - base, int(info["endFrame"]) - base
        first, last = max(first, 0), min(last, media.length - self.counts_last)
        return FakeItem(self.trouble, media, record, last - first + self.counts_last, first)
