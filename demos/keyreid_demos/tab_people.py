"""The tab of people: who was there, when and where, why they are who they are, and what is wrong with that."""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

import gradio as gr

from keyreid_demos import people_page as page
from keyreid_demos.context import Context
from keyreid_demos.events import OURS, QUIET
from keyreid_demos.open_run import OpenRun
from keyreid_demos.people import Person
from keyreid_demos.run_evidence import decisions_about, parts_seen, ways_of, ways_on_floor
from keyreid_demos.run_files import address_of
from keyreid_demos.told import told
from keyreid_stream.association import GalleryStore

_CLICKS = """
element.addEventListener('click', (event) => {
  const card = event.target.closest('[data-identity]');
  if (!card) { return; }
  trigger('select', {identity: Number(card.dataset.identity)});
  // On a narrow page the person is shown below everybody.
  const person = document.querySelector('#kr-heading');
  if (person && window.innerWidth < 768) { setTimeout(() => person.scrollIntoView({behavior: 'smooth'}), 600); }
});
"""


class _Shown(NamedTuple):
    """The components that show people, in the order of what `_outputs` returns."""

    chosen: Any
    cards: Any
    everybody: Any
    floor: Any
    heading: Any
    name: Any
    strip: Any
    line: Any
    parts: Any
    why: Any
    other: Any
    sightings: Any
    part: Any
    take_out: Any
    undo: Any
    editing: Any
    details: Any


def add_people(context: Context, opened: Any) -> None:
    """Add the tab's components.

    Args:
        context: shared by all tabs.
        opened: a component that changes when the visitor looks at another run.
    """
    chosen = gr.State(None)
    fixed = gr.HTML("", visible=False)
    with gr.Row():
        with gr.Column(scale=5, min_width=320):
            cards = gr.HTML("", js_on_load=_CLICKS, elem_id="kr-people")
            everybody = gr.HTML("", label="Everybody, camera by camera", elem_id="kr-everybody")
            floor = gr.HTML("", elem_id="kr-floor")
        with gr.Column(scale=4, min_width=320):
            heading = gr.HTML('<p class="kr-dim">Choose somebody.</p>', elem_id="kr-heading")
            with gr.Column(visible=False) as editing:
                with gr.Row(elem_classes="kr-end"):
                    name = gr.Textbox(label="Name", max_lines=1, max_length=200, scale=3, min_width=120)
                    rename = gr.Button("Rename", scale=1, min_width=80)
                with gr.Row(elem_classes="kr-end"):
                    other = gr.Dropdown(label="Is the same person as", choices=[], scale=3, min_width=120)
                    merge = gr.Button("Merge", scale=1, min_width=80)
                sightings = gr.CheckboxGroup(label="Sightings that are somebody else", choices=[])
                with gr.Row():
                    part = gr.Button("Split these off", min_width=120)
                    take_out = gr.Button("Take out whom was merged last", min_width=160)
                with gr.Accordion("Forget this person for good", open=False):
                    sure = gr.Checkbox(label="Erase them from the gallery and this run. This cannot be undone.")
                    forget = gr.Button("Forget", variant="stop")
            undo = gr.Button("Undo", visible=False)
            with gr.Column(visible=False) as details:
                strip = gr.HTML("", elem_id="kr-strip")
                line = gr.HTML("")
                with gr.Accordion("How well body parts were seen", open=False):
                    parts = gr.HTML("")
                with gr.Accordion("Why they are who they are", open=False):
                    why = gr.HTML("", elem_id="kr-why")
    shown = _Shown(
        chosen,
        cards,
        everybody,
        floor,
        heading,
        name,
        strip,
        line,
        parts,
        why,
        other,
        sightings,
        part,
        take_out,
        undo,
        editing,
        details,
    )
    visit = context.visit

    @told(len(shown) + 1)
    def look(token: str) -> list[Any]:
        run = context.open_run(token)
        return [_fixed(run), *_outputs(run, token, None)]

    @told(len(shown))
    def choose(token: str, event: gr.EventData) -> list[Any]:
        return _outputs(context.open_run(token), token, int(event._data["identity"]))

    @told(len(shown))
    def do_rename(token: str, who: int | None, text: str) -> list[Any]:
        run, identity_id = _of(context, token, who)
        return _outputs(run, token, run.rename(identity_id, text or ""))

    @told(len(shown))
    def do_merge(token: str, who: int | None, same: int | None) -> list[Any]:
        run, identity_id = _of(context, token, who)
        if same is None:
            raise gr.Error("choose whom they are the same person as", print_exception=False)
        return _outputs(run, token, run.merge(identity_id, int(same)))

    @told(len(shown))
    def do_part(token: str, who: int | None, names: list[str]) -> list[Any]:
        run, identity_id = _of(context, token, who)
        return _outputs(run, token, run.part(identity_id, names))

    @told(len(shown))
    def do_take_out(token: str, who: int | None) -> list[Any]:
        run, identity_id = _of(context, token, who)
        return _outputs(run, token, run.take_out(identity_id))

    @told(len(shown))
    def do_undo(token: str, who: int | None) -> list[Any]:
        run = context.open_run(token)
        if run is None:
            return _outputs(None, token, None)
        gr.Info(f"Undone: {escape(run.undo())}")
        return _outputs(run, token, who)

    @told(len(shown) + 1)
    def do_forget(token: str, who: int | None, is_sure: bool) -> list[Any]:
        run, identity_id = _of(context, token, who)
        if not is_sure:
            raise gr.Error("tick the box first: this cannot be undone", print_exception=False)
        left = [path.relative_to(run.folder).as_posix() for path in run.forget(identity_id)]
        gr.Info(
            f"P{identity_id} is forgotten." + (f" These files may still show them: {', '.join(left)}" if left else "")
        )
        return [gr.Checkbox(value=False), *_outputs(run, token, None)]

    opened.change(look, visit, [fixed, *shown], **QUIET)
    cards.select(choose, visit, list(shown), **QUIET)
    rename.click(do_rename, [visit, chosen, name], list(shown), **OURS)
    name.submit(do_rename, [visit, chosen, name], list(shown), **OURS)
    merge.click(do_merge, [visit, chosen, other], list(shown), **OURS)
    part.click(do_part, [visit, chosen, sightings], list(shown), **OURS)
    take_out.click(do_take_out, [visit, chosen], list(shown), **OURS)
    undo.click(do_undo, [visit, chosen], list(shown), **OURS)
    forget.click(do_forget, [visit, chosen, sure], [sure, *shown], **OURS)


def _of(context: Context, token: str, who: int | None) -> tuple[OpenRun, int]:
    run = context.open_run(token)
    if run is None or who is None:
        raise gr.Error("choose somebody first", print_exception=False)
    return run, int(who)


def _fixed(run: OpenRun | None) -> Any:
    told_of = "no run is open: make one in the first tab" if run is None else run.why_fixed
    line = f'<p class="kr-dim">{escape(told_of[:1].upper() + told_of[1:])}.</p>'
    return gr.HTML(line, visible=bool(told_of))


def _outputs(run: OpenRun | None, token: str, who: int | None) -> list[Any]:
    if run is None:
        return [None, "", "", "", "", "", "", "", "", "", *_edit_controls(None, None, ())]
    people = run.people()
    person = next((one for one in people if who is not None and who in {one.identity_id, *one.ids}), None)

    def address(path: Any) -> str:
        return address_of(token, run.folder, path)

    ways = ways_on_floor(run.folder)
    chosen_id = None if person is None else person.identity_id
    floor = page.floor_map({one.identity_id: ways_of(one, ways) for one in people}, chosen_id) if ways else ""
    common = [
        chosen_id,
        page.cards(people, address, chosen_id),
        _titled("Everybody, camera by camera", page.time_line(people, list(run.cameras))),
        _titled("On the floor", floor),
    ]
    if person is None:
        hint = '<p class="kr-dim">Choose somebody.</p>' if people else ""
        return [*common, hint, "", "", "", "", "", *_edit_controls(run, None, people)]
    decisions = decisions_about(run.folder, person)
    return [
        *common,
        f"<h3>{_heading(person)}</h3>",
        person.name,
        page.strip(person, address),
        page.time_line([person], person.cameras),
        _parts(run, person),
        page.why(decisions[: page.MOST_DECISIONS], max(0, len(decisions) - page.MOST_DECISIONS)),
        *_edit_controls(run, person, people),
    ]


def _edit_controls(run: OpenRun | None, person: Person | None, people: tuple[Person, ...]) -> list[Any]:
    can_change = run is not None and not run.why_fixed
    others = [(one.title, one.identity_id) for one in people if person and one.identity_id != person.identity_id]
    names = [one.name for one in person.sightings] if person else []
    last = run.last_edit if run else None
    return [
        gr.Dropdown(choices=others, value=None),
        gr.CheckboxGroup(choices=names, value=[], visible=len(names) > 1),
        gr.Button(visible=len(names) > 1),
        gr.Button(visible=bool(person and person.can_take_out)),
        gr.Button(f"Undo: {last}" if last else "Undo", visible=bool(last)),
        gr.Column(visible=can_change and person is not None),
        gr.Column(visible=person is not None),
    ]


def _parts(run: OpenRun, person: Person) -> str:
    if run.gallery is None:
        return page.part_visibility(person, (), 0)
    with run.edit_lock, GalleryStore(run.gallery, must_exist=True) as store:
        seen, views = parts_seen(store.gallery, person.identity_id)
    return page.part_visibility(person, seen, views)


def _heading(person: Person) -> str:
    also = sorted(person.ids - {person.identity_id})
    before = f' <span class="kr-dim">also {", ".join(f"P{one}" for one in also)}</span>' if also else ""
    return f"{escape(person.title)}{before}"


def _titled(title: str, content: str) -> str:
    return f"<h4>{title}</h4>{content}" if content else ""
