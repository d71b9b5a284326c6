"""Contrôler une demande de rapport avant de jouer le carnet : paramètres, fichiers, année."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cafdiag.erreurs import DemandeFausse
from cafdiag.territoires import Territoire

# Ils ont leur propre argument : donnés deux fois, le rapport porterait un nom et les chiffres d'un autre.
RESERVES = ("code", "nom_usage", "annee")


def refuser_parametres(parametres: dict[str, str], connus: list[str]) -> None:
    """Refuse un paramètre inconnu du carnet, ou qui a son propre argument.

    papermill se contenterait d'un avertissement et tournerait sur le territoire par défaut.

    Examples
    --------
    >>> refuser_parametres({"qpv": "q.geojson"}, ["code", "qpv"])
    >>> try:
    ...     refuser_parametres({"code": "244900015"}, ["code", "qpv"])
    ... except DemandeFausse as erreur:
    ...     print(erreur.trouve)
    paramètre réservé : « code »
    """
    reserves = [n for n in parametres if n in RESERVES]
    if reserves:
        raise DemandeFausse(
            "paramètre réservé : " + ", ".join(f"« {n} »" for n in reserves),
            attendu=", ".join(n for n in connus if n not in RESERVES),
            conseil="donnez le territoire, son nom d'usage et l'année par leurs propres options",
        )
    inconnus = [n for n in parametres if n not in connus]
    if inconnus:
        raise DemandeFausse(
            "paramètre inconnu : " + ", ".join(f"« {n} »" for n in inconnus),
            attendu=", ".join(n for n in connus if n not in RESERVES),
            conseil="code, nom_usage et annee ont leurs propres options",
        )


def lire_annee(annee: str | int | None) -> int | None:
    """L'année demandée ; None si rien n'est demandé.

    Raises
    ------
    DemandeFausse
        Autre chose que quatre chiffres.

    Examples
    --------
    >>> lire_annee("2021"), lire_annee("")
    (2021, None)
    """
    texte = "" if annee is None else str(annee).strip()
    if not texte:
        return None
    if not (texte.isascii() and texte.isdigit()) or len(texte) != 4:
        raise DemandeFausse(f"année : « {annee} »", attendu="quatre chiffres, comme 2023")
    return int(texte)


def controler(cible: Territoire, valeurs: dict[str, str]) -> tuple[str, ...]:
    """Refuse ce que le carnet refuserait, sans le jouer ; rend ce que le registre apporté a rangé de côté.

    Parameters
    ----------
    cible : Territoire
        Territoire du rapport.
    valeurs : dict of str
        Paramètres du carnet.

    Returns
    -------
    tuple of str
        Le compte rendu du registre, s'il a des lignes écartées ou des réserves.

    Raises
    ------
    DemandeFausse
        Choix de calcul inconnu, année mal écrite ou sans aucun chiffre pour ce territoire.
    EntreeFautive
        Fichier apporté absent ou fautif.
    """
    from cafdiag.donnees import lire_apports
    from cafdiag.indicateurs import Options
    from cafdiag.indicateurs.questionnaire import depouiller

    # Options lit elle-même ses nombres écrits en textes.
    choix: dict[str, Any] = {c.name: valeurs[c.name] for c in fields(Options) if c.name in valeurs}
    options = Options(**choix)
    annee = lire_annee(valeurs.get("annee"))
    if reponses := [f.strip() for f in valeurs.get("questionnaire", "").split(",") if f.strip()]:
        depouiller(cible, reponses, seuil=options.seuil_caf)
    complets = [d for d in valeurs.get("registre_complet", "").split(",") if d.strip()]
    apports = None
    if valeurs.get("qpv") or valeurs.get("registre") or complets:
        apports = lire_apports(
            qpv=valeurs.get("qpv") or None,
            registre=valeurs.get("registre") or None,
            registre_complet=complets,
        )
    if annee is not None:
        _refuser_annee_muette(cible, annee, apports, options)
    compte = apports.compte_rendu if apports else None
    return (compte.en_texte(),) if compte and (compte.rejets or compte.remarques) else ()


def _refuser_annee_muette(cible: Territoire, annee: int, apports, options) -> None:
    from cafdiag.indicateurs import mesurer
    from cafdiag.restitution.formats import chiffrees

    mesures = mesurer(cible, annee=annee, apports=apports, options=options)
    dites = mesures[chiffrees(mesures) & ~mesures["indicateur"].isin(_projetes())]
    # Un indicateur qui n'a que sa propre année ne répond pas à celle qu'on demande.
    if dites["annee"].eq(annee).any():
        return
    raise _annee_muette(annee, _annees_connues(), cible)


def refuser_annee_inconnue(annee: int, cible: Territoire) -> None:
    """Refuse une année où aucun indicateur n'a de chiffre, nulle part."""
    from cafdiag.indicateurs import annees_disponibles

    connues = _annees_connues()
    if annee not in connues and not any(annee in annees_disponibles(code) for code in _projetes()):
        raise _annee_muette(annee, connues, cible)


def _projetes() -> list[str]:
    """Les indicateurs d'une année à venir : elle n'est pas celle d'un diagnostic."""
    from cafdiag.indicateurs import dictionnaire

    table = dictionnaire()
    return table.index[table["calcul"].eq("enfants_dans_cinq_ans")].tolist()


def _annees_connues() -> list[int]:
    from cafdiag.indicateurs import annees_disponibles, dictionnaire

    constates = dictionnaire().index.difference(_projetes())
    return sorted({a for code in constates for a in annees_disponibles(code)})


def _annee_muette(annee: int, connues: list[int], cible: Territoire) -> DemandeFausse:
    return DemandeFausse(
        f"aucun chiffre en {annee} pour {cible.libelle}",
        attendu="une année parmi " + ", ".join(map(str, connues)),
        conseil="sans année, chaque indicateur prend la dernière connue",
    )
