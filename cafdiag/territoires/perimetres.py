"""Le périmètre libre : des communes choisies à la main (pôle, RPI, convention partielle)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from cafdiag.erreurs import CafdiagError, DemandeFausse, TerritoireInconnu
from cafdiag.geographie import geographie
from cafdiag.territoires.decoupage import decouper
from cafdiag.territoires.gardes import communes_gardees
from cafdiag.territoires.objets import Territoire
from cafdiag.territoires.referentiel import fiches
from cafdiag.territoires.resolution import exiger_texte, territoire

_ENTRE_CODES = re.compile(r"(?<=\d)\s+(?=\d)")


def perimetre(nom: str, codes: Iterable[str] | str | None = None) -> Territoire:
    """Un périmètre libre : la réunion de communes, sans doublon ; ou un périmètre gardé, par son nom.

    Parameters
    ----------
    nom : str
        Nom à afficher (« Pôle sud »).
    codes : iterable of str, optional
        Sans eux, le périmètre gardé sous ce nom (:func:`garder_perimetre`).
        Codes de communes ou d'EPCI (pris pour leurs communes), ou Territoires de ces mailles. Une chaîne
        est découpée aux « + », virgules, points-virgules et espaces.

    Returns
    -------
    Territoire
        Maille ``perimetre`` ; son code dépend de ses seules communes, ni de leur ordre ni du nom.

    Raises
    ------
    TerritoireInconnu
        Codes inconnus, tous donnés d'un coup.
    DemandeFausse
        Nom ou liste vide, nombre au lieu d'un texte, maille autre que commune ou EPCI.

    Examples
    --------
    >>> sud = perimetre("Pôle sud", ["53084", "53012", "53084"])
    >>> sud
    <Territoire : Pôle sud (périmètre P-4ac7a485), 2 communes>
    >>> sud.avertissements
    ('53084 Craon était donnée plusieurs fois : comptée une seule',)
    """
    nom = exiger_texte(nom).strip()
    if not nom:
        raise DemandeFausse("le périmètre n'a pas de nom", conseil="donnez-lui un nom : « Pôle sud »")
    if codes is None:
        nom, codes = communes_gardees(nom)
    lieux = _lire(codes)
    communes, avertissements = _reunir(lieux)
    empreinte = hashlib.sha256("+".join(communes).encode("utf-8")).hexdigest()[:8]
    return Territoire(f"P-{empreinte}", nom, "perimetre", communes, avertissements)


def perimetre_en_texte(texte: str) -> Territoire:
    """Le périmètre écrit en une chaîne : ses codes (« 53012+53084 »), ou le nom sous lequel il est gardé."""
    codes = _decouper(texte)
    if len(codes) == 1 and not any(signe.isdigit() for signe in codes[0][:2]):
        return perimetre(codes[0])
    if len(codes) == 1 and "+" in texte:
        raise DemandeFausse(
            f"« {texte} » ne réunit qu'un seul territoire",
            attendu="au moins deux codes réunis par « + », par exemple 53012+53084",
            conseil=f"pour ce territoire seul, écrivez {codes[0]}",
        )
    noms = list(dict.fromkeys(lieu.nom for lieu in _lire(codes)))
    nom = " + ".join(noms) if len(noms) <= 3 else f"{noms[0]}, {noms[1]} et {len(noms) - 2} autres"
    return perimetre(nom, codes)


def _decouper(texte: str) -> list[str]:
    if "+" not in texte:
        return [code for morceau in decouper(texte) for code in _ENTRE_CODES.split(morceau)]
    return [morceau.strip() for morceau in texte.split("+") if morceau.strip()]


def _lire(codes: Iterable[str] | Territoire | str) -> list[Territoire]:
    """Les membres, ou une seule erreur qui donne tous les défauts."""
    membres: list[str | Territoire]
    if isinstance(codes, Territoire):
        membres = [codes]
    elif isinstance(codes, str):
        membres = [*_decouper(codes)]
    else:
        if not isinstance(codes, Iterable):
            exiger_texte(codes)
        membres = list(codes)
    if not membres:
        raise DemandeFausse("le périmètre est vide", attendu="au moins un code de commune ou d'EPCI")
    lieux, erreurs = [], {}
    for membre in membres:
        try:
            lieu = territoire(membre)
            if lieu.maille not in ("commune", "epci", "perimetre"):
                raise DemandeFausse(
                    f"« {membre} » est {lieu.libelle}",
                    attendu="une commune ou un EPCI",
                    conseil="donnez les codes des communes ou des EPCI qui le composent",
                )
            lieux.append(lieu)
        except CafdiagError as erreur:
            erreurs[str(membre)] = erreur
    if len(erreurs) == 1:
        raise next(iter(erreurs.values()))
    if erreurs:
        conseil = " ; ".join(
            f"{membre} : "
            + (", ".join(getattr(erreur, "propositions", [])[:2]) or erreur.conseil or erreur.trouve)
            for membre, erreur in erreurs.items()
        )
        if all(isinstance(erreur, TerritoireInconnu) for erreur in erreurs.values()):
            propositions = [p for erreur in erreurs.values() for p in getattr(erreur, "propositions", [])[:2]]
            raise TerritoireInconnu(
                ", ".join(erreurs),
                propositions=propositions,
                attendu=f"des codes de communes ou d'EPCI de {geographie()}",
                conseil=conseil,
            )
        raise DemandeFausse(
            f"{len(erreurs)} codes refusés dans le périmètre : {', '.join(erreurs)}",
            attendu="des codes de communes ou d'EPCI, en texte",
            conseil=conseil,
        )
    return lieux


def _reunir(lieux: list[Territoire]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Communes sans doublon, et ce qu'il faut dire au lecteur."""
    avertissements: dict[str, None] = {}
    communes: dict[str, None] = {}
    vus: set[str] = set()
    for lieu in lieux:
        avertissements.update(dict.fromkeys(lieu.avertissements))
        if lieu.maille == "epci" and lieu.code in vus:
            # Deux anciens SIREN du même EPCI : ses communes ne se disent pas une à une.
            avertissements[f"{lieu.code} {lieu.nom} était donné plusieurs fois : compté une seule"] = None
            continue
        vus.add(lieu.code)
        for code in lieu.communes:
            if code in communes:
                nom = fiches()["commune"][code].nom
                avertissements[f"{code} {nom} était donnée plusieurs fois : comptée une seule"] = None
            communes[code] = None
    # La ville et l'un de ses arrondissements : les mêmes habitants seraient comptés deux fois.
    for code in list(communes):
        mere = fiches()["commune"][code].commune_mere
        if mere in communes:
            del communes[code]
            avertissements[
                f"{code} {fiches()['commune'][code].nom} est déjà compris dans {mere} "
                f"{fiches()['commune'][mere].nom} : compté une seule fois"
            ] = None
    return tuple(sorted(communes)), tuple(avertissements)
