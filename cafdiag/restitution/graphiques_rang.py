"""Deux graphiques de points : une grandeur dans le temps, un territoire parmi ses semblables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution.document import Figure
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.fiches import valeur_dite
from cafdiag.restitution.formats import avec_unite, cle_de_tri, decimales_de, enumeration, nombre, pluriel
from cafdiag.restitution.illustrations import CORPS, LARGEUR, Toile, illustrer
from cafdiag.restitution.lignes import (
    connue,
    lire_lignes,
    nom_de,
    note_statuts,
    source_commune,
    symbole,
    une_par_territoire,
)

if TYPE_CHECKING:
    import pandas as pd

MARGE = 4.0
# Largeur d'un signe au corps courant, dans la plus large des polices de la page ; et la place des noms, au plus.
_SIGNE, _SIGNE_GRAS = 7.7, 8.3
_NOMS_AU_PLUS = 0.55
_CORPS_AU_MOINS = 10.0


def serie(
    mesures: pd.DataFrame,
    *,
    territoire: str,
    titre: str,
    sous_titre: str = "",
    source: str = "",
    decimales: int | None = None,
) -> Figure:
    """L'évolution d'une grandeur, année par année (naissances 2019-2025).

    Parameters
    ----------
    mesures : DataFrame
        Un indicateur, un territoire : ``annee``, ``valeur``, ``statut``, ``unite`` ; ``rupture`` (vrai pour une
        année qui ne se compare pas à la précédente), si elle est connue.

    Notes
    -----
    L'axe part de zéro. Une année sans valeur coupe la ligne et est écrite « n.d. » : jamais de trait
    par-dessus un trou, ni vers une année de rupture. Un point creux est une valeur estimée.
    """
    lignes = [li for li in lire_lignes(mesures) if li["territoire"] == territoire]
    if not lignes or any(est_vide(li.get("annee")) for li in lignes):
        raise DemandeFausse("une série sans année", attendu="des mesures du territoire avec leur année")
    lignes.sort(key=lambda li: int(li["annee"]))
    annees = [int(li["annee"]) for li in lignes]
    if len(set(annees)) != len(annees):
        raise DemandeFausse("deux mesures pour une même année", conseil="ne gardez qu'un indicateur")
    unite = next((li["unite"] for li in lignes if not est_vide(li.get("unite"))), None)
    places = decimales_de(unite) if decimales is None else decimales
    connus = {a: li for a, li in zip(annees, lignes, strict=True) if connue(li)}
    maximum = max((float(li["valeur"]) for li in connus.values()), default=0.0) or 1.0
    toutes = list(range(annees[0], annees[-1] + 1))
    pas = (LARGEUR - 60) / max(len(toutes) - 1, 1)
    bas, haut = 142.0, 34.0
    toile = Toile(170)
    xs = {a: 30 + i * pas for i, a in enumerate(toutes)}
    ys = {a: bas - float(li["valeur"]) / maximum * (bas - haut) for a, li in connus.items()}
    toile.ligne([8, LARGEUR - 8], [bas, bas], couleurs.ENCRE_2, 1)
    for a, b in itertools.pairwise(toutes):
        if a in ys and b in ys and not connus[b].get("rupture"):
            toile.ligne([xs[a], xs[b]], [ys[a], ys[b]], couleurs.TERRITOIRE, 2.2)
    # Un nombre long prend la place de plusieurs années : celles qu'il cacherait n'ont pas le leur.
    ecrits = [nombre(li["valeur"], decimales=places, unite=unite) for li in connus.values()]
    un_sur = max(1, math.ceil(len(toutes) / 10), math.ceil(6.9 * max(map(len, ecrits), default=0) / pas))
    # La première et la dernière ont toujours le leur.
    nommees = {0, *range(len(toutes) - 1, un_sur - 1, -un_sur)}
    for i, a in enumerate(toutes):
        if i in nommees:
            toile.texte(xs[a], bas + 15, str(a), cote="center", couleur=couleurs.ENCRE_2)
        if a in ys:
            toile.point(xs[a], ys[a], couleurs.TERRITOIRE, creux=connus[a]["statut"] != "exact")
            if i in nommees:
                dit = nombre(connus[a]["valeur"], decimales=places, unite=unite)
                # Un corps de 6,9 points par signe, et un peu d'air.
                toile.texte(
                    xs[a],
                    _a_l_ecart_du_trait(a, xs, ys, demi=3.45 * len(dit) + 3, bas=bas),
                    dit,
                    cote="center",
                    gras=a in (toutes[0], toutes[-1]),
                )
    for suite in _trous(toutes, set(ys)):
        milieu = (xs[suite[0]] + xs[suite[-1]]) / 2
        toile.texte(milieu, bas - 12, "n.d.", cote="center", couleur=couleurs.ENCRE_2, taille=CORPS - 1)
    part = unite if unite == "%" else None
    dits = [
        f"{a} : {valeur_dite(li, unite=part, decimales=places)}{symbole(li)}"
        for a, li in zip(annees, lignes, strict=True)
    ]
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre or (unite or ""),
        alternative=" ; ".join(dits) + ".",
        source=source_commune(lignes, source),
        note=note_statuts(lignes),
    )


def _trous(annees: Sequence[int], connues: Collection[int]) -> list[list[int]]:
    """Les années inconnues, par suites : un seul « n.d. » suffit à chacune.

    >>> _trous([2008, 2009, 2010, 2011], {2010})
    [[2008, 2009], [2011]]
    """
    groupes = itertools.groupby(annees, key=lambda a: a in connues)
    return [list(suite) for connu, suite in groupes if not connu]


def _a_l_ecart_du_trait(
    annee: int, xs: dict[int, float], ys: dict[int, float], *, demi: float, bas: float
) -> float:
    """À quelle hauteur écrire le nombre d'une année sans toucher le trait des années voisines.

    Examples
    --------
    >>> xs, ys = {2022: 0.0, 2023: 20.0, 2024: 40.0}, {2022: 50.0, 2023: 50.0, 2024: 80.0}
    >>> _a_l_ecart_du_trait(2022, xs, ys, demi=15, bas=142), _a_l_ecart_du_trait(2024, xs, ys, demi=15, bas=142)
    (35.0, 95.0)
    """
    ici, voisines = ys[annee], []
    for autre in (annee - 1, annee + 1):
        if autre in ys:
            part = min(demi / abs(xs[autre] - xs[annee]), 1.0)
            voisines.append(ici + part * (ys[autre] - ici))
    dessus, dessous = min([ici, *voisines]), max([ici, *voisines])
    if ici - dessus > 4 and dessous - ici < 4 and ici + 22 < bas:
        return ici + 15
    return dessus - 15


def points_classes(
    mesures: pd.DataFrame,
    *,
    territoire: str,
    titre: str,
    sous_titre: str = "",
    source: str = "",
    reference: float | None = None,
    nom_reference: str = "France",
    noms: Mapping[str, str] | None = None,
    decimales: int | None = None,
) -> Figure:
    """La place du territoire parmi ses semblables (les EPCI du département), du plus élevé au plus bas.

    Parameters
    ----------
    mesures : DataFrame
        Un indicateur, une année, une mesure par territoire.
    reference : float, optional
        Valeur tracée en trait gris (la France).

    Notes
    -----
    Le classement ne juge pas : « plus élevé » n'est pas « meilleur ». Les territoires sans valeur sont
    nommés sous le graphique, jamais placés.
    """
    lignes = lire_lignes(mesures)
    une_par_territoire(lignes)
    unite = next((li["unite"] for li in lignes if not est_vide(li.get("unite"))), None)
    places = decimales_de(unite) if decimales is None else decimales
    connues = sorted(
        (li for li in lignes if connue(li)),
        key=lambda li: (-float(li["valeur"]), cle_de_tri(nom_de(li, noms))),
    )
    absentes = [li for li in lignes if not connue(li)]
    if not connues:
        raise DemandeFausse("aucune valeur connue à classer", conseil="dites-le en une ligne")
    etendue = [float(li["valeur"]) for li in connues] + ([float(reference)] if reference is not None else [])
    depart = 0.0 if min(etendue) >= 0 else min(etendue)
    larges = [len(nom_de(li, noms)) * _signe(li["territoire"] == territoire) for li in connues]
    gauche = min(MARGE + max(larges) + 8, LARGEUR * _NOMS_AU_PLUS)
    echelle = (LARGEUR - gauche - 62) / ((max(etendue) - depart) or 1.0)
    haut = 32.0 if reference is not None else 6.0
    pas = 24.0
    toile = Toile(haut + len(connues) * pas + 4)
    if reference is not None:
        x = gauche + (float(reference) - depart) * echelle
        toile.ligne([x, x], [haut - 6, toile.hauteur], couleurs.FRANCE, 1.4, dashes=(4, 3))
        toile.texte(
            min(max(x, gauche + 30), LARGEUR - 60),
            15,
            f"{nom_reference} {nombre(reference, decimales=places, unite=unite)}",
            couleur=couleurs.ENCRE_2,
            cote="center",
        )
    for rang, ligne in enumerate(connues):
        y, ici = haut + (rang + 0.5) * pas, ligne["territoire"] == territoire
        x = gauche + (float(ligne["valeur"]) - depart) * echelle
        teinte = couleurs.TERRITOIRE if ici else couleurs.REGION
        if ici:
            toile.rectangle(0, y - pas / 2, LARGEUR, pas, "#e9f0f6")
            if reference is not None:
                xr = gauche + (float(reference) - depart) * echelle
                toile.ligne([xr, xr], [y - pas / 2, y + pas / 2], couleurs.FRANCE, 1.4, dashes=(4, 3))
        nom, corps = a_l_etroit(nom_de(ligne, noms), gauche - MARGE - 8, gras=ici)
        toile.texte(MARGE, y, nom, gras=ici, taille=corps)
        toile.ligne([gauche, x], [y, y], teinte, 2.4 if ici else 1.2)
        toile.point(
            x, y, teinte if ici else "#8aa4ba", rayon=5.5 if ici else 4.5, creux=ligne["statut"] != "exact"
        )
        dit = nombre(ligne["valeur"], decimales=places, unite=unite) + symbole(ligne)
        large = 7.2 * len(dit) + 4
        if reference is not None and x + 8 < gauche + (float(reference) - depart) * echelle < x + 8 + large:
            # Le trait de la référence s'interrompt derrière un nombre qu'il traverserait.
            toile.rectangle(x + 8, y - 9, large, 18, "#e9f0f6" if ici else couleurs.BLANC, zorder=2.5)
        toile.texte(x + 10, y, dit, gras=ici)
    dits = [f"{nom_de(li, noms)} {nombre(li['valeur'], decimales=places, unite=unite)}" for li in connues]
    phrases = [f"Du plus élevé au plus bas : {', '.join(dits)}."]
    sien = next((i for i, li in enumerate(connues, start=1) if li["territoire"] == territoire), None)
    if sien is not None:
        phrases.insert(0, f"{nom_de(connues[sien - 1], noms)} est au rang {sien} sur {len(connues)}.")
    if reference is not None:
        phrases.append(f"{nom_reference} : {avec_unite(reference, unite, decimales=places)}.")
    note = note_statuts(connues)
    if absentes:
        mot = pluriel(len(absentes), "territoire")
        nommes = enumeration([nom_de(li, noms) for li in absentes], maximum=8)
        note = f"{note} Sans valeur ({mot}) : {nommes}.".strip()
        phrases.append(note)
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre or (unite or ""),
        alternative=" ".join(phrases),
        source=source_commune(lignes, source),
        note=note,
    )


def _signe(gras: bool) -> float:
    return _SIGNE_GRAS if gras else _SIGNE


def a_l_etroit(nom: str, largeur: float, *, gras: bool = False) -> tuple[str, float]:
    """Un nom et le corps où il tient : un peu plus petit s'il le faut, coupé s'il est encore trop long.

    >>> a_l_etroit("Pays de Craon", 223), a_l_etroit("Gémozac et de la Saintonge Viticole", 223)[1]
    (('Pays de Craon', 12.5), 10.3)
    """
    corps = max(min(CORPS, CORPS * largeur / (_signe(gras) * len(nom))), _CORPS_AU_MOINS)
    tient = int(largeur / (_signe(gras) * corps / CORPS))
    return nom if len(nom) <= tient else nom[: tient - 1].rstrip() + "…", int(corps * 10) / 10


def largeur_a_l_etroit(nom: str, corps: float) -> float:
    """La place que prend un nom à ce corps, au plus."""
    return _SIGNE_GRAS * len(nom) * corps / CORPS
