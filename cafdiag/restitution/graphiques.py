"""Les graphiques d'un diagnostic : modes d'accueil, comparaison, naissances, âges, place parmi les EPCI.

Chaque fonction reçoit des Mesures et rend une :class:`Illustration`. Le territoire a toujours sa
couleur, la France son gris ; une valeur estimée est creuse ou hachurée, un manquant est écrit « n.d. ».
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cafdiag.erreurs import DemandeFausse
from cafdiag.restitution import couleurs
from cafdiag.restitution.echappement import est_vide
from cafdiag.restitution.fiches import _source, valeur_dite
from cafdiag.restitution.formats import avec_unite, decimales_de, enumeration, nombre, pluriel, statut
from cafdiag.restitution.illustrations import CORPS, LARGEUR, Illustration, Toile, illustrer

if TYPE_CHECKING:
    import pandas as pd

MARGE = 4.0


def _lignes(mesures: pd.DataFrame) -> list[dict[str, Any]]:
    if mesures.empty:
        raise DemandeFausse(
            "aucune mesure à dessiner", conseil="dites-le en une ligne plutôt qu'en graphique"
        )
    lignes = mesures.to_dict("records")
    for ligne in lignes:
        if est_vide(ligne.get("statut")):
            ligne["statut"] = "non_disponible" if est_vide(ligne.get("valeur")) else "exact"
        if not statut(ligne["statut"]).chiffre:
            ligne["valeur"] = None
        elif est_vide(ligne.get("valeur")):
            ligne["statut"] = "non_disponible"
    return lignes


def _une_par_territoire(lignes: list[dict]) -> None:
    codes = [ligne["territoire"] for ligne in lignes]
    if len(set(codes)) != len(codes):
        raise DemandeFausse(
            "plusieurs mesures pour un même territoire",
            attendu="un indicateur, une année",
            conseil="filtrez les mesures",
        )


def _connue(ligne: dict) -> bool:
    return not est_vide(ligne.get("valeur"))


def _couleur(ligne: dict, territoire: str) -> str:
    if ligne["territoire"] == territoire:
        return couleurs.TERRITOIRE
    return couleurs.REFERENCES.get(str(ligne.get("maille")), couleurs.REGION)


def _noms(ligne: dict, noms: Mapping[str, str] | None) -> str:
    return str((noms or {}).get(ligne["territoire"], ligne.get("nom") or ligne["territoire"]))


def _source_commune(lignes: list[dict], source: str) -> str:
    if source:
        return source
    dites = list(
        dict.fromkeys(
            _source(li).removeprefix("Source : ") for li in lignes if not est_vide(li.get("source"))
        )
    )
    return " ; ".join(dites)


def _symbole(ligne: dict) -> str:
    symbole = statut(ligne["statut"]).symbole
    return f" ({symbole})" if symbole else ""


def _note_statuts(lignes: list[dict]) -> str:
    cles = dict.fromkeys(li["statut"] for li in lignes)
    dits = [f"{statut(c).symbole} : {statut(c).libelle}" for c in cles if statut(c).symbole]
    return f"{' ; '.join(dits)}." if dits else ""


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
) -> Illustration:
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
    lignes = [li for li in _lignes(mesures) if li["indicateur"] in modes or li["indicateur"] == total]
    codes = list(dict.fromkeys(li["territoire"] for li in lignes))
    par_case = {(li["territoire"], li["indicateur"]): li for li in lignes}
    if len(par_case) != len(lignes):
        raise DemandeFausse("plusieurs mesures pour une même barre", attendu="une année par indicateur")
    if not codes:
        raise DemandeFausse("aucun mode d'accueil dans les mesures", attendu=", ".join(modes))
    sommes = {
        c: sum(
            float(par_case[c, m]["valeur"]) for m in modes if (c, m) in par_case and _connue(par_case[c, m])
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
        nom, gras = _noms(modele, noms), code == territoire
        absents = [
            libelle
            for m, (libelle, _) in modes.items()
            if (code, m) not in par_case or not _connue(par_case[code, m])
        ]
        toile.texte(MARGE, y + 9, nom, gras=gras)
        x = MARGE
        for m, (_, teinte) in modes.items():
            ligne = par_case.get((code, m))
            if ligne is None or not _connue(ligne):
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
        if global_ is not None and _connue(global_):
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
            f"{nombre(global_['valeur'], decimales=1)} au total, dont "
            if global_ and _connue(global_)
            else ""
        )
        phrases.append(f"{nom} : {tete}{', '.join(detail)}.")
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre,
        alternative=" ".join(phrases),
        source=_source_commune(lignes, source),
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
) -> Illustration:
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
    lignes = _lignes(mesures)
    _une_par_territoire(lignes)
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
        nom, teinte = _noms(ligne, noms), _couleur(ligne, territoire)
        toile.texte(MARGE, y + 9, nom, gras=gras)
        if not _connue(ligne):
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
            dit = nombre(ligne["valeur"], decimales=places, signe=bas < 0) + _symbole(ligne)
            toile.texte(
                bout + (6 if x >= zero else -6), y + 29, dit, gras=gras, cote="left" if x >= zero else "right"
            )
        phrases.append(f"{nom} : {valeur_dite(ligne, unite=unite, decimales=places)}{_symbole(ligne)}")
    if bas < 0:
        toile.ligne([zero, zero], [0, toile.hauteur], couleurs.ENCRE_2, 1)
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre or (unite or ""),
        alternative=" ; ".join(phrases) + ".",
        source=_source_commune(lignes, source),
        note=_note_statuts(lignes),
    )


def serie(
    mesures: pd.DataFrame,
    *,
    territoire: str,
    titre: str,
    sous_titre: str = "",
    source: str = "",
    decimales: int | None = None,
) -> Illustration:
    """L'évolution d'une grandeur, année par année (naissances 2019-2025).

    Parameters
    ----------
    mesures : DataFrame
        Un indicateur, un territoire : ``annee``, ``valeur``, ``statut``, ``unite``.

    Notes
    -----
    L'axe part de zéro. Une année sans valeur coupe la ligne et est écrite « n.d. » : jamais de trait
    par-dessus un trou. Un point creux est une valeur estimée.
    """
    lignes = [li for li in _lignes(mesures) if li["territoire"] == territoire]
    if not lignes or any(est_vide(li.get("annee")) for li in lignes):
        raise DemandeFausse("une série sans année", attendu="des mesures du territoire avec leur année")
    lignes.sort(key=lambda li: int(li["annee"]))
    annees = [int(li["annee"]) for li in lignes]
    if len(set(annees)) != len(annees):
        raise DemandeFausse("deux mesures pour une même année", conseil="ne gardez qu'un indicateur")
    unite = next((li["unite"] for li in lignes if not est_vide(li.get("unite"))), None)
    places = decimales_de(unite) if decimales is None else decimales
    connus = {a: li for a, li in zip(annees, lignes, strict=True) if _connue(li)}
    maximum = max((float(li["valeur"]) for li in connus.values()), default=0.0) or 1.0
    toutes = list(range(annees[0], annees[-1] + 1))
    pas = (LARGEUR - 60) / max(len(toutes) - 1, 1)
    bas, haut = 196.0, 34.0
    toile = Toile(224)
    xs = {a: 30 + i * pas for i, a in enumerate(toutes)}
    ys = {a: bas - float(li["valeur"]) / maximum * (bas - haut) for a, li in connus.items()}
    toile.ligne([8, LARGEUR - 8], [bas, bas], couleurs.ENCRE_2, 1)
    for a, b in itertools.pairwise(toutes):
        if a in ys and b in ys:
            toile.ligne([xs[a], xs[b]], [ys[a], ys[b]], couleurs.TERRITOIRE, 2.2)
    un_sur = max(1, math.ceil(len(toutes) / 10))
    for i, a in enumerate(toutes):
        if (len(toutes) - 1 - i) % un_sur == 0:
            toile.texte(xs[a], bas + 15, str(a), cote="center", couleur=couleurs.ENCRE_2)
        if a in ys:
            toile.point(xs[a], ys[a], couleurs.TERRITOIRE, creux=connus[a]["statut"] != "exact")
            if (len(toutes) - 1 - i) % un_sur == 0:
                toile.texte(
                    xs[a],
                    ys[a] - 15,
                    nombre(connus[a]["valeur"], decimales=places),
                    cote="center",
                    gras=a in (toutes[0], toutes[-1]),
                )
        else:
            toile.texte(xs[a], bas - 12, "n.d.", cote="center", couleur=couleurs.ENCRE_2, taille=CORPS - 1)
    dits = [
        f"{a} : {valeur_dite(li, unite=None, decimales=places)}{_symbole(li)}"
        for a, li in zip(annees, lignes, strict=True)
    ]
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre or (unite or ""),
        alternative=" ; ".join(dits) + ".",
        source=_source_commune(lignes, source),
        note=_note_statuts(lignes),
    )


def barres_ages(
    ages: pd.DataFrame,
    *,
    titre: str,
    nom: str,
    nom_reference: str = "France",
    sous_titre: str = "",
    source: str = "",
    unite: str = "%",
) -> Illustration:
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
) -> Illustration:
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
    lignes = _lignes(mesures)
    _une_par_territoire(lignes)
    unite = next((li["unite"] for li in lignes if not est_vide(li.get("unite"))), None)
    places = decimales_de(unite) if decimales is None else decimales
    connues = sorted(
        (li for li in lignes if _connue(li)), key=lambda li: (-float(li["valeur"]), _noms(li, noms))
    )
    absentes = [li for li in lignes if not _connue(li)]
    if not connues:
        raise DemandeFausse("aucune valeur connue à classer", conseil="dites-le en une ligne")
    etendue = [float(li["valeur"]) for li in connues] + ([float(reference)] if reference is not None else [])
    depart = 0.0 if min(etendue) >= 0 else min(etendue)
    gauche = min(8 + 6.9 * max(len(_noms(li, noms)) for li in connues), LARGEUR * 0.5)
    echelle = (LARGEUR - gauche - 62) / ((max(etendue) - depart) or 1.0)
    haut = 26.0 if reference is not None else 6.0
    pas = 24.0
    toile = Toile(haut + len(connues) * pas + 4)
    if reference is not None:
        x = gauche + (float(reference) - depart) * echelle
        toile.ligne([x, x], [haut - 6, toile.hauteur], couleurs.FRANCE, 1.4, dashes=(4, 3))
        toile.texte(
            min(max(x, gauche + 30), LARGEUR - 60),
            9,
            f"{nom_reference} {nombre(reference, decimales=places)}",
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
        toile.texte(MARGE, y, _raccourcir(_noms(ligne, noms), gauche), gras=ici)
        toile.ligne([gauche, x], [y, y], teinte, 2.4 if ici else 1.2)
        toile.point(
            x, y, teinte if ici else "#8aa4ba", rayon=5.5 if ici else 4.5, creux=ligne["statut"] != "exact"
        )
        toile.texte(x + 10, y, nombre(ligne["valeur"], decimales=places) + _symbole(ligne), gras=ici)
    dits = [f"{_noms(li, noms)} {nombre(li['valeur'], decimales=places)}" for li in connues]
    phrases = [f"Du plus élevé au plus bas : {', '.join(dits)}."]
    rang = next((i for i, li in enumerate(connues, start=1) if li["territoire"] == territoire), None)
    if rang is not None:
        phrases.insert(0, f"{_noms(connues[rang - 1], noms)} est au rang {rang} sur {len(connues)}.")
    if reference is not None:
        phrases.append(f"{nom_reference} : {avec_unite(reference, unite, decimales=places)}.")
    note = _note_statuts(connues)
    if absentes:
        mot = pluriel(len(absentes), "territoire")
        note = f"{note} Sans valeur ({mot}) : {enumeration([_noms(li, noms) for li in absentes], maximum=8)}.".strip()
        phrases.append(note)
    return illustrer(
        toile,
        titre=titre,
        sous_titre=sous_titre or (unite or ""),
        alternative=" ".join(phrases),
        source=_source_commune(lignes, source),
        note=note,
    )


def _raccourcir(nom: str, largeur: float) -> str:
    tient = int((largeur - 8) / 6.6)
    return nom if len(nom) <= tient else nom[: tient - 1].rstrip() + "…"
