"""De petits carnets pour éprouver les lots : la forme du vrai, en dixièmes de seconde, et des fautes choisies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat

from cafdiag.lot.plan import Cible, Plan, planifier
from cafdiag.restitution.types_mime import MIME_BLOC, MIME_GARDE, MIME_MESURES

CODES = ["200048551", "244900015", "200054807", "200042182", "245300389"]

_FIN = f"""
from IPython.display import display
garde = {{"titre": code, "sous_titre": "essai", "situation": "Situation."}}
bout = {{"_": "Bout", "texte": f"{{code}} {{constat}}"}}
paragraphe = {{"_": "Paragraphe", "bouts": [bout]}}
display({{"{MIME_BLOC}": {{"elements": [paragraphe]}}, "text/html": f"<p>{{code}} {{constat}}</p>"}}, raw=True)
display({{"{MIME_GARDE}": garde}}, raw=True)
display({{"{MIME_MESURES}": {{"colonnes": ["code"], "lignes": [[code]]}}}}, raw=True)
"""


def carnet(chemin: Path, *cellules: str) -> Path:
    """Un carnet de diagnostic dont ces cellules décident ; elles peuvent poser ``constat``."""
    notes = [
        nbformat.v4.new_code_cell(
            'code = ""\nnom_usage = ""\nannee = ""\ndistance_alsh_km = ""', metadata={"tags": ["parameters"]}
        ),
        nbformat.v4.new_code_cell("constat = ''"),
        *(nbformat.v4.new_code_cell(c) for c in cellules),
        nbformat.v4.new_code_cell(_FIN.strip()),
    ]
    nouveau = nbformat.v4.new_notebook(cells=notes)
    for rang, cellule in enumerate(nouveau.cells):
        cellule["id"] = f"c{rang}"
    nouveau.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nouveau, chemin)
    return chemin


def plan(gabarit: Path, codes: list[str] | None = None) -> Plan:
    """Le plan d'un lot de ces territoires, sur ce gabarit."""
    vrai = planifier([Cible(c) for c in codes or CODES], formats="html,ipynb")
    return Plan(tuple(replace(c, gabarit=gabarit) for c in vrai.commandes))


def octets(dossier: Path, *, sauf: tuple[str, ...] = ()) -> dict[str, bytes]:
    """Le contenu des rapports d'un dossier."""
    motifs = ("diagnostic-*", "mesures-*")
    return {
        c.name: c.read_bytes()
        for motif in motifs
        for c in sorted(dossier.glob(motif))
        if not any(code in c.name for code in sauf)
    }
