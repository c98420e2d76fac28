"""The place where a tab is given its picture or code."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from nicegui import run, ui

from preimage.ui.elements import Picture, Sentence, tag, text
from preimage.ui.given import Given, read
from preimage.ui.guard import LARGEST_UPLOAD_BYTES
from preimage.ui.words import in_words

if TYPE_CHECKING:
    from nicegui.events import UploadEventArguments

    from preimage.ui.session import Session

__all__ = ["FilePicker"]

_NO_FILE = "No picture or code yet. Drop one here, or choose a file."
# These run in the browser: a file chooser opens only in the very moment of a click.
_CHOSEN = "() => getElement({uploader}).$refs.qRef.pickFiles()"
_DROPPED = """(event) => {{
  event.preventDefault();
  event.currentTarget.classList.remove("over");
  getElement({uploader}).$refs.qRef.addFiles(event.dataTransfer.files);
}}"""
_OVER = '(event) => { event.preventDefault(); event.currentTarget.classList.add("over"); }'
_LEFT = '(event) => event.currentTarget.classList.remove("over")'


@final
class FilePicker:
    """A button and an area to drop files on; what it takes becomes the session's."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._uploader = ui.upload(
            auto_upload=True,
            max_file_size=LARGEST_UPLOAD_BYTES,
            on_upload=self._on_upload,
            on_rejected=self._on_rejected,
        ).classes("uploader")  # hidden: its own list of files says nothing that we do not
        number = self._uploader.id
        with tag("div", "dropzone") as zone:
            self._picture = Picture("")
            self._said = Sentence()
            self._trouble = Sentence("trouble", urgent=True)
            # The browser's own: Quasar's makes a click of keys by itself, and not every browser
            # opens a file chooser for that.
            with tag("button", "native", type="button") as button:
                ui.icon("upload_file", size="1.5rem")
                text("span", "Choose a picture or code")
            text("p", "PNG, JPEG or WebP; .npy or .safetensors with a code.", "hint")
        button.on("click", js_handler=_CHOSEN.format(uploader=number))
        zone.on("drop", js_handler=_DROPPED.format(uploader=number))
        zone.on("dragover", js_handler=_OVER)
        zone.on("dragleave", js_handler=_LEFT)
        self._said.say(_NO_FILE)
        session.tell(self._show)

    async def _on_upload(self, event: UploadEventArguments) -> None:
        try:
            data = await event.file.read()
            given = await run.io_bound(read, event.file.name, data)
        except Exception as error:  # noqa: BLE001  files of others hold anything
            self._trouble.say(in_words(error, self._session.service.target))
        else:
            if given is not None:  # it is where the server is being stopped
                self._session.take(given)
        self._uploader.reset()

    def _on_rejected(self) -> None:
        self._trouble.say(f"That file is larger than {LARGEST_UPLOAD_BYTES // 2**20} MiB.")

    def _show(self, given: Given) -> None:
        self._trouble.say("")
        self._said.say(f"{given.sentence}.")
        if given.shown is None:
            self._picture.clear()
        else:
            self._picture.show(given.shown, f"The picture that was given, {given.name}")
