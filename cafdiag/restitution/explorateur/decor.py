"""La carte de l'explorateur : un décor (contours, repères) dessiné une fois, une peinture qui change.

Les deux partent au navigateur en JSON ; ``templates/explorateur/carte_vive.js`` les dessine. Changer
d'indicateur n'envoie qu'une peinture : ni contour, ni Leaflet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from cafdiag.indicateurs import dictionnaire
from cafdiag.indicateurs.bornes import dire_bornes
from cafdiag.magasin import lire_table
from cafdiag.restitution import couleurs, vues
from cafdiag.restitution.carte import Legende
from cafdiag.restitution.carte_html import legende_html
from cafdiag.restitution.cartes import SOURCE_CONTOURS, extremes
from cafdiag.restitution.couches import (
    Fond,
    ecritures,
    emplacements,
    fond,
    geometries,
    noms_a_ecrire,
    reperes,
    surbrillance,
)
from cafdiag.restitution.echappement import est_vide, json_sur
from cafdiag.restitution.explorateur import calculs
from cafdiag.restitution.explorateur.etat import Etat
from cafdiag.restitution.fiches import valeur_dite
from cafdiag.restitution.formats import cle_de_tri, decimales_de, nom_court, nombre, pluriel, statut
from cafdiag.restitution.peintures import (
    Classes,
    classements,
    peindre_aplats,
    peindre_cercles,
    vignette_d_aplat,
)
from cafdiag.territoires import Territoire, membres, territoire

_LIBRE = {"color": "#8a929a", "weight": 0.8, "fillColor": "#ffffff", "fillOpacity": 1}
_COCHEE: dict[str, Any] = {"color": "#ffffff", "weight": 1.2, "fillColor": couleurs.TERRITOIRE, "fillOpacity": 0.85}


@dataclass(frozen=True)
class Decor:
    """Ce qui ne change pas avec l'indicateur.

    Attributes
    ----------
    maille, codes, noms
        Territoires dessinés, dans l'ordre des zones du message.
    libelle : str
        « les communes du territoire ».
    reperes : str
        Légende de ce qui entoure les territoires (HTML).
    message : str
        JSON pour la page ; son champ ``id`` le désigne.
    etiquettes, surfaces
        Ses noms, et ce qui les range quand aucun cercle ne le fait.
    """

    maille: str
    codes: tuple[str, ...]
    noms: tuple[str, ...]
    libelle: str
    reperes: str
    id: str
    message: str
    etiquettes: Callable[..., dict[str, Any]]
    surfaces: tuple[float, ...]

    def noms_a_ecrire(self, rayons: Sequence[float] = (), avant: Sequence[str] = ()) -> dict[str, Any]:
        """Les noms à écrire sous une peinture : ses cercles, et les extrêmes qu'on doit lire."""
        dus = [code in avant for code in self.codes]
        rendu = self.etiquettes(dus=dus, poids=rayons or self.surfaces, rayons=rayons or None)
        # Le décor porte déjà leurs lettres et leur lieu.
        propres = [{c: v for c, v in nom.items() if c not in ("t", "p")} for nom in rendu["noms"]]
        return {**rendu, "noms": propres}


def decor_de(etat: Etat) -> Decor:
    """Le décor où se peint l'indicateur : des EPCI, des communes ou des départements."""
    return _decor(etat.territoire, vues.se_peint_a_l_epci(etat.indicateur))


@lru_cache(maxsize=16)
def _decor(cible: Territoire, a_l_epci: bool) -> Decor:
    quoi = vues.decoupage(cible, a_l_epci=a_l_epci)
    return _dresser(cible, quoi.maille, quoi.codes, quoi.libelle, contexte=vues.contexte(cible, quoi))


def decor_des_communes(cible: Territoire, choisies: tuple[str, ...]) -> Decor | None:
    """Le décor où se composent les périmètres : communes des EPCI concernés et communes qui les touchent.

    Rend None quand elles seraient trop nombreuses pour une carte (région, France).
    """
    autour = communes_autour(cible, choisies)
    if not autour:
        return None
    return _decor_communes(cible, autour)


@lru_cache(maxsize=8)
def _decor_communes(cible: Territoire, codes: tuple[str, ...]) -> Decor:
    return _dresser(cible, "commune", codes, "les communes à cocher", contexte=[])


@lru_cache(maxsize=8)
def communes_autour(cible: Territoire, choisies: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Communes proposées pour composer un périmètre ; vide s'il y en aurait trop.

    Examples
    --------
    >>> codes = communes_autour(territoire("200048551"))
    >>> "53084" in codes, set(territoire("200048551").communes) < set(codes)
    (True, True)
    """
    if len(cible.communes) > vues.COMMUNES_MAXIMUM:
        return ()
    epci = membres("epci")
    depart = {*cible.communes, *choisies}
    siens = set(epci.loc[epci["commune"].isin(depart), "code"].dropna())
    dedans = depart | set(epci.loc[epci["code"].isin(siens), "commune"])
    voisins = lire_table("voisins", filtres=[("maille", "==", "commune")])
    touchees = set(voisins.loc[voisins["code"].isin(dedans), "voisin"])
    codes = sorted(epci.loc[epci["commune"].isin(dedans | touchees), "commune"].tolist())
    return tuple(codes) if len(codes) <= vues.COMMUNES_MAXIMUM else ()


def _dresser(
    cible: Territoire, maille: str, codes: tuple[str, ...], libelle: str, *, contexte: list[Fond]
) -> Decor:
    contours = vues.contours_de(maille, codes)
    presents = tuple(str(c) for c in contours["code"])
    prefixe = "region:" if maille == "region" else ""
    noms = tuple(territoire(prefixe + code).nom for code in presents)
    cadre = vues.cadre_de(cible) or tuple(float(b) for b in contours.total_bounds)
    surligne = vues.a_surligner(cible, contours)
    if isinstance(surligne, str):
        surligne = contours[contours["code"] == surligne]
    fonds = [fond(f.contours, libelle=f.libelle, trait=f.trait, cadre=cadre) for f in contexte]
    cerne = None if surligne is None or surligne.empty else surbrillance(surligne, libelle=cible.nom)
    ouest, sud, est, nord = cadre
    gras, points = [c == cible.code for c in presents], reperes(contours)
    places = emplacements(contours, [nom_court(n) for n in noms], fortes=gras)
    bornes = contours.geometry.bounds
    surfaces = (bornes["maxx"] - bornes["minx"]) * (bornes["maxy"] - bornes["miny"])
    message: dict[str, Any] = {
        "cadre": [[sud, ouest], [nord, est]],
        "fonds": [c.dessin for c in fonds if c],
        "zones": [
            {"c": code, "g": g, "n": nom, "t": ecritures(nom_court(nom)), "p": p, "v": v}
            for code, nom, g, p, v in zip(presents, noms, geometries(contours), points, places, strict=True)
        ],
        "surligne": [] if cerne is None else [cerne.dessin],
    }
    message["id"] = hashlib.sha256(json_sur(message).encode("utf-8")).hexdigest()[:12]
    dits = tuple(c.repere for c in (cerne, *fonds) if c and c.repere)
    legende = legende_html([Legende(dits)], "") if dits else ""
    etiquettes = partial(noms_a_ecrire, [nom_court(n) for n in noms], points, gras=gras, cadre=cadre)
    return Decor(
        maille, presents, noms, libelle, legende, message["id"], json_sur(message), etiquettes, tuple(surfaces)
    )


def peindre(etat: Etat, decor: Decor, *, actif: str = "") -> dict[str, Any]:
    """La peinture de l'indicateur sur un décor : couleurs, infobulles, légende, tableau lié.

    Parameters
    ----------
    actif : str
        Code de la zone choisie, mise en avant sur la carte et dans le tableau.
    """
    ligne = dictionnaire().loc[etat.indicateur]
    mesures = calculs.de_la_maille(decor.maille, decor.codes, etat)
    commun = {
        "libelle": ligne["libelle_court"],
        "unite": ligne["unite"],
        "decimales": int(ligne["decimales"]),
    }
    millesime = vues.date_des(mesures)
    if ligne["regle"] == "A2":
        peintures = [peindre_cercles(decor.codes, decor.noms, mesures, **commun)]
    else:
        peintures = [
            peindre_aplats(decor.codes, decor.noms, mesures, classes=c, **commun)
            for c in _classes(etat, mesures["valeur"], commun) or (None,)
        ]
    peinture = peintures[0]
    cible = etat.territoire
    return {
        "decor": decor.id,
        "titre": f"{ligne['libelle']}, {millesime}",
        "sous_titre": f"{cible.nom} : {decor.libelle}",
        "source": f"Source : {ligne['source']}, {millesime}. {SOURCE_CONTOURS}",
        "styles": peinture.styles,
        "rangs": peinture.rangs,
        "fiches": peinture.fiches,
        "rayons": peinture.rayons,
        "noms": decor.noms_a_ecrire(peinture.rayons, extremes(mesures)),
        "choix": [
            {"c": p.choix, "styles": p.styles, "rangs": p.rangs, "legende": _legende(p.legende, decor)}
            for p in peintures
        ],
        "legende": _legende(peinture.legende, decor),
        "texte": peinture.texte,
        "tableau": _tableau(decor, peinture.lignes, ligne),
        "geste": "choisir",
        "choisies": [],
        "actif": actif,
    }


def _legende(bloc: Legende, decor: Decor) -> str:
    return legende_html([bloc], "") + decor.reperes


def _classes(etat: Etat, valeurs: Any, commun: dict[str, Any]) -> tuple[Classes, ...]:
    reference = vues.reference_des_classes(etat.indicateur, annee=etat.annee)
    return classements(
        valeurs,
        reference=None if est_vide(reference) else reference,
        unite=commun["unite"],
        decimales=commun["decimales"],
    )


def _tableau(decor: Decor, lignes: list[dict], definition: Any) -> dict[str, Any]:
    """Le tableau lié à la carte, du plus grand au plus petit, les manquants à la fin."""
    unite, places = str(definition["unite"]), int(definition["decimales"])
    ordre = sorted(
        range(len(lignes)),
        key=lambda i: (
            est_vide(lignes[i].get("valeur")),
            -float(lignes[i].get("valeur") or 0),
            cle_de_tri(decor.noms[i]),
        ),
    )
    corps = []
    for i in ordre:
        etat = statut(lignes[i]["statut"])
        dite = dire_bornes(lignes[i], places) or etat.symbole
        if etat.chiffre:
            dite = valeur_dite(lignes[i], unite=None, decimales=places)
        if etat.chiffre and etat.symbole:
            dite += f" {etat.symbole}"
        corps.append([decor.codes[i], decor.noms[i], dite])
    return {"titre": f"{definition['libelle_court']} ({unite})", "colonne": "Valeur", "lignes": corps}


def peindre_les_communes(cible: Territoire, decor: Decor, choisies: tuple[str, ...]) -> dict[str, Any]:
    """La peinture du périmètre en préparation : communes cochées, communes libres."""
    populations = [territoire(code).population for code in decor.codes]
    retenues = set(choisies)
    dites = [nombre(p, decimales=decimales_de("habitants")) for p in populations]
    ordre = sorted(range(len(decor.codes)), key=lambda i: cle_de_tri(decor.noms[i]))
    dehors = len(retenues - set(decor.codes))
    suite = f", dont {nombre(dehors)} hors de la carte" if dehors else ""
    cochees = (
        vignette_d_aplat(_COCHEE["fillColor"], "Cochée", len(retenues) - dehors, opacite=0.85),
        vignette_d_aplat("#ffffff", "Non cochée", len(decor.codes) - len(retenues) + dehors),
    )
    return {
        "decor": decor.id,
        "titre": "Composer un périmètre",
        "sous_titre": f"{pluriel(len(retenues), 'commune cochée', 'communes cochées')}{suite} : "
        "cliquez sur une commune pour la cocher ou la décocher",
        "source": f"Source : Insee, populations municipales. {SOURCE_CONTOURS}",
        "styles": [_LIBRE, _COCHEE],
        "rangs": [int(code in retenues) for code in decor.codes],
        "fiches": [
            [nom, f"{dite} habitants", "Cochée" if code in retenues else "Non cochée"]
            for code, nom, dite in zip(decor.codes, decor.noms, dites, strict=True)
        ],
        "rayons": [],
        "noms": decor.noms_a_ecrire(),
        "choix": [],
        "legende": _legende(Legende(cochees, "Communes"), decor),
        "texte": f"Communes cochées : {', '.join(territoire(c).nom for c in choisies) or 'aucune'}.",
        "tableau": {
            "titre": "Communes à cocher",
            "colonne": "Habitants",
            "lignes": [[decor.codes[i], decor.noms[i], dites[i]] for i in ordre],
        },
        "geste": "cocher",
        "choisies": [code for code in decor.codes if code in retenues],
        "actif": "",
    }
