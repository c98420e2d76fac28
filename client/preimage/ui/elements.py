"""Small pieces of the page that more than one place is made of."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, final

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

if TYPE_CHECKING:
    from nicegui.element import Element
    from nicegui.events import ClickEventArguments, Handler

__all__ = ["Picture", "Sentence", "card", "main_button", "plain_button", "tag", "text", "turn_to"]


def tag(name: str, classes: str = "", **attributes: str) -> Element:
    """An element of HTML; attributes as in HTML, with _ for -."""
    element = ui.element(name).classes(classes)
    for key, value in attributes.items():
        element.props[key.replace("_", "-")] = value
    return element


def text(name: str, content: str, classes: str = "", **attributes: str) -> TextElement:
    """An element of HTML that holds a text, and nothing but a text whatever it says."""
    element = TextElement(tag=name, text=content).classes(classes)
    for key, value in attributes.items():
        element.props[key.replace("_", "-")] = value
    return element


def card(heading: str, classes: str = "") -> Element:
    """A framed section with a heading; what is made `with` it stands in it."""
    element = tag("section", f"card {classes}", aria_label=heading)
    with element:
        text("h2", heading, "heading")
    return element


def main_button(label: str, icon: str, on_click: Handler[ClickEventArguments]) -> ui.button:
    """The button that a form is filled in for."""
    button = ui.button(label, icon=icon, on_click=on_click, color=None)
    return button.props("no-caps unelevated").classes("go")


def plain_button(label: str, icon: str, on_click: Handler[ClickEventArguments]) -> ui.button:
    """Any other button."""
    button = ui.button(label, icon=icon, on_click=on_click, color=None)
    return button.props("no-caps outline").classes("plain")


_TURN = """
const element = getHtmlElement({id});
element.focus({{preventScroll: true}});
const top = element.getBoundingClientRect().top;
if (top < 0 || top > window.innerHeight / 2) element.scrollIntoView();
"""


def turn_to(element: Element) -> None:
    """Gives an element the keyboard's focus, and brings its beginning into sight."""
    element.props["tabindex"] = "-1"  # not reached by Tab
    element.client.run_javascript(_TURN.format(id=element.id))


@final
class Picture:
    """A picture with its caption; hidden until there is one."""

    def __init__(self, caption: str) -> None:
        with tag("figure", "picture") as self._figure:
            self._image = tag("img", alt="")
            self._caption = text("figcaption", caption)
        self._figure.visible = False

    def show(self, png: bytes, alt: str, caption: str | None = None) -> None:
        """Shows a PNG file."""
        self._image.props["src"] = f"data:image/png;base64,{b64encode(png).decode('ascii')}"
        self._image.props["alt"] = alt
        if caption is not None:
            self._caption.text = caption
        self._figure.visible = True

    def stretch(self, width: int, height: int, caption: str) -> None:
        """Shows it in the proportions of a picture of `width` × `height` pixels."""
        self._image.style(f"aspect-ratio: {width} / {height}; object-fit: fill")
        self._caption.text = caption

    def clear(self) -> None:
        """Hides it."""
        self._figure.visible = False
        self._image.props.pop("src", None)
        self._image.style(replace="")


@final
class Sentence:
    """A sentence that is read out when it changes; hidden while there is none."""

    def __init__(self, classes: str = "", *, urgent: bool = False, quiet: bool = False) -> None:
        """Makes room for it; an urgent one interrupts, a quiet one is not read out by itself."""
        self._label = text("p", "", classes)
        if not quiet:
            self._label.props["role"] = "alert" if urgent else "status"
        self.say("")

    def say(self, sentence: str) -> None:
        """Says it; an empty one hides it."""
        self._label.text = sentence
        self._label.classes(add="" if sentence else "empty", remove="empty" if sentence else "")
