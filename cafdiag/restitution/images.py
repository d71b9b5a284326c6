"""Du SVG au PNG, par Typst : la même image partout, sans navigateur."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

# Livrées par des dépendances, jamais prises au système : la page et ses octets sont les mêmes partout. Arimo a
# les largeurs d'Arial, sur lesquelles les légendes sont coupées ; DejaVu (de matplotlib) a les signes rares.
POLICES = ("Arimo", "DejaVu Sans")
_PAGE = """#set page(width: {largeur}cm, height: auto, margin: 0pt, fill: white)
#set text(font: ({polices}))
#image(bytes(sys.inputs.dessin), width: 100%, format: "svg")
"""


@lru_cache(maxsize=1)
def polices():
    """Les polices livrées avec les dépendances, et elles seules ; cherchées une fois."""
    import fontpkg
    import matplotlib
    import typst

    return typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[Path(fontpkg.path("Arimo")).parent, Path(matplotlib.get_data_path()) / "fonts" / "ttf"],
    )


def nettoyer(svg: str) -> str:
    """Un SVG que Typst rend comme le navigateur : polices nommées, et non « celle du système ».

    >>> nettoyer('<svg style="font-family: system-ui, sans-serif">').count("Arimo")
    1
    """
    noms = ", ".join(f"'{p}'" for p in POLICES)
    svg = re.sub(r'font-family="[^"]*"', f'font-family="{noms}"', svg)
    svg = re.sub(r"system-ui, [^;\"]*?sans-serif", noms, svg)
    return svg


def png(svg: str, *, largeur_cm: float, ppp: int = 200) -> bytes:
    """Une image PNG d'un dessin SVG, sur fond blanc.

    Parameters
    ----------
    svg : str
        Le dessin.
    largeur_cm : float
        Largeur imprimée.
    ppp : int
        Points par pouce.

    Examples
    --------
    >>> png('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"/>', largeur_cm=2.54, ppp=50)[:4]
    b'\\x89PNG'
    """
    import typst

    source = _PAGE.format(largeur=largeur_cm, polices=", ".join(f'"{p}"' for p in POLICES))
    return typst.compile(
        source.encode("utf-8"),
        format="png",
        ppi=float(ppp),
        font_paths=polices(),
        sys_inputs={"dessin": nettoyer(svg)},
    )
