"""Le texte de ``data/PROVENANCE.md`` : d'où vient chaque table, et ce qui y manque."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from construction.sources import ARCHIVES

MODELE = Path(__file__).with_name("provenance.modele.md")


def provenance(tables: dict[str, pd.DataFrame], bilan: pd.DataFrame, *, tolerance: float,
               lisere: float) -> str:
    """Le document, chiffres de cette construction compris."""
    communes, passage = tables["communes"], tables["passage_cog"]
    com = communes[communes["type"] == "COM"]
    archives = "\n".join(f"| {outil} `{paquet}` | {version} | `{empreinte}` |"
                         for outil, paquet, version, _, empreinte in ARCHIVES.values())
    lignes = "\n".join(
        f"| {x.zone} | {x.communes} | {x.bords_fautifs} | {x.ecart_max_m2 / 1e4:.2f} ha | {x.sommets_bruts} "
        f"| {x.sommets} |" for x in bilan.itertuples())
    manquants = {f"na{a}": int(com[f"population_{a}"].isna().sum()) for a in (2020, 2021, 2022, 2023)}
    return MODELE.read_text(encoding="utf-8").format(
        archives=archives, bilan=lignes, communes=len(communes), passages=len(passage),
        anciens=len(tables["anciens_noms"]),
        sans_nom=int(passage["nom_ancien"].isna().sum()), tolerance=tolerance, lisere=lisere, **manquants)
