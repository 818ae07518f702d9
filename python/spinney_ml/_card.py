"""What a notebook shows of a quantized model: HTML without scripts, for light and dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._model import Certificate, QuantModel

_STYLE = """
.spinney-card{--ink:#1b2420;--soft:#5c6a63;--line:#d5ddd8;--back:#fbfcfb;--bar:#2f7d57;
--fine:#2f7d57;--warn:#a15c00;color:var(--ink);background:var(--back);border:1px solid var(--line);
border-radius:6px;padding:12px 16px;max-width:36em;font:13px/1.5 system-ui,sans-serif}
@media (prefers-color-scheme:dark){.spinney-card{--ink:#e6ece8;--soft:#9aa8a0;--line:#3a4540;
--back:#1a201d;--bar:#63b98c;--fine:#63b98c;--warn:#e0a04a}}
[data-jp-theme-light=false] .spinney-card,[data-theme=dark] .spinney-card,.vscode-dark .spinney-card{
--ink:#e6ece8;--soft:#9aa8a0;--line:#3a4540;--back:#1a201d;--bar:#63b98c;--fine:#63b98c;--warn:#e0a04a}
[data-jp-theme-light=true] .spinney-card,[data-theme=light] .spinney-card,.vscode-light .spinney-card{
--ink:#1b2420;--soft:#5c6a63;--line:#d5ddd8;--back:#fbfcfb;--bar:#2f7d57;--fine:#2f7d57;--warn:#a15c00}
.spinney-card h4{margin:0 0 6px;font-size:14px;color:inherit}
.spinney-card dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:0}
.spinney-card dt{color:var(--soft)}.spinney-card dd{margin:0}
.spinney-card .fine{color:var(--fine)}.spinney-card .warn{color:var(--warn)}
.spinney-card .bar{background:var(--line);border-radius:3px;height:8px;margin:2px 0 6px}
.spinney-card .bar i{display:block;background:var(--bar);border-radius:3px;height:8px}
"""


def card(model: QuantModel, certificate: Certificate | None, chip: dict[str, Any] | None) -> str:
    """The HTML of a card."""
    facts = model.facts
    codings = ", ".join(f"{n} {name}" for name, n in facts["codings"].items())
    trees = f"{model.n_trees:,} trees, {model.n_splits:,} splits" if model.n_trees else "no trees"
    rows = [
        ("model", escape(f"{trees}; {model.n_features_in_:,} features")),
        ("readings", escape(f"{facts['reading_type']}; codes: {codings}")),
    ]
    if certificate is not None:
        rows += _proven(certificate)
    parts = [f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows]
    parts += _sizes(model, chip)
    title = f"{escape(model.kind)} in fixed point"
    return (
        f"<style>{_STYLE}</style><div class='spinney-card'><h4>{title}</h4>"
        f"<dl>{''.join(parts)}</dl></div>"
    )


def _proven(certificate: Certificate) -> list[tuple[str, str]]:
    def level(word: str) -> str:
        return f"<span class='{'warn' if word == 'listed' else 'fine'}'>{escape(word)}</span>"

    splits = [] if certificate.splits is None else [("splits", level(certificate.splits))]
    listed = len(certificate.listed_rows)
    told = f"{listed:,} of {certificate.n_rows:,} rows, on which float may differ"
    return [*splits, ("votes", level(certificate.votes)), ("listed", told)]


def _sizes(model: QuantModel, chip: dict[str, Any] | None) -> list[str]:
    forms = model.size()
    most = max((form.total_bytes for form in forms), default=1)
    room = most if chip is None else int(chip["flash_bytes"])
    parts = []
    for form in forms:
        width = min(100.0, 100 * form.total_bytes / max(room, 1))
        of = "" if chip is None else f" of {room:,} B flash of {escape(str(chip['name']))}"
        parts.append(
            f"<dt>{escape(form.encoding)}</dt><dd>{form.total_bytes:,} B of tables{of}"
            f" ({escape(form.form)})<div class='bar'><i style='width:{width:.1f}%'></i></div></dd>"
        )
    return parts
