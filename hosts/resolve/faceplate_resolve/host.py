"""Every call into Resolve, each with its answer checked: nothing else here calls the host.

Resolve answers None or False where it did not do what it was asked, and raises nothing. Its objects
make up any name that is asked for, so that asking whether there is one proves nothing.
"""

from __future__ import annotations

from typing import Any

from faceplate_resolve.errors import HostError

__all__ = ["Host"]


class Host:
    """A running Resolve with its open project and timeline.

    Args:
        resolve: What the host gives its scripts.
    """

    def __init__(self, resolve: Any) -> None:
        if resolve is None:
            raise HostError(
                "Resolve does not answer: run this from its menu Workspace > Scripts; from "
                "outside, only Studio answers, where its preferences allow it."
            )
        self._resolve = resolve
        self._project: Any = None
        self._timeline: Any = None
        self._pool: Any = None

    # the application
    def product(self) -> str:
        """Return the product's name: the very first call, before anything that needs Studio."""
        return str(_must(self._resolve.GetProductName(), "say which product it is"))

    def version(self) -> list[Any]:
        """Return major, minor, patch, build and suffix."""
        return list(_values(_must(self._resolve.GetVersion(), "say its version")))

    def page(self) -> str:
        """Return the page that is shown."""
        page = self._resolve.GetCurrentPage()
        return str(_must(page, "say which page is shown: close its dialogs"))

    def show_page(self, name: str) -> None:
        """Show a page."""
        _must(self._resolve.OpenPage(name), f"show the page {name}")

    def open(self) -> None:
        """Take the open project and its timeline."""
        manager = _must(self._resolve.GetProjectManager(), "give its project manager")
        self._project = _must(manager.GetCurrentProject(), "give a project: open one")
        self._timeline = _must(self._project.GetCurrentTimeline(), "give a timeline: open one")
        self._pool = _must(self._project.GetMediaPool(), "give its media pool")

    # project and timeline
    def project_name(self) -> str:
        """Return the project's name."""
        return str(_must(self._project.GetName(), "say the project's name"))

    def setting(self, name: str) -> str:
        """Return a setting of the project; empty where there is none."""
        value = self._project.GetSetting(name)
        return "" if value is None or value is False else str(value)

    def timeline_setting(self, name: str) -> str:
        """Return a setting of the timeline; empty where there is none."""
        value = self._timeline.GetSetting(name)
        return "" if value is None or value is False else str(value)

    def timeline_start(self) -> int:
        """Return the frame at which the timeline starts."""
        return int(_must(self._timeline.GetStartFrame(), "say where the timeline starts"))

    def marks(self) -> tuple[int, int] | None:
        """Return the first and last frame between the marks; None where they are not both set."""
        marks = _must(self._timeline.GetMarkInOut(), "say the timeline's marks")
        video = marks.get("video") or {}
        if "in" not in video or "out" not in video:
            return None
        start = self.timeline_start()
        first, last = int(video["in"]), int(video["out"])
        # relative to the start in the documented example; nothing lies before the start
        return (first, last) if start > 0 and first >= start else (first + start, last + start)

    def tracks(self) -> int:
        """Return the number of video tracks."""
        return int(_must(self._timeline.GetTrackCount("video"), "count the video tracks"))

    def track_enabled(self, index: int) -> bool:
        """Return whether a video track is shown."""
        return bool(self._timeline.GetIsTrackEnabled("video", index))

    def enable_track(self, index: int, enabled: bool) -> None:
        """Show or hide a video track."""
        _must(
            self._timeline.SetTrackEnable("video", index, enabled),
            f"{'show' if enabled else 'hide'} video track {index}: is it locked?",
        )

    def spans(self, index: int) -> list[tuple[int, int]]:
        """Return first frame and end of what lies on a video track."""
        items = _values(self._timeline.GetItemListInTrack("video", index) or [])
        return [(int(item.GetStart()), int(item.GetEnd())) for item in items]

    def add_track(self) -> int:
        """Add a video track on top; returns its index."""
        _must(self._timeline.AddTrack("video"), "add a video track")
        return self.tracks()

    # the clip
    def current_item(self) -> Any:
        """Return the clip under the playhead, or None."""
        return self._timeline.GetCurrentVideoItem() or None

    def item_facts(self, item: Any) -> dict[str, Any]:
        """Return where a clip lies on the timeline and in its source."""
        track = _values(_must(item.GetTrackTypeAndIndex(), "say the clip's track"))
        return {
            "id": str(_must(item.GetUniqueId(), "say the clip's id")),
            "name": str(_must(item.GetName(), "say the clip's name")),
            "track": int(track[1]),
            "start": int(_number(item.GetStart(), "say where the clip starts")),
            "end": int(_number(item.GetEnd(), "say where the clip ends")),
            "left": int(_number(item.GetLeftOffset(), "say the clip's left offset")),
            "right": int(_number(item.GetRightOffset(), "say the clip's right offset")),
            "source_first": int(_number(item.GetSourceStartFrame(), "say the clip's source range")),
            "source_last": int(_number(item.GetSourceEndFrame(), "say the clip's source range")),
            "comps": int(_number(item.GetFusionCompCount(), "count the clip's Fusion comps")),
        }

    def sizing(self, item: Any) -> dict[str, Any]:
        """Return the clip's properties of the inspector."""
        return dict(_must(item.GetProperty(), "say the clip's sizing"))

    def set_sizing(self, item: Any, name: str, value: Any) -> None:
        """Set one property of the inspector."""
        _must(item.SetProperty(name, value), f"set {name} of the clip")

    def media(self, item: Any) -> Any:
        """Return the clip's media in the pool, or None where it has none, as a generator."""
        return item.GetMediaPoolItem() or None

    def media_property(self, media: Any, name: str) -> str:
        """Return a property of media; empty where there is none."""
        value = media.GetClipProperty(name)
        return "" if value is None or value is False else str(value)

    def set_media_property(self, media: Any, name: str, value: str) -> bool:
        """Set a property of media; returns whether it reads back as set."""
        done = media.SetClipProperty(name, value)
        return bool(done) and self.media_property(media, name) == value

    # takes
    def takes(self, item: Any) -> tuple[int, int]:
        """Return how many takes a clip has and which is shown; zeros for a clip without takes."""
        count = int(_number(item.GetTakesCount(), "count the clip's takes"))
        return count, int(_number(item.GetSelectedTakeIndex(), "say the clip's take"))

    def select_take(self, item: Any, index: int) -> None:
        """Show a take."""
        _must(item.SelectTakeByIndex(index), f"show take {index} of the clip")

    def add_take(self, item: Any, media: Any, first: int, last: int) -> bool:
        """Add a take; returns whether there is one more: without a window there may not be."""
        before = self.takes(item)[0]
        return bool(item.AddTake(media, first, last)) and self.takes(item)[0] > max(before, 1)

    # the media pool
    def open_bin(self, names: list[str]) -> Any:
        """Return the folder of the media pool with this path, made where it is missing."""
        folder = _must(self._pool.GetRootFolder(), "give the media pool's root")
        for name in names:
            below = _values(folder.GetSubFolderList() or [])
            found = [one for one in below if one.GetName() == name]
            folder = (
                found[0]
                if found
                else _must(self._pool.AddSubFolder(folder, name), f"make the bin {name}")
            )
        return folder

    def import_sequence(self, folder: Any, pattern: str, first: int, last: int) -> Any:
        """Import an image sequence into a folder, whichever is open; returns its media."""
        kept = _must(self._pool.GetCurrentFolder(), "say which bin is open")
        _must(self._pool.SetCurrentFolder(folder), "open the bin")
        try:
            info = [{"FilePath": pattern, "StartIndex": first, "EndIndex": last}]
            found = _values(_must(self._pool.ImportMedia(info), f"import {pattern}"))
        finally:
            self._pool.SetCurrentFolder(kept)
        if len(found) != 1:
            raise HostError(f"Resolve made {len(found)} clips of {pattern}, instead of one.")
        return found[0]

    def place(self, media: Any, span: tuple[int, int], track: int, record: int) -> Any:
        """Put frames of media on a video track; returns the new clip."""
        info = {
            "mediaPoolItem": media, "startFrame": span[0], "endFrame": span[1],
            "trackIndex": track, "recordFrame": record, "mediaType": 1,
        }  # fmt: skip
        done = self._pool.AppendToTimeline([info])
        items = _values(_must(done, "put the result on the timeline"))
        if not items or not items[0]:
            raise HostError("Resolve did not put the result on the timeline; it is in its bin.")
        return items[0]

    def remove(self, item: Any) -> None:
        """Take a clip that we put there off the timeline."""
        _must(self._timeline.DeleteClips([item], False), "take the clip off the timeline")

    # rendering
    def codecs(self) -> dict[str, str]:
        """Return the codecs of EXR: description to id; only ids are taken back."""
        return dict(_must(self._project.GetRenderCodecs("exr"), "list its EXR codecs"))

    def render_choice(self) -> tuple[str, str, int]:
        """Return the format, the codec and the mode that the Deliver page has now."""
        now = _must(self._project.GetCurrentRenderFormatAndCodec(), "say its render format")
        return str(now["format"]), str(now["codec"]), int(self._project.GetCurrentRenderMode() or 0)

    def choose_render(self, form: str, codec: str, mode: int) -> None:
        """Set format, codec and mode: 0 individual clips, 1 a single clip."""
        _must(
            self._project.SetCurrentRenderFormatAndCodec(form, codec),
            f"take the render format {form}, {codec}",
        )
        _must(self._project.SetCurrentRenderMode(mode), "take the render mode")

    def put_back(self, choice: tuple[str, str, int], page: str) -> list[str]:
        """Set format, codec, mode and page as they were; returns what Resolve did not take."""
        form, codec, mode = choice
        done = {
            f"the render format {form}, {codec}": self._project.SetCurrentRenderFormatAndCodec(
                form, codec
            ),
            "the render mode": self._project.SetCurrentRenderMode(mode),
            f"the page {page}": self._resolve.OpenPage(page),
        }
        return [what for what, taken in done.items() if not taken]

    def add_render(self, settings: dict[str, Any]) -> str:
        """Queue a render; returns its id."""
        _must(self._project.SetRenderSettings(settings), "take the render settings")
        return str(_must(self._project.AddRenderJob(), "queue the render"))

    def start_render(self, job: str) -> None:
        """Start one render."""
        _must(self._project.StartRendering([job], False), "start the render")

    def rendering(self) -> bool:
        """Return whether a render is going on."""
        return bool(self._project.IsRenderingInProgress())

    def render_status(self, job: str) -> dict[str, Any]:
        """Return a render's status: JobStatus, CompletionPercentage and perhaps Error."""
        return dict(_must(self._project.GetRenderJobStatus(job), "say how the render went"))

    def drop_render(self, job: str) -> None:
        """Take a render off the queue."""
        _must(self._project.DeleteRenderJob(job), "take the render off the queue")

    # a timeline of our own, for frames beyond a clip's cut
    def lay_out(self, name: str, media: Any, first: int, last: int) -> tuple[Any, Any]:
        """Make a timeline of one clip and show it.

        Returns:
            What was shown before, for `drop_layout`, and the clip, or None where there is none.
        """
        kept = self._timeline
        info = {"mediaPoolItem": media, "startFrame": first, "endFrame": last}
        made = _must(self._pool.CreateTimelineFromClips(name, [info]), "make a timeline")
        if not self._project.SetCurrentTimeline(made):
            self._pool.DeleteTimelines([made])
            raise HostError("Resolve did not show the timeline that it made.")
        self._timeline = made
        items = _values(made.GetItemListInTrack("video", 1) or [])
        return kept, items[0] if items else None

    def drop_layout(self, kept: Any) -> None:
        """Show the timeline of before again and delete the one that was made."""
        made, self._timeline = self._timeline, kept
        _must(self._project.SetCurrentTimeline(kept), "show your timeline again")
        done = self._pool.DeleteTimelines([made])
        _must(done, "delete the timeline that was made for the render")

    def still(self, path: str) -> bool:
        """Export the frame under the playhead; returns whether Resolve says that it did."""
        return bool(self._project.ExportCurrentFrameAsStill(path))

    # Fusion
    def new_comp(self, item: Any) -> Any:
        """Add a Fusion comp to a clip."""
        return _must(item.AddFusionComp(), "add a Fusion comp to the clip")

    def tool(self, comp: Any, name: str) -> Any:
        """Return a tool of a comp by its name."""
        return _must(comp.FindTool(name), f"find {name} in the Fusion comp")

    def comp_start(self, comp: Any) -> int:
        """Return the first frame of the clip in its comp's time."""
        attributes = _must(comp.GetAttrs(), "say the comp's range")
        return int(attributes.get("COMPN_RenderStart", 0))

    def begin(self, comp: Any, name: str) -> None:
        """Begin one step of undo."""
        comp.StartUndo(name)

    def end(self, comp: Any) -> None:
        """End the step of undo and keep it."""
        comp.EndUndo(True)

    def lock(self, comp: Any) -> None:
        """Keep dialogs shut: for adding and connecting tools, never for setting their inputs."""
        comp.Lock()

    def unlock(self, comp: Any) -> None:
        """End a lock."""
        comp.Unlock()

    def add_tool(self, comp: Any, kind: str, x: int, y: int) -> Any:
        """Add a tool; under a lock."""
        return _must(comp.AddTool(kind, x, y), f"add a {kind} to the Fusion comp")

    def connect(self, tool: Any, name: str, source: Any) -> None:
        """Connect a tool's input to another tool; under a lock."""
        _must(tool.ConnectInput(name, source), f"connect {name} in the Fusion comp")

    def name_tool(self, tool: Any, name: str) -> None:
        """Name a tool."""
        tool.SetAttrs({"TOOLS_Name": name})

    def set_input(self, tool: Any, name: str, value: Any) -> bool:
        """Set a tool's input; never under a lock. Returns whether it reads back as set."""
        tool.SetInput(name, value)
        return bool(tool.GetInput(name) == value)


def _must(value: Any, what: str) -> Any:
    if value is None or value is False:
        raise HostError(f"Resolve did not {what}.")
    return value


def _number(value: Any, what: str) -> Any:
    if value is None or isinstance(value, bool):
        raise HostError(f"Resolve did not {what}.")
    return value


def _values(answer: Any) -> list[Any]:
    """Return a list whether Resolve gave one, or a dictionary counted from 1 as older ones do."""
    return [answer[key] for key in sorted(answer)] if isinstance(answer, dict) else list(answer)
