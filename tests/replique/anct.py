"""data.gouv.fr : les contours des quartiers prioritaires 2024, Polynésie et Saint-Martin compris."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

from cafdiag.magasin import lire_table
from replique.insee import archiver
from replique.monde import Monde

MEMBRE = "GEOJSON/QP2024_France_Hexagonale_Outre_Mer_WGS84.geojson"


def quartiers(m: Monde, dossier: Path) -> Path:
    """L'archive des contours ; à défaut du vrai fichier, un carré de 400 m au centre de la première commune."""
    chemin = dossier / "qp2024.geojson"
    if m.reels:
        with gzip.open(m.reels / "anct" / "QPV2024_contours_4decimales.geojson.gz") as source, \
                chemin.open("wb") as sortie:
            shutil.copyfileobj(source, sortie)
    else:
        communes = lire_table("communes").set_index("code")
        traits = []
        listees = lire_table("qpv", colonnes=["identifiant", "nom", "communes"])
        for code, nom, liste in listees.itertuples(index=False, name=None):
            if liste.split()[0] in set(m.communes["code"]):
                x, y = communes.loc[liste.split()[0], ["lon", "lat"]]
                traits.append(_trait(code, nom, ", ".join(liste.split()), float(x), float(y)))
        traits += [_trait(f"QN987{i:02d}I", f"Quartier {i}", "98735", -149.57, -17.54) for i in range(1, 89)]
        traits += [_trait(f"QN978{i:02d}I", f"Quartier {i}", "97801", -63.08, 18.07) for i in range(1, 4)]
        chemin.write_text(json.dumps({"type": "FeatureCollection", "features": traits}, ensure_ascii=False),
                          encoding="utf-8")
    return archiver(dossier / "qpv.zip", {MEMBRE: chemin})


def _trait(code: str, nom: str, communes: str, x: float, y: float) -> dict:
    d = 0.002
    carre = [[x - d, y - d], [x + d, y - d], [x + d, y + d], [x - d, y + d], [x - d, y - d]]
    return {"type": "Feature", "properties": {"code_qp": code, "lib_qp": nom, "insee_com": communes},
            "geometry": {"type": "MultiPolygon", "coordinates": [[[[round(a, 4), round(b, 4)] for a, b in carre]]]}}
