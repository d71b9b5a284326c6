"""Les graphiques d'un diagnostic : modes d'accueil, comparaison, naissances, âges, place parmi les EPCI.

Chaque fonction reçoit des Mesures et rend une :class:`~cafdiag.restitution.document.Figure`. Le territoire a toujours
sa couleur, la France son gris ; une valeur estimée est creuse ou hachurée, un manquant est écrit « n.d. ».
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution.document import Figure
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.fiches import valeur_dite
from cafdiag.restitution.formats import avec_unite, decimales_de, enumeration, nombre
from cafdiag.restitution.graphiques_rang import a_l_etroit, largeur_a_l_etroit, points_classes, serie
from cafdiag.restitution.illustrations import CORPS, LARGEUR, Toile, illustrer
from cafdiag.restitution.lignes import (
    connue,
    couleur_de,
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
_NOMS_DE_BARRES = 235.0


def barres_empilees(
    mesures: pd.DataFrame,
    *,
    territoire: str,
    titre: str,
    sous_titre: str = "",
    source: str = "",
    noms: Mapping[str, str] | None = None,
    total: str = "PE_TXCOUV_GLOBAL",
    modes: Mapping[str, tuple[str, str]] = couleurs.MODES,
) -> Figure:
    """Ce dont l'offre est faite, mode d'accueil par mode d'accueil, à chaque maille.

    Parameters
    ----------
    mesures : DataFrame
        Mesures des indicateurs de `modes` et, si possible, de `total` ; une année.
    territoire : str
        Code du territoire du diagnostic, dessiné et nommé en gras.
    total : str
        Indicateur écrit au bout de la barre. La somme des modes peut s'en écarter de l'arrondi.
    modes : mapping
        ``{indicateur: (libellé, couleur)}``, dans l'ordre d'empilement.

    Notes
    -----
    Un mode non publié n'est pas un segment nul : il est écrit « n.d. » à côté du nom.
    """
    lignes = [li for li in lire_lignes(mesures) if li["indicateur"] in modes or li["indicateur"] == total]
    codes = list(dict.fromkeys(li["territoire"] for li in lignes))
    par_case = {(li["territoire"], li["indicateur"]): li for li in lignes}
    if len(par_case) != len(lignes):
        raise DemandeFausse("plusieurs mesures pour une même barre", attendu="une année par indicateur")
    if not codes:
        raise DemandeFausse("aucun mode d'accueil dans les mesures", attendu=", ".join(modes))
    sommes = {
        c: sum(
            float(par_case[c, m]["valeur"]) for m in modes if (c, m) in par_case and connue(par_case[c, m])
        )
        for c in codes
    }
    echelle = (LARGEUR - 62) / max([*sommes.values(), 1e-9])
    rang_legende = math.ceil(len(modes) / 2)
    haut = 14 + rang_legende * 20
    toile = Toile(haut + len(codes) * 54 + 4)
    for i, (libelle, teinte) in enumerate(modes.values()):
        x, y = MARGE + (i % 2) * (LARGEUR / 2), 10 + (i // 2) * 20
        toile.rectangle(x, y - 6, 13, 12, teinte)
        toile.texte(x + 20, y, libelle)
    phrases = []
    for rang, code in enumerate(codes):
        y = haut + rang * 54
        modele = next(li for li in lignes if li["territoire"] == code)
        nom, gras = nom_de(modele, noms), code == territoire
        absents = [
            libelle
            for m, (libelle, _) in modes.items()
            if (code, m) not in par_case or not connue(par_case[code, m])
        ]
        toile.texte(MARGE, y + 9, nom, gras=gras)
        x = MARGE
        for m, (_, teinte) in modes.items():
            ligne = par_case.get((code, m))
            if ligne is None or not connue(ligne):
                continue
            longueur = float(ligne["valeur"]) * echelle
            toile.rectangle(x, y + 19, max(longueur - 1, 0.4), 22, teinte)
            dit = nombre(ligne["valeur"], decimales=1)
            if longueur > 8 * len(dit) + 4:
                toile.texte(
                    x + longueur / 2,
                    y + 30,
                    dit,
                    couleur=couleurs.encre_sur(teinte),
                    cote="center",
                    taille=CORPS - 0.5,
                )
            x += longueur
        global_ = par_case.get((code, total))
        if global_ is not None and connue(global_):
            toile.texte(x + 6, y + 30, nombre(global_["valeur"], decimales=1), gras=True)
        if absents:
            toile.texte(
                LARGEUR - MARGE,
                y + 9,
                "n.d. : " + enumeration(absents).lower(),
                couleur=couleurs.ENCRE_2,
                taille=CORPS - 2,
                cote="right",
            )
        detail = [
            f"{libelle} {valeur_dite(par_case[code, m], unite=None, decimales=1)}"
            for m, (libelle, _) in modes.items()
            if (code, m) in par_case
        ]
        tete = (
            f"{nombre(global_['valeur'], decimales=1)} au total, dont " if global_ and connue(global_) else ""
        )
        phrases.append(f"{nom} : {tete}{', '.join(detail)}.")
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre,
        alternative=" ".join(phrases),
        source=source_commune(lignes, source),
    )


def barres_comparaison(
    mesures: pd.DataFrame,
    *,
    territoire: str,
    titre: str,
    sous_titre: str = "",
    source: str = "",
    noms: Mapping[str, str] | None = None,
    decimales: int | None = None,
) -> Figure:
    """Un indicateur à plusieurs mailles ou territoires, avec l'intervalle et le statut.

    Parameters
    ----------
    mesures : DataFrame
        Un indicateur, une année, une mesure par territoire, dans l'ordre à montrer.
    territoire : str
        Code du territoire du diagnostic.

    Notes
    -----
    Le trait fin au bout d'une barre est l'intervalle ``bas``-``haut``. Les barres partent de zéro ; une
    valeur négative part vers la gauche.
    """
    lignes = lire_lignes(mesures)
    une_par_territoire(lignes)
    unite = next((li["unite"] for li in lignes if not est_vide(li.get("unite"))), None)
    places = decimales_de(unite) if decimales is None else decimales
    etendue = [0.0] + [
        float(li[c]) for li in lignes for c in ("valeur", "bas", "haut") if not est_vide(li.get(c))
    ]
    bas, haut = min(etendue), max(etendue)
    debut = MARGE + (58 if bas < 0 else 0)
    echelle = (LARGEUR - 84 - debut) / ((haut - bas) or 1.0)
    zero = debut - bas * echelle
    toile = Toile(len(lignes) * 46 + 6)
    phrases = []
    for rang, ligne in enumerate(lignes):
        y, gras = rang * 46 + 4, ligne["territoire"] == territoire
        nom, teinte = nom_de(ligne, noms), couleur_de(ligne, territoire)
        toile.texte(MARGE, y + 9, nom, gras=gras)
        if not connue(ligne):
            toile.texte(
                zero,
                y + 29,
                valeur_dite(ligne, unite=unite, decimales=places),
                couleur=couleurs.ENCRE_2,
                taille=CORPS - 1,
            )
        else:
            x = zero + float(ligne["valeur"]) * echelle
            estime = ligne["statut"] != "exact"
            toile.rectangle(
                min(zero, x),
                y + 19,
                abs(x - zero),
                19,
                "#ffffff" if estime else teinte,
                edgecolor=teinte,
                linewidth=1.2 if estime else 0,
                hatch="////" if estime else None,
            )
            bout = x
            if (
                not est_vide(ligne.get("bas"))
                and not est_vide(ligne.get("haut"))
                and ligne["bas"] != ligne["haut"]
            ):
                gauche, droite = (zero + float(ligne[c]) * echelle for c in ("bas", "haut"))
                toile.ligne([gauche, droite], [y + 28.5] * 2, couleurs.ENCRE, 1.4)
                for borne in (gauche, droite):
                    toile.ligne([borne] * 2, [y + 24, y + 33], couleurs.ENCRE, 1.4)
                bout = max(bout, droite) if x >= zero else min(bout, gauche)
            dit = nombre(ligne["valeur"], decimales=places, signe=bas < 0, unite=unite) + symbole(ligne)
            toile.texte(
                bout + (6 if x >= zero else -6), y + 29, dit, gras=gras, cote="left" if x >= zero else "right"
            )
        phrases.append(f"{nom} : {valeur_dite(ligne, unite=unite, decimales=places)}{symbole(ligne)}")
    if bas < 0:
        toile.ligne([zero, zero], [0, toile.hauteur], couleurs.ENCRE_2, 1)
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre or (unite or ""),
        alternative=" ; ".join(phrases) + ".",
        source=source_commune(lignes, source),
        note=note_statuts(lignes),
    )


def barres_dites(barres: Sequence[Mapping[str, Any]], *, titre: str) -> Figure:
    """Quelques barres nommées, leur nombre déjà écrit : le territoire et ce à quoi un enjeu le compare.

    Parameters
    ----------
    barres : sequence of mapping
        ``nom`` (et ``court``, s'il est long), ``role`` (``territoire``, ``departement``, ``region``, ``france``),
        ``valeur``, ``ecrit``.

    Examples
    --------
    >>> craon = {"nom": "Craon", "role": "territoire", "valeur": 9.6, "ecrit": "9,6"}
    >>> barres_dites([craon], titre="Crèche").alternative
    'Craon : 9,6.'
    """
    pas, valeurs = 25.0, [float(b["valeur"]) for b in barres]
    toile = Toile(len(barres) * pas + 2)
    noms = [a_l_etroit(str(b.get("court", b["nom"])), _NOMS_DE_BARRES, gras=b["role"] == "territoire") for b in barres]
    gauche = MARGE + 8 + max(largeur_a_l_etroit(nom, corps) for nom, corps in noms)
    # De part et d'autre de zéro s'il y a des deux ; sinon, le signe est dans le nombre.
    bas, haut = (min(0.0, *valeurs), max(0.0, *valeurs)) if min(valeurs) < 0 < max(valeurs) else (0.0, 0.0)
    droite = 12 + max(largeur_a_l_etroit(str(b["ecrit"]), CORPS) for b in barres)
    echelle = (LARGEUR - gauche - droite) / ((haut - bas) or max(map(abs, valeurs)) or 1.0)
    zero = gauche - bas * echelle
    for rang, (barre, valeur, (nom, corps)) in enumerate(zip(barres, valeurs, noms, strict=True)):
        y, ici = (rang + 0.5) * pas, barre["role"] == "territoire"
        toile.texte(MARGE, y, nom, gras=ici, taille=corps)
        longueur = max(abs(valeur) * echelle, 1.0)
        debut = zero - longueur if bas < 0 and valeur < 0 else zero
        teinte = couleurs.TERRITOIRE if ici else couleurs.REFERENCES[str(barre["role"])]
        toile.rectangle(debut, y - 8, longueur, 16, teinte)
        toile.texte(max(debut + longueur, zero) + 7, y, str(barre["ecrit"]), gras=ici)
    dits = " ; ".join(f"{b['nom']} : {b['ecrit']}" for b in barres)
    return illustrer(toile, titre=titre, alternative=f"{dits}.")


def barres_ages(
    ages: pd.DataFrame,
    *,
    titre: str,
    nom: str,
    nom_reference: str = "France",
    sous_titre: str = "",
    source: str = "",
    unite: str = "%",
) -> Figure:
    """Les parts d'âges d'un territoire, avec un repère de comparaison.

    Parameters
    ----------
    ages : DataFrame
        ``tranche`` (libellé), ``valeur`` et, si possible, ``reference`` ; dans l'ordre à montrer.
    nom, nom_reference : str
        Noms écrits dans la légende du graphique.
    """
    manque = [c for c in ("tranche", "valeur") if c not in ages]
    if manque or ages.empty:
        raise DemandeFausse(
            "des âges incomplets", attendu="les colonnes tranche et valeur, au moins une ligne"
        )
    lignes = ages.to_dict("records")
    nombres = [float(li[c]) for li in lignes for c in ("valeur", "reference") if not est_vide(li.get(c))]
    gauche = 8 + 7.2 * max(len(str(li["tranche"])) for li in lignes)
    echelle = (LARGEUR - gauche - 66) / max([*nombres, 1e-9])
    avec_reference = any(not est_vide(li.get("reference")) for li in lignes)
    toile = Toile(30 + len(lignes) * 32)
    toile.rectangle(MARGE, 5, 13, 12, couleurs.TERRITOIRE)
    toile.texte(MARGE + 20, 11, nom, gras=True)
    if avec_reference:
        decalage = MARGE + 48 + 8.4 * len(nom)
        toile.ligne([decalage] * 2, [3, 19], couleurs.FRANCE, 3)
        toile.texte(decalage + 9, 11, nom_reference)
    phrases = []
    for rang, ligne in enumerate(lignes):
        y = 30 + rang * 32
        toile.texte(MARGE, y + 12, str(ligne["tranche"]))
        reference = None if est_vide(ligne.get("reference")) else float(ligne["reference"])
        bout = gauche
        if est_vide(ligne["valeur"]):
            toile.texte(gauche, y + 12, "n.d.", couleur=couleurs.ENCRE_2)
        else:
            longueur = float(ligne["valeur"]) * echelle
            toile.rectangle(gauche, y + 2, longueur, 20, couleurs.TERRITOIRE)
            bout = gauche + longueur
        if reference is not None:
            x = gauche + reference * echelle
            toile.ligne([x, x], [y - 1, y + 25], "#ffffff", 5)
            toile.ligne([x, x], [y - 1, y + 25], couleurs.FRANCE, 3)
            bout = max(bout, x)
        if not est_vide(ligne["valeur"]):
            toile.texte(bout + 7, y + 12, avec_unite(ligne["valeur"], unite), gras=True)
        compare = f" ({nom_reference} : {avec_unite(reference, unite)})" if reference is not None else ""
        phrases.append(f"{ligne['tranche']} : {avec_unite(ligne['valeur'], unite)}{compare}")
    return illustrer(
        toile, titre=titre, sous_titre=sous_titre, alternative=f"{nom}. {' ; '.join(phrases)}.", source=source
    )


__all__ = ["barres_ages", "barres_comparaison", "barres_dites", "barres_empilees", "points_classes", "serie"]
