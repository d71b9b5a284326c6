"""L'avis préalable : ce qu'un projet de places changerait au taux de couverture, ici et alentour.

Un taux publié compte les places là où elles sont : celui d'un voisin ne bouge pas, celui de l'ensemble formé avec lui
bouge. ``taux après = taux + 100 × places / enfants``, encadré par l'arrondi du taux et par le nombre d'enfants.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass

import pandas as pd

from cafdiag.donnees import Apports
from cafdiag.erreurs import CafdiagError, DemandeFausse
from cafdiag.indicateurs.baremes import Baremes, lire_baremes
from cafdiag.indicateurs.besoin import MODES_CREES
from cafdiag.indicateurs.cout import chiffrer
from cafdiag.indicateurs.petite_enfance import bornes_du_taux
from cafdiag.indicateurs.simulation import TAUX, Simulateur
from cafdiag.territoires import Territoire, exiger_la_ville, territoire

MODES_DE_L_AVIS = ("eaje_psu", "eaje_hors_psu")
MAILLES = ("commune", "epci", "perimetre")
PLACES_MAX = 2000
COLONNES = [
    "role", "code", "nom", "maille", "taux", "annee", "avant", "avant_bas", "avant_haut", "gain", "gain_bas",
    "gain_haut", "apres", "apres_bas", "apres_haut", "enfants", "enfants_bas", "enfants_haut", "manque", "manque_bas",
    "manque_haut", "avant_statut", "statut", "motif", "source",
]  # fmt: skip


@dataclass(frozen=True)
class Avis:
    """Ce qu'un projet changerait.

    Attributes
    ----------
    lieu : Territoire
        Là où seraient les places.
    places : int
    mode : str
        ``eaje_psu`` ou ``eaje_hors_psu``.
    effets : DataFrame
        Une ligne par lieu et par taux (``COLONNES``) : ``role`` vaut ``projet``, ``epci``, ``ensemble``,
        ``departement`` ou ``voisin`` ; ``avant`` et son ``avant_statut``, ``gain``, ``apres`` et leurs bornes ;
        ``manque``, les places qui manquent aujourd'hui pour rejoindre le département.
    financement : DataFrame
        Ce que la Caf apporte aux places du projet (:func:`cafdiag.indicateurs.cout.chiffrer`).
    inconnues, sources : tuple of str
    """

    lieu: Territoire
    places: int
    mode: str
    effets: pd.DataFrame
    financement: pd.DataFrame
    inconnues: tuple[str, ...]
    sources: tuple[str, ...]

    def lignes(self, role: str, taux: str = "global") -> pd.DataFrame:
        """Les effets d'un rôle, pour un taux."""
        return self.effets[self.effets["role"].eq(role) & self.effets["taux"].eq(taux)]


def lire_places(ecrit: object) -> int:
    """Le nombre de places d'un projet : un entier d'au moins une place.

    >>> lire_places("20"), lire_places(" 1 200 ")
    (20, 1200)
    """
    texte = str(ecrit).strip().replace(" ", "").replace("\u202f", "").replace("\u00a0", "")
    if not (texte.isascii() and texte.isdigit() and 0 < int(texte) <= PLACES_MAX):
        raise DemandeFausse(f"places : « {ecrit} »", attendu=f"un nombre entier de places, de 1 à {PLACES_MAX}")
    return int(texte)


def effet(
    places: float, taux: tuple[float, float, float], enfants: tuple[float, float, float]
) -> dict[str, float]:
    """Le gain et le taux d'après, encadrés.

    Parameters
    ----------
    places : float
        Places créées.
    taux, enfants : tuple of float
        Valeur, borne basse, borne haute ; un manquant reste manquant.

    Examples
    --------
    >>> dit = effet(20, (60.0, 59.95, 60.05), (1000.0, 900.0, 1100.0))
    >>> {c: round(v, 2) for c, v in dit.items()}["apres"]
    62.0
    >>> round(dit["gain_bas"], 2), round(dit["gain_haut"], 2)
    (1.82, 2.22)
    """

    def par_cent(n: float) -> float:
        return 100 * places / n if n > 0 else math.nan

    valeur, bas, haut = enfants
    gain = {"gain": par_cent(valeur), "gain_bas": par_cent(haut), "gain_haut": par_cent(bas)}
    apres = {
        f"apres{s}": t + gain[f"gain{s}"] for s, t in zip(("", "_bas", "_haut"), taux, strict=True)
    }
    return gain | apres


def avis(
    cible: Territoire | str,
    places: int | str,
    *,
    mode: str = "eaje_psu",
    baremes: Baremes | str | None = None,
    apports: Apports | None = None,
) -> Avis:
    """Ce qu'un projet de places changerait au taux du territoire, de l'ensemble formé avec ses voisins, et le besoin.

    Parameters
    ----------
    cible : Territoire or str
        La commune du projet (code ou nom) ; un EPCI ou un périmètre, si la commune n'est pas arrêtée.
    places : int
        Places créées, au moins une.
    mode : {"eaje_psu", "eaje_hors_psu"}
        Crèche à prestation de service unique, ou micro-crèche à Paje.
    baremes : Baremes or str, optional
    apports : Apports, optional

    Raises
    ------
    TerritoireInconnu, TerritoireAmbigu
        Lieu inconnu : les plus proches sont proposés.
    DemandeFausse
        Places qui ne sont pas un entier positif, mode inconnu, maille d'un autre ordre.

    Examples
    --------
    >>> craon = avis("53084", 20)
    >>> craon.lignes("epci")[["avant", "apres_bas", "apres_haut", "statut"]].round(1).to_dict("records")
    [{'avant': 79.9, 'apres_bas': 81.9, 'apres_haut': 82.8, 'statut': 'estime'}]
    """
    lieu = cible if isinstance(cible, Territoire) else territoire(cible)
    nombre = lire_places(places)
    if mode not in MODES_DE_L_AVIS:
        raise DemandeFausse(f"mode : « {mode} »", attendu=" ou ".join(MODES_DE_L_AVIS))
    if lieu.maille not in MAILLES:
        raise DemandeFausse(
            f"{lieu.libelle} : un projet se situe dans une commune",
            attendu="une commune, un EPCI ou un périmètre",
            conseil="donnez le code ou le nom de la commune du projet",
        )
    exiger_la_ville(lieu, "les taux d'accueil se publient pour la ville")
    lignes = []
    for role, ici in _lieux(lieu):
        simulateur = Simulateur(ici, apports=apports)
        for taux in TAUX:
            lignes.append(_ligne(role, ici, simulateur, taux, 0 if role == "voisin" else nombre))
    modes = pd.DataFrame(
        {"mode": [mode], "libelle": [MODES_CREES[mode]], "part": [100.0]}
        | {c: [float(nombre)] for c in ("places", "bas", "haut")}
    )
    lus = baremes if isinstance(baremes, Baremes) else lire_baremes(baremes)
    financement, _, inconnues = chiffrer(modes, lus)
    effets = pd.DataFrame(lignes, columns=COLONNES)
    sources = tuple(dict.fromkeys(s for source in effets["source"] for s in source.split(" ; ") if s))
    return Avis(lieu, nombre, mode, effets, financement, inconnues, sources)


def _lieux(lieu: Territoire) -> list[tuple[str, Territoire]]:
    """Le lieu du projet, ce qui le contient, ses voisins, et l'ensemble qu'il forme avec eux."""
    lieux = [("projet" if lieu.maille == "commune" else "epci", lieu)]
    pivot = lieu
    if lieu.maille == "commune" and "epci" in lieu.parents:
        pivot = lieu.parents["epci"]
        lieux.append(("epci", pivot))
    voisins = list(pivot.voisins) if pivot.maille == "epci" else []
    if voisins:
        # Un périmètre trop étendu ou à cheval sur la mer ne se compose pas : on s'en passe.
        with contextlib.suppress(CafdiagError):
            lieux.append(("ensemble", territoire("+".join(v.code for v in (pivot, *voisins)))))
    if len(lieu.departements) == 1 and "departement" in lieu.parents:
        lieux.append(("departement", lieu.parents["departement"]))
    return [*lieux, *(("voisin", v) for v in voisins)]


def _ligne(role: str, lieu: Territoire, simulateur: Simulateur, taux: str, places: int) -> dict:
    references = simulateur.references(taux)
    ici = references.loc["territoire"]
    cible = "departement" if pd.notna(references["valeur"].get("departement")) else "france"
    # Sans référence, une cible quelconque : on n'en lira que le taux et les enfants d'aujourd'hui.
    connue = pd.notna(references["valeur"].get(cible))
    besoin = simulateur.vers(cible if connue else 100.0, taux=taux).besoin.iloc[0]
    bas, haut = (float(b.iloc[0]) for b in bornes_du_taux(references.loc[["territoire"]]))
    avant = (float(besoin["taux"]), bas, haut)
    enfants = (float(besoin["enfants"]), float(besoin["enfants_bas"]), float(besoin["enfants_haut"]))
    rejointe = cible == "departement"
    if math.isnan(enfants[0]):
        statut, motif = "non_disponible", besoin["motif_enfants"]
    elif math.isnan(avant[0]):
        statut, motif = "non_disponible", ici["motif"]
    else:
        statut, motif = ("estime" if "estime" in (ici["statut"], besoin["statut_enfants"]) else "arrondi"), ""
    return {
        "role": role,
        "code": lieu.code,
        "nom": lieu.nom,
        "maille": lieu.maille,
        "taux": taux,
        "annee": besoin["annee"],
        **dict(zip(("avant", "avant_bas", "avant_haut"), avant, strict=True)),
        **effet(places, avant, enfants),
        **dict(zip(("enfants", "enfants_bas", "enfants_haut"), enfants, strict=True)),
        "manque": besoin["places"] if rejointe else math.nan,
        "manque_bas": besoin["bas"] if rejointe else math.nan,
        "manque_haut": besoin["haut"] if rejointe else math.nan,
        "avant_statut": ici["statut"],
        "statut": statut,
        "motif": motif,
        "source": f"{besoin['source_taux']} ; {besoin['source_enfants']}",
    }
