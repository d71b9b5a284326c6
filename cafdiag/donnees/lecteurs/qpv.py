"""ANCT : contours des quartiers prioritaires 2024. Les communes d'un quartier sont dites, jamais déduites du tracé."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cafdiag.donnees.compte_rendu import Brut, Lecture
from cafdiag.donnees.lecteurs import Lecteur
from cafdiag.donnees.lecteurs.anct import QPV, refuser_anciens_codes
from cafdiag.donnees.lecteurs.assemblage import Chantier, refuser, trouver
from cafdiag.donnees.lecteurs.ign import (
    QPV_CODE,
    QPV_NOM,
    brut_geo,
    est_qpv,
    geographique,
    lire_geo,
    sans_trace,
    valider,
)
from cafdiag.magasin import lire_table
from cafdiag.millesimes import millesime
from cafdiag.territoires import a_jour

_GEOMETRIE = r"geometry|geom|geo_shape|the_geom|wkb_geometry|contour"
_COMMUNES = r"insee_com(munes?)?|code_insee|list_com.*|codgeo|communes?"
_CODE = r"QN(?:0\d\d|02[AB]|9[78]\d)\d\d[A-Z]"
# Polynésie (QN987), Saint-Martin (QN978) : la géographie prioritaire y existe, le code officiel des communes non.
HORS_COG = "quartier hors du code officiel géographique (Polynésie, Saint-Martin…)"
# Un quartier est dans sa commune : au-delà d'un degré de son centre, ce n'est plus une affaire de tracé.
_LOIN = 1.0


def reconnait_qpv(brut: Brut) -> bool:
    """Contours des QPV : code_qp, lib_qp et une géométrie."""
    return bool(est_qpv(brut.entete) and (geographique(brut.fichier) or trouver(brut.entete, _GEOMETRIE)
                                          or trouver(brut.entete, "insee_com")))


@sans_trace
def lire_qpv(chemin: Path, *, feuille: str | None = None, annee: int | None = None) -> Lecture:
    """Contours des quartiers prioritaires 2024 ; un quartier peut être à cheval sur plusieurs communes."""
    import geopandas as gpd

    brut = brut_geo(chemin, feuille, est_qpv)
    code, nom = trouver(brut.entete, QPV_CODE), trouver(brut.entete, QPV_NOM)
    if code is None or nom is None:
        raise refuser(brut, *(f"colonne absente : « {c} »" for c, v in (("code_qp", code), ("lib_qp", nom)) if not v),
                      attendu="code_qp et lib_qp ; colonnes trouvées : " + ", ".join(brut.entete[:15]))
    chantier = Chantier(brut, "qpv", annee=annee)
    codes = brut.table[code].str.upper().str.strip()
    refuser_anciens_codes(chantier, codes)
    chantier.rejeter(~codes.str.fullmatch(_CODE), "code de quartier illisible (attendu : QN, département sur trois "
                     "caractères, deux chiffres, une lettre)", brut.table[code])
    communes, etrangers, contredites = _communes(brut, codes)
    chantier.remarques += contredites
    chantier.mettre_de_cote(etrangers, HORS_COG)
    chantier.rejeter(communes.eq(""), f"quartier inconnu de la liste {millesime('qpv.liste')}, et le fichier ne "
                     "dit pas sa commune (insee_com)", codes)
    geo = lire_geo(chemin, brut)
    if len(geo) != len(brut.table):
        raise refuser(brut, f"{len(brut.table)} quartiers, mais {len(geo)} contours lus")
    chantier.remarques = list(dict.fromkeys([*chantier.remarques, *brut.remarques]))
    geo = valider(chantier, geo)
    chantier.rejeter(_loin(geo, communes), "contour loin de sa commune, ou hors de France (longitude et latitude "
                     "échangées ?)", codes)
    population = trouver(brut.entete, r"pop(ulation)?(_mun)?(_20\d\d)?")
    table = gpd.GeoDataFrame({
        "code": codes, "nom": brut.table[nom], "communes": communes,
        "population": chantier.nombres(population)[0] if population else np.nan,
    }, geometry=geo.geometry.to_numpy(), crs=4326)
    empreintes = pd.DataFrame({"wkb": table.geometry.to_wkb(hex=True)}, index=brut.table.index)
    chantier.sans_doublon([codes], empreintes)
    chantier.refuser_si_vide("code_qp, lib_qp et un contour par quartier")
    table = table[chantier.garde].reset_index(drop=True)
    return chantier.rendre(table, annees=[millesime("qpv.liste")],
                           source=f"ANCT, quartiers prioritaires {millesime('qpv.liste')}", millesime=QPV)


def _communes(brut: Brut, codes: pd.Series) -> tuple[pd.Series, np.ndarray, list[str]]:
    """Communes actuelles de chaque quartier (« 33324 33402 »), quartiers hors du code officiel, et contradictions.

    Celles de la liste de l'ANCT pour un quartier qu'elle connaît ; pour un autre, celles que le fichier dit, ramenées
    au COG, un arrondissement à sa ville. Le fichier de contours de 2024 met le quartier Bouéni hors de Bouéni.
    """
    reference = lire_table("communes", colonnes=["code", "type", "commune_mere"]).set_index("code")
    departements = set(lire_table("departements", colonnes=["code"])["code"])
    listees = lire_table("qpv", colonnes=["identifiant", "communes"]).set_index("identifiant")["communes"]
    etrangers = codes.str.fullmatch(_CODE) & ~codes.str[2:5].str.removeprefix("0").isin(departements)
    dites = pd.Series("", index=codes.index, dtype=object)
    if colonne := trouver(brut.entete, _COMMUNES):
        lues = brut.table[colonne].str.findall(r"\b(?:\d{5}|2[AB]\d{3})\b").explode().dropna()
        actuelles = a_jour(lues.astype("str"))["code_actuel"].set_axis(lues.index)
        actuelles = actuelles.where(actuelles.notna(), lues)
        meres = actuelles.map(reference["commune_mere"])
        actuelles = meres.where(meres.notna(), actuelles)
        connues = actuelles[actuelles.map(reference["type"]).eq("COM")]
        dites.update(connues.groupby(level=0).agg(lambda c: " ".join(sorted(set(c)))))
        # Toutes ses communes sont inconnues du COG : une collectivité d'outre-mer, sous un autre code.
        ailleurs = lues.index.difference(connues.index)
        etrangers |= codes.index.isin(ailleurs) & ~codes.isin(listees.index)
    connues = codes.map(listees)
    contraires = dites.ne("") & connues.notna() & dites.ne(connues)
    contredites = [f"{codes[i]} : communes {connues[i]} dans la liste de l'ANCT, {dites[i]} ici ; la liste l'emporte"
                   for i in codes.index[contraires]]
    return connues.where(connues.notna(), dites), etrangers.to_numpy(dtype=bool), contredites


def _loin(geo, communes: pd.Series) -> np.ndarray:
    """Contours à plus d'un degré de leur première commune."""
    centres = lire_table("communes", colonnes=["code", "lon", "lat"]).set_index("code")
    premiere = communes.str.split().str[0]
    bornes = geo.geometry.bounds
    ecarts = [(bornes[f"min{a}"] + bornes[f"max{a}"]).to_numpy() / 2 - premiere.map(centres[c]).to_numpy(dtype=float)
              for a, c in (("x", "lon"), ("y", "lat"))]
    return np.abs(np.stack(ecarts)).max(axis=0) > _LOIN


LECTEURS = (
    Lecteur("anct_qpv", f"contours des {QPV}", lambda b: 0.88 * reconnait_qpv(b), lire_qpv,
            ("code_qp", "lib_qp", "insee_com", "geometry")),
)
