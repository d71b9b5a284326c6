"""Chiffrer des postes par les barèmes : une fourchette par poste, un total qui ne cache aucune inconnue.

Fonctions pures : elles reçoivent les barèmes et les quantités, ne lisent rien.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from cafdiag.erreurs import DemandeFausse
from cafdiag.indicateurs.baremes import Baremes

COLONNES = [
    "poste",
    "bareme",
    "quantite_bas",
    "quantite_haut",
    "bareme_bas",
    "bareme_haut",
    "unite",
    "bas",
    "haut",
    "statut",
    "motif",
    "periode",
    "source",
]
CONNUS = ("lu", "infere", "conflit")


@dataclass(frozen=True)
class Poste:
    """Une quantité à chiffrer par un barème : des places, des heures, une dépense en euros.

    ``quantite`` est un nombre ou un couple (bas, haut) ; None : elle n'est pas connue.
    """

    bareme: str
    quantite: float | tuple[float, float] | None
    libelle: str = ""
    motif: str = ""

    @property
    def bornes(self) -> tuple[float, float] | None:
        """Bornes de la quantité, contrôlées."""
        if self.quantite is None:
            return None
        paire = self.quantite if isinstance(self.quantite, tuple) else (self.quantite, self.quantite)
        bas, haut = (float(x) for x in paire)
        if math.isnan(bas) or math.isnan(haut):
            return None
        if not 0 <= bas <= haut < math.inf:
            raise DemandeFausse(
                f"quantité de « {self.libelle or self.bareme} » : {self.quantite!r}",
                attendu="un nombre positif, ou deux bornes dans l'ordre",
            )
        return bas, haut


def financer(postes: Iterable[Poste], baremes: Baremes, *, annee: int | None = None) -> pd.DataFrame:
    """Montant de chaque poste, en euros : quantité × barème, borne à borne.

    Un barème en « % » s'applique à une dépense. Un barème inconnu, à confirmer, ou sans valeur cette année-là,
    laisse le montant vide, avec son motif. Un barème « plafonné » dont le plafond n'a pas été lu ne donne qu'un
    majorant : ``haut`` seul. Deux barèmes qui se contredisent donnent leur enveloppe, statut ``conflit``.

    Returns
    -------
    DataFrame
        Une ligne par poste : ``COLONNES``.

    Examples
    --------
    >>> from cafdiag.indicateurs.baremes import lire_baremes
    >>> places = Poste("bonus_territoire_places_nouvelles", 49)
    >>> financer([places], lire_baremes(), annee=2025)[["bas", "haut", "statut"]].to_dict("records")
    [{'bas': 127400.0, 'haut': 176400.0, 'statut': 'lu'}]
    """
    lignes = [_chiffrer(poste, baremes, annee) for poste in postes]
    table = pd.DataFrame(lignes, columns=COLONNES)
    nombres = ["quantite_bas", "quantite_haut", "bareme_bas", "bareme_haut", "bas", "haut"]
    return table.astype(dict.fromkeys(nombres, "float64"))


def _chiffrer(poste: Poste, baremes: Baremes, annee: int | None) -> dict:
    choix = baremes.choisir(poste.bareme, annee=annee)
    quantites = poste.bornes
    ligne = {
        "poste": poste.libelle or choix.libelle,
        "bareme": poste.bareme,
        "bareme_bas": choix.bas,
        "bareme_haut": choix.haut,
        "unite": choix.unite,
        "statut": choix.statut,
        "motif": choix.motif,
        "periode": choix.periode,
        "source": choix.source,
    }
    if quantites is None:
        motif = poste.motif or "quantité inconnue"
        return ligne | {"statut": "inconnu", "motif": " ; ".join(m for m in (motif, choix.motif) if m)}
    ligne |= {"quantite_bas": quantites[0], "quantite_haut": quantites[1]}
    if not choix.connu or choix.statut not in CONNUS:
        nul = quantites == (0.0, 0.0)
        return ligne | ({"bas": 0.0, "haut": 0.0} if nul else {})
    facteur = 0.01 if choix.unite == "%" else 1.0
    bas, haut = choix.bornes
    ligne["haut"] = quantites[1] * haut * facteur
    if not choix.plafonne:
        return ligne | {"bas": quantites[0] * bas * facteur}
    motif = "au plus : le plafond n'a pas été lu"
    return ligne | {"motif": " ; ".join(m for m in (motif, choix.motif) if m)}


def totaliser(postes: pd.DataFrame) -> tuple[float, float]:
    """Somme de postes, sans cacher d'inconnue : (bas, haut), une borne manquante restant manquante.

    ``bas`` est la somme des minorants connus (« au moins »), manquante si aucun ne l'est ; ``haut`` manque dès
    qu'un poste n'a pas de majorant.

    Examples
    --------
    >>> totaliser(pd.DataFrame({"bas": [100.0, float("nan")], "haut": [150.0, float("nan")]}))
    (100.0, nan)
    """
    if postes.empty:
        return 0.0, 0.0
    return float(postes["bas"].sum(min_count=1)), float(postes["haut"].sum(skipna=False))


def financer_alsh(
    baremes: Baremes,
    *,
    periscolaire: float = 0,
    extrascolaire: float = 0,
    nouvelles_mercredi: float = 0,
    inclusion: float = 0,
    contractualisees: float | None = None,
    annee: int | None = None,
) -> pd.DataFrame:
    """Financement d'heures d'accueil de loisirs (heures-enfants d'une année).

    Prestation de service = heures × barème ; une heure nouvelle du mercredi labellisée Plan mercredi reçoit en plus
    la bonification (0,54 + 0,46 = 1,00 € en 2018) ; une heure d'un enfant bénéficiaire de l'AEEH, le complément
    inclusif. Le bonus territoire ALSH existe, son montant n'a pas été lu : il reste inconnu.

    Parameters
    ----------
    baremes : Baremes
    periscolaire, extrascolaire : float
        Heures-enfants payées, par temps (les heures du mercredi sont périscolaires).
    nouvelles_mercredi : float
        Parmi les heures périscolaires, celles du mercredi qui sont nouvelles et labellisées.
    inclusion : float
        Heures d'enfants bénéficiaires de l'AEEH, parmi les précédentes.
    contractualisees : float, optional
        Heures contractualisées : elles bornent les heures nouvelles du bonus territoire.
    annee : int, optional
        Année de barème ; la dernière connue par défaut.

    Raises
    ------
    DemandeFausse
        Heures qui ne sont pas un nombre positif ; plus d'heures nouvelles que d'heures périscolaires ; plus d'heures
        d'inclusion que d'heures payées : tous les défauts d'un coup.

    Examples
    --------
    >>> from cafdiag.indicateurs.baremes import lire_baremes
    >>> table = financer_alsh(lire_baremes(), periscolaire=1, nouvelles_mercredi=1, annee=2018)
    >>> totaliser(table[table["bareme"].ne("bonus_territoire_alsh")])
    (1.0, 1.0)
    """
    heures = {
        "periscolaire": periscolaire,
        "extrascolaire": extrascolaire,
        "nouvelles_mercredi": nouvelles_mercredi,
        "inclusion": inclusion,
    }
    _verifier_heures(heures if contractualisees is None else heures | {"contractualisees": contractualisees})
    # Un seul barème jusqu'en 2022, un par temps ensuite : on prend celui que l'année connaît.
    unique = baremes.choisir("pso_alsh", annee=annee).connu
    codes = ("pso_alsh", "pso_alsh") if unique else ("pso_alsh_periscolaire", "pso_alsh_extrascolaire")
    postes = [
        Poste(codes[0], periscolaire, "Prestation de service, heures périscolaires"),
        Poste(codes[1], extrascolaire, "Prestation de service, heures extrascolaires"),
        Poste("plan_mercredi", nouvelles_mercredi),
        Poste("complement_inclusif", inclusion),
    ]
    postes = [p for p in postes if p.bornes != (0.0, 0.0)]
    retenues = nouvelles_mercredi
    part = baremes.choisir("bonus_territoire_alsh_plafond", annee=annee)
    if contractualisees is not None and part.connu:
        retenues = min(retenues, contractualisees * part.bornes[1] / 100)
    if retenues:
        postes.append(Poste("bonus_territoire_alsh", retenues))
    return financer(postes, baremes, annee=annee)


def _verifier_heures(heures: dict[str, float]) -> None:
    """Refuse des heures qui n'en sont pas, ou une partie plus grande que son tout."""
    defauts = [
        f"{nom} : {h!r}"
        for nom, h in heures.items()
        if isinstance(h, bool) or not isinstance(h, (int, float)) or not 0 <= h < math.inf
    ]
    if not defauts:
        periscolaire, extrascolaire = heures["periscolaire"], heures["extrascolaire"]
        for nom, dites, tout, dit in (
            ("nouvelles_mercredi", "heures nouvelles du mercredi", periscolaire, "heures périscolaires"),
            ("inclusion", "heures d'inclusion", periscolaire + extrascolaire, "heures péri et extrascolaires"),
        ):
            if heures[nom] > tout:
                defauts.append(f"{heures[nom]:g} {dites} pour {tout:g} {dit}")
    if defauts:
        raise DemandeFausse(
            " ; ".join(defauts),
            attendu="des heures en nombres positifs ; celles du mercredi comprises dans les heures périscolaires, "
            "celles d'inclusion dans l'ensemble",
        )


def financer_animation(
    baremes: Baremes,
    *,
    animation_globale: float = 0,
    animation_locale: float = 0,
    familles: float = 0,
    annee: int | None = None,
) -> pd.DataFrame:
    """Financement de l'animation de la vie sociale, au plus : taux × dépenses de l'année (€).

    Parameters
    ----------
    baremes : Baremes
    animation_globale : float
        Dépenses d'animation globale et de coordination d'un centre social.
    animation_locale : float
        Dépenses d'animation locale d'un espace de vie sociale.
    familles : float
        Dépenses d'animation collective familles.
    annee : int, optional
        Année de barème ; la dernière connue par défaut.

    Returns
    -------
    DataFrame
        Voir :func:`financer`. ``bas`` est vide : la dépense retenue est plafonnée, et le plafond n'a pas été lu.

    Examples
    --------
    >>> from cafdiag.indicateurs.baremes import lire_baremes
    >>> financer_animation(lire_baremes(), animation_locale=10_000)["haut"].item()
    6360.0
    """
    depenses = {
        "animation_globale": animation_globale,
        "animation_locale": animation_locale,
        "animation_familles": familles,
    }
    return financer([Poste(c, d) for c, d in depenses.items() if d], baremes, annee=annee)
